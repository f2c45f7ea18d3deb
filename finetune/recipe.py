"""The published recipe, as it stands, to be measured against: not how Ragloop trains.

Pairs that an LLM wrote, divided by row and not by document, multiple negatives ranking loss, and
the best epoch picked on the rows that are reported. Epochs, batch, accumulation, learning rate
and schedule are those of P. Schmid, "Fine-tune Embedding models for Retrieval Augmented
Generation" (2024), which trains at several vector lengths at once besides. A model that is served
with a question prompt is trained with it here: without one it would be served as it was not
trained.

Imports the heavy libraries: import this module only where a model is trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.training_args import BatchSamplers
from sentence_transformers.util import cos_sim
from transformers import PrinterCallback

from finetune.fitting import use_bfloat16, without_bars
from finetune.trainer import WithoutCard
from rag_service.core.types import ModelCard

_TEST_SHARE = 0.1
_METRIC = "rows_cosine_ndcg@10"


@dataclass(frozen=True, slots=True)
class Recipe:
    """Its settings; ``accumulation`` batches make one step."""

    epochs: int = 4
    batch_size: int = 32
    accumulation: int = 16
    learning_rate: float = 2e-5
    warmup: float = 0.1


@without_bars()
def train_by_recipe(
    base: ModelCard,
    questions: Sequence[str],
    passages: Sequence[str],
    target: Path,
    recipe: Recipe,
    *,
    precision: str = "auto",
    seed: int,
) -> dict[str, Any]:
    """Train on questions with the passages that they were written from; save in ``target``.

    Returns what the recipe reports of itself: NDCG@10 in memory on its own rows, before and
    after, and the number of its rows and steps.
    """
    gpu = torch.cuda.is_available()
    bfloat16 = use_bfloat16(precision, gpu=gpu)
    model = SentenceTransformer(
        base.path,
        device="cuda" if gpu else "cpu",
        local_files_only=True,
        model_kwargs={"dtype": torch.float32, "use_safetensors": True},
    )
    rows = Dataset.from_dict({"anchor": list(questions), "positive": list(passages)})
    parts = rows.train_test_split(test_size=_TEST_SHARE, seed=seed)
    evaluator = _evaluator(parts["test"], passages, base)
    with torch.autocast(model.device.type, torch.bfloat16, enabled=bfloat16):
        before = evaluator(model)[_METRIC]
    with TemporaryDirectory() as folder:
        trainer = WithoutCard(
            model=model,
            args=SentenceTransformerTrainingArguments(
                output_dir=folder,
                num_train_epochs=recipe.epochs,
                per_device_train_batch_size=recipe.batch_size,
                gradient_accumulation_steps=recipe.accumulation,
                learning_rate=recipe.learning_rate,
                lr_scheduler_type="cosine",
                warmup_steps=recipe.warmup,
                prompts={"anchor": base.query_prompt, "positive": base.document_prompt},
                batch_sampler=BatchSamplers.NO_DUPLICATES,
                eval_strategy="epoch",
                save_strategy="epoch",
                save_total_limit=1,
                load_best_model_at_end=True,
                metric_for_best_model=f"eval_{_METRIC}",
                bf16=bfloat16,
                use_cpu=not gpu,
                seed=seed,
                report_to="none",
                disable_tqdm=True,
                log_level="error",
            ),
            train_dataset=parts["train"],
            loss=MultipleNegativesRankingLoss(model),
            evaluator=evaluator,
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    with torch.autocast(model.device.type, torch.bfloat16, enabled=bfloat16):
        after = evaluator(model)[_METRIC]
    model.save_pretrained(str(target), create_model_card=False)
    return {
        "rows": len(rows),
        "train_rows": len(parts["train"]),
        "test_rows": len(parts["test"]),
        "steps": trainer.state.global_step,
        "own_ndcg@10": {"before": float(before), "after": float(after)},
    }


def _evaluator(
    test: Dataset, passages: Sequence[str], base: ModelCard
) -> InformationRetrievalEvaluator:
    """The recipe's own: its test rows' questions against all passages, one relevant each."""
    corpus = {text: str(place) for place, text in enumerate(dict.fromkeys(passages))}
    return InformationRetrievalEvaluator(
        queries={str(place): text for place, text in enumerate(test["anchor"])},
        corpus={name: text for text, name in corpus.items()},
        relevant_docs={str(place): {corpus[text]} for place, text in enumerate(test["positive"])},
        name="rows",
        write_csv=False,
        score_functions={"cosine": cos_sim},
        main_score_function="cosine",
        query_prompt=base.query_prompt,
        corpus_prompt=base.document_prompt,
    )
