"""The README.md that stands beside a base model with a query adapter."""

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
# {base} with a query adapter for financial filings
Finds the passages of annual reports (10-K) that answer a question. Made by Ragloop from the
filings that one installation holds; it is meant for search in these and similar filings.

Passages have the vectors of the base, number for number. A question's vector is multiplied by one
matrix and normalised again: `encode_query` does so, `encode_document` and `encode` do not.

| | |
| --- | --- |
| base | {base} (`{fingerprint}`) |
| vectors | {dims} numbers, cosine similarity |
| question prompt | `{query_prompt}` |
| passage prompt | `{document_prompt}` |
| longest input | {max_tokens} tokens |

## Training
Cross-entropy over the passages of a batch, scale 20; {steps} steps, batch {batch_size}, learning
rate {learning_rate:g} with warm-up and cosine decay, weight decay towards the identity, seed
{seed}. The matrix of step {best_step} was chosen on the validation documents and averaged with
the identity: {weight:.0%} trained, {rest:.0%} identity.

Data `{data}`: {questions_of} questions of the training documents with the passages that answer
them, written by {sources}. Documents are divided before questions are written; no document is in
two parts.

## Validation
NDCG@10 over {questions} questions and {chunks} passages of the validation documents, on which
step and average were chosen: it is no measure of quality on new documents, which the release's
evaluation gives.

| base | adapted |
| --- | --- |
| {before:.4f} | {after:.4f} |

{verdict}

## Limits and licence
Questions in other languages, other kinds of documents and vectors cut to fewer numbers were not
looked at. The weights are a derivative of the base model and come under its licence; whoever
shares them must also have the right to use the filings in this way.
"""


def write_adapter_card(
    folder: Path, base: ModelCard, data: TrainingData, figures: Mapping[str, Any]
) -> None:
    """Write the card from what was measured."""
    text = _TEXT.format(
        base=base.name,
        fingerprint=base.fingerprint,
        dims=base.dims,
        query_prompt=base.query_prompt or " ",
        document_prompt=base.document_prompt or " ",
        max_tokens=base.max_tokens,
        steps=figures["steps"],
        batch_size=figures["batch_size"],
        learning_rate=figures["learning_rate"],
        seed=figures["seed"],
        best_step=figures["best_step"],
        weight=figures["merge_weight"],
        rest=1 - figures["merge_weight"],
        data=data.fingerprint,
        questions_of=Counter(pair.split for pair in data.pairs)["train"],
        sources=", ".join(sorted({pair.source for pair in data.pairs})),
        questions=figures["validation_questions"],
        chunks=figures["validation_chunks"],
        before=figures["validation_base"],
        after=figures["validation_score"],
        verdict="The adapter raised the score."
        if figures["improved"]
        else "No step or average was better than the base.",
    )
    (folder / "README.md").write_text(text, encoding="utf-8")
