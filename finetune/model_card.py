"""The README.md that stands beside a trained model, or a base with a query adapter."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from finetune.options import TrainingData
from rag_service.core.types import ModelCard

_TEXT = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
base_model: {base}
tags: [sentence-transformers, finance, retrieval]
---
# {title}
Finds the passages of annual reports (10-K) that answer a question. Made by Ragloop from the
filings that one installation holds; it is meant for search in these and similar filings.
{about}
| | |
| --- | --- |
| base | {base} (`{fingerprint}`) |
| vectors | {vectors} |
| question prompt | `{query_prompt}` |
| passage prompt | `{document_prompt}` |
| longest input | {tokens} |

## Training
{training}

Data `{data}`: questions with the passages that answer them, written by {sources}. Documents are
divided before questions are written; no document is in two parts.

| split | questions | documents |
| --- | --- | --- |
{splits}

## Validation
NDCG@10 over {questions} questions and {chunks} passages of the validation documents, on which
{choice} and average were chosen: it is no measure of quality on new documents, which the
release's evaluation gives.

| base | tuned |
| --- | --- |
| {before:.4f} | {after:.4f} |

{verdict}

## Limits and licence
Questions in other languages, other kinds of documents and {unseen} were not looked at. The
weights are a derivative of the base model and come under its licence; whoever shares them must
also have the right to use the filings in this way.
"""
_TUNED = """{trained_on}, at {dimensions}; {epochs} epoch(s), {steps} steps in
all, batch {batch_size}, learning rate {learning_rate:g} with warm-up and cosine decay,
{precision} on {device}, seed {seed}. The checkpoint of step {best_step} was chosen on the
validation documents and averaged with the base: {merge_weight:.0%} trained, {rest:.0%} base."""
_ADAPTED = """Cross-entropy over the passages of a batch, scale 20; {steps} steps, batch
{batch_size}, learning rate {learning_rate:g} with warm-up and cosine decay, weight decay towards
the identity, seed {seed}. The matrix of step {best_step} was chosen on the validation documents
and averaged with the identity: {merge_weight:.0%} trained, {rest:.0%} identity."""
_ABOUT_ADAPTED = """
Passages have the vectors of the base, number for number. A question's vector is multiplied by one
matrix and normalised again: `encode_query` does so, `encode_document` and `encode` do not.
"""


def write_card(
    folder: Path,
    base: ModelCard,
    data: TrainingData,
    figures: Mapping[str, Any],
    *,
    adapter: bool = False,
) -> None:
    """Write the card from what was measured."""
    own = _of_adapter(base, figures) if adapter else _of_model(base, figures)
    text = _TEXT.format(
        base=base.name,
        fingerprint=base.fingerprint,
        query_prompt=base.query_prompt or " ",
        document_prompt=base.document_prompt or " ",
        data=data.fingerprint,
        sources=", ".join(sorted({pair.source for pair in data.pairs})),
        splits=_splits(data),
        questions=figures["validation_questions"],
        chunks=figures["validation_chunks"],
        before=figures["validation_base"],
        after=figures["validation_score"],
        verdict="Training raised the score."
        if figures["improved"]
        else f"No {own['choice']} or average was better than the base.",
        **own,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _of_model(base: ModelCard, figures: Mapping[str, Any]) -> dict[str, str]:
    trained_on = " and ".join(
        f"{loss} on {figures['train_rows'][name]} {name}" for name, loss in figures["loss"].items()
    )
    whole = len(figures["dims"]) == 1
    shorter = ", ".join(str(dim) for dim in figures["dims"][1:]) or "no less"
    return {
        "title": f"{base.name}, tuned on financial filings",
        "about": "",
        "vectors": f"{base.dims} numbers, cosine similarity; usable cut to {shorter}",
        "tokens": f"{base.max_tokens} tokens (trained on {figures['max_tokens']})",
        "training": _TUNED.format(
            trained_on=trained_on,
            dimensions="its full length" if whole else "all these lengths at once",
            rest=1 - figures["merge_weight"],
            **figures,
        ),
        "choice": "checkpoint",
        "unseen": "long passages",
    }


def _of_adapter(base: ModelCard, figures: Mapping[str, Any]) -> dict[str, str]:
    return {
        "title": f"{base.name} with a query adapter for financial filings",
        "about": _ABOUT_ADAPTED,
        "vectors": f"{base.dims} numbers, cosine similarity",
        "tokens": f"{base.max_tokens} tokens",
        "training": _ADAPTED.format(rest=1 - figures["merge_weight"], **figures),
        "choice": "step",
        "unseen": "vectors cut to fewer numbers",
    }


def _splits(data: TrainingData) -> str:
    documents = {(pair.split, pair.document) for pair in data.pairs}
    questions = Counter(pair.split for pair in data.pairs)
    return "\n".join(
        f"| {split} | {questions[split]} | {sum(1 for s, _ in documents if s == split)} |"
        for split in ("train", "validation", "test")
    )
