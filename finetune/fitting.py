"""The training run itself: sentence-transformers' trainer, set up for retrieval.

Imports the heavy libraries: import this module only where a model is trained.
"""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import (
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.sentence_transformer.model_card import SentenceTransformerModelCardData
from sentence_transformers.sentence_transformer.training_args import BatchSamplers
from transformers import PrinterCallback, TrainerCallback
from transformers.utils import logging

from finetune.dataset import to_dataset
from finetune.merging import choose_weight
from finetune.options import TrainOptions
from finetune.validation import METRIC, Validation
from rag_service.core.errors import ModelError
from rag_service.core.protocols import Progress
from rag_service.core.types import Chunk, ModelCard, Pair


@contextmanager
def _without_bars() -> Iterator[None]:
    """The libraries' own progress bars off, and as they were afterwards."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@_without_bars()
def fit(
    base: ModelCard,
    base_folder: Path,
    pairs: Sequence[Pair],
    chunks: Mapping[str, Chunk],
    negatives: Mapping[str, str] | None,
    options: TrainOptions,
    checkpoints: Path,
    target: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Train, choose checkpoint and merge weight by validation, save the result in ``target``.

    Returns what was measured, as plain JSON values.
    """
    gpu = torch.cuda.is_available()
    bfloat16 = _use_bfloat16(options, gpu=gpu)
    model = _load(base_folder, gpu=gpu)
    max_tokens = min(base.max_tokens, options.max_tokens)
    model.max_seq_length = max_tokens
    validation = Validation(base, pairs, chunks, options, gpu=gpu, bfloat16=bfloat16)
    progress("validating", 0, 0)
    base_score = validation.score(model)

    training = [pair for pair in pairs if pair.split == "train"]
    dims = options.dims or _dims(base.dims)
    rate = options.learning_rate or _learning_rate(model)
    trainer = _Trainer(
        model=model,
        args=_arguments(base, options, checkpoints, rate, gpu=gpu, bfloat16=bfloat16),
        train_dataset=to_dataset(training, chunks, negatives),
        loss=MatryoshkaLoss(model, MultipleNegativesRankingLoss(model), list(dims)),
        evaluator=validation.evaluator,
        callbacks=[_Report(progress)],
    )
    trainer.remove_callback(PrinterCallback)
    resumed = _last_checkpoint(checkpoints)
    try:
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(f"training of {base.name} failed: {error}") from error

    steps = _scores_by_step(trainer.state.log_history)
    best = int(trainer.state.best_global_step or trainer.state.max_steps)
    progress("averaging weights", 0, 0)
    merged = _load(base_folder, gpu=gpu)
    own_tokens = merged.max_seq_length
    merged.max_seq_length = max_tokens
    weight, scores = choose_weight(
        merged,
        _load(checkpoints / f"checkpoint-{best}", gpu=gpu).state_dict(),
        options.merge_weights,
        validation.score,
        {1.0: steps[best]} if 1.0 in options.merge_weights else {},
    )
    merged.max_seq_length = own_tokens
    merged.prompts = {"query": base.query_prompt, "document": base.document_prompt}
    merged.save_pretrained(str(target), create_model_card=False)
    return {
        "train_pairs": len(training),
        "validation_questions": validation.questions,
        "validation_chunks": validation.chunks,
        "validation_metric": "ndcg@10",
        "validation_base": base_score,
        "validation_by_step": {str(step): score for step, score in steps.items()},
        "validation_by_weight": {str(part): score for part, score in scores.items()},
        "validation_score": scores[weight],
        "improved": scores[weight] > base_score,
        "best_step": best,
        "steps": trainer.state.max_steps,
        "resumed_from": _step(resumed) if resumed else 0,
        "merge_weight": weight,
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
        "dims": list(dims),
        "epochs": options.epochs,
        "batch_size": trainer.state.train_batch_size,
        "learning_rate": rate,
        "max_tokens": max_tokens,
        "precision": "bfloat16" if bfloat16 else "float32",
        "device": "cuda" if gpu else "cpu",
    }


class _Trainer(SentenceTransformerTrainer):
    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """No generated card: it would look for the base on a hub, and ours replaces it."""


class _Report(TrainerCallback):
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._progress("training", state.global_step, state.max_steps)


def _arguments(
    base: ModelCard,
    options: TrainOptions,
    checkpoints: Path,
    rate: float,
    *,
    gpu: bool,
    bfloat16: bool,
) -> SentenceTransformerTrainingArguments:
    # Below 1 the trainer reads these as parts of the run; 1 would mean every step.
    every = min(1 / options.checkpoints, 0.999)
    return SentenceTransformerTrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=options.batch_size or (128 if gpu else 32),
        auto_find_batch_size=gpu,
        learning_rate=rate,
        lr_scheduler_type="cosine",
        warmup_steps=options.warmup,
        prompts={
            "anchor": base.query_prompt,
            "positive": base.document_prompt,
            "negative": base.document_prompt,
        },
        batch_sampler=BatchSamplers.NO_DUPLICATES,
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        metric_for_best_model=f"eval_{METRIC}",
        greater_is_better=True,
        logging_steps=min(every, 0.1),
        use_cpu=not gpu,
        bf16=bfloat16,
        dataloader_pin_memory=gpu,
        seed=options.seed,
        data_seed=options.seed,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
    )


def _load(folder: Path, *, gpu: bool) -> SentenceTransformer:
    """The model in float32, whatever it is stored in, without looking at any hub."""
    try:
        return SentenceTransformer(
            str(folder),
            device="cuda" if gpu else "cpu",
            local_files_only=True,
            model_kwargs={"dtype": torch.float32},
            model_card_data=SentenceTransformerModelCardData(
                local_files_only=True, generate_widget_examples=False
            ),
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"the model in {folder} cannot be loaded: {error}") from error


def _use_bfloat16(options: TrainOptions, *, gpu: bool) -> bool:
    if options.precision != "auto":
        return options.precision == "bfloat16"
    if gpu:
        return bool(torch.cuda.is_bf16_supported())
    # Without these instructions bfloat16 is emulated, and slower than float32.
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def _learning_rate(model: SentenceTransformer) -> float:
    """Smaller models need larger steps to move within one epoch."""
    millions = sum(weights.numel() for weights in model.parameters()) / 1e6
    return 5e-5 if millions < 30 else 3e-5 if millions < 60 else 2e-5


def _dims(own: int) -> tuple[int, ...]:
    return (own, *(dim for dim in (512, 256, 128, 64) if dim < own))


def _scores_by_step(history: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    key = f"eval_{METRIC}"
    return {int(entry["step"]): float(entry[key]) for entry in history if key in entry}


def _last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; the trainer writes its state last, so others are cut off."""
    whole: list[Path] = []
    for checkpoint in folder.glob("checkpoint-*"):
        try:
            json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            shutil.rmtree(checkpoint)
        else:
            whole.append(checkpoint)
    return max(whole, key=_step, default=None)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
