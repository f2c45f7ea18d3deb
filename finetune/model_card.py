"""The README.md that stands beside a trained model's weights."""

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
# {base}, tuned on financial filings
Finds the passages of annual reports (10-K) that answer a question. Made by Ragloop from the
filings that one installation holds; it is meant for search in these and similar filings.

| | |
| --- | --- |
| base | {base} (`{fingerprint}`) |
| vectors | {dims} numbers, cosine similarity; usable cut to {shorter} |
| question prompt | `{query_prompt}` |
| passage prompt | `{document_prompt}` |
| longest input | {max_tokens} tokens (trained on {trained_tokens}) |

## Training
{losses}, at {dimensions}; {epochs} epoch(s), {steps} steps in
all, batch {batch_size}, learning rate {learning_rate:g} with warm-up and cosine decay,
{precision} on {device}, seed {seed}. The checkpoint of step {best_step} was chosen on the
validation documents and averaged with the base: {weight:.0%} trained, {rest:.0%} base.

Data `{data}`: questions with the passages that answer them, written by {sources}. Documents are
divided before questions are written; no document is in two parts.

| split | questions | documents |
| --- | --- | --- |
{splits}

## Validation
NDCG@10 over {questions} questions and {chunks} passages of the validation documents, on which
checkpoint and average were chosen: it is no measure of quality on new documents, which the
release's evaluation gives.

| base | tuned |
| --- | --- |
| {before:.4f} | {after:.4f} |

{verdict}

## Limits and licence
Questions in other languages, other kinds of documents and long passages were not looked at. The
weights are a derivative of the base model and come under its licence; whoever shares them must
also have the right to use the filings in this way.
"""


def write_card(
    folder: Path, base: ModelCard, data: TrainingData, figures: Mapping[str, Any]
) -> None:
    """Write the card from what was measured."""
    documents = {(pair.split, pair.document) for pair in data.pairs}
    questions = Counter(pair.split for pair in data.pairs)
    splits = "\n".join(
        f"| {split} | {questions[split]} | {sum(1 for s, _ in documents if s == split)} |"
        for split in ("train", "validation", "test")
    )
    text = _TEXT.format(
        base=base.name,
        fingerprint=base.fingerprint,
        dims=base.dims,
        shorter=", ".join(str(dim) for dim in figures["dims"][1:]) or "no less",
        query_prompt=base.query_prompt or " ",
        document_prompt=base.document_prompt or " ",
        max_tokens=base.max_tokens,
        trained_tokens=figures["max_tokens"],
        losses=_losses(figures),
        dimensions="its full length" if len(figures["dims"]) == 1 else "all these lengths at once",
        epochs=figures["epochs"],
        steps=figures["steps"],
        batch_size=figures["batch_size"],
        learning_rate=figures["learning_rate"],
        precision=figures["precision"],
        device=figures["device"],
        seed=figures["seed"],
        best_step=figures["best_step"],
        weight=figures["merge_weight"],
        rest=1 - figures["merge_weight"],
        data=data.fingerprint,
        sources=", ".join(sorted({pair.source for pair in data.pairs})),
        splits=splits,
        questions=figures["validation_questions"],
        chunks=figures["validation_chunks"],
        before=figures["validation_base"],
        after=figures["validation_score"],
        verdict="Training raised the score."
        if figures["improved"]
        else "No checkpoint or average was better than the base.",
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _losses(figures: Mapping[str, Any]) -> str:
    """Such as ``MultipleNegativesRankingLoss on 720 questions``."""
    return " and ".join(
        f"{loss} on {figures['train_rows'][name]} {name}" for name, loss in figures["loss"].items()
    )
