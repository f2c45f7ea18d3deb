"""The library's trainer as it is used here: batches, order, when it stops, and what it logs.

Imports the heavy libraries: import this module only where a model is trained.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformerTrainer
from sentence_transformers.base.sampler import (
    DefaultBatchSampler,
    GroupByLabelBatchSampler,
    NoDuplicatesBatchSampler,
)
from sentence_transformers.base.training_args import BaseTrainingArguments
from sentence_transformers.sentence_transformer.data_collator import SentenceTransformerDataCollator
from torch.utils.data import BatchSampler
from transformers import TrainerCallback, TrainerState

from finetune.options import TrainOptions
from finetune.validation import METRIC
from rag_service.core.errors import ModelError
from rag_service.core.protocols import Progress

Arguments = TypeVar("Arguments", bound=BaseTrainingArguments)

_WORKERS = 4
"""Processes that tokenize for a GPU, so that it does not wait for the next batch."""
_LOGGED = 0.02
"""Part of a run after which its loss is logged again."""


class WithoutCard(SentenceTransformerTrainer):
    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """No generated card: it would look for the base on a hub, and ours replaces it."""


class RetrievalTrainer(WithoutCard):
    def get_batch_sampler(self, dataset: Any, *args: Any, **how: Any) -> BatchSampler:
        """In-batch negatives need batches without repeats, in-batch triplets several labels.

        A score is no repeat of a text, so scored pairs are drawn at random.
        """
        if "label" in dataset.column_names:
            return GroupByLabelBatchSampler(dataset, *args, **how)
        if "score" in dataset.column_names:
            return AtRandom(dataset, *args, **how)
        return NoDuplicatesBatchSampler(dataset, *args, **how)


class ByLength(SentenceTransformerDataCollator):
    """Longest rows first within a batch, which changes no loss.

    Parts of a batch that a cached loss encodes one by one then hold texts of like length, without
    the padding of the longest. Batches of like length would be no batches by chance, and a
    passage's length must not tell it from the negatives.
    """

    def __call__(self, features: list[dict[str, Any]]) -> dict[str, Any]:
        return dict(super().__call__(sorted(features, key=_length, reverse=True)))


class Patience(TrainerCallback):
    """Stops when validation has not been better for so many checkpoints; 0 never stops.

    Counts in the trainer's log, which checkpoints keep, so that a resumed run stops where the
    whole one does.
    """

    def __init__(self, patience: int) -> None:
        self._patience = patience

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if _is_stale(state, self._patience):
            control.should_training_stop = True


class OneStart(TrainerCallback):
    """Lets the trainer try smaller batches only while no weight has changed.

    It begins again at the first step, but with weights and optimizer as the steps before left
    them.
    """

    def __init__(self) -> None:
        self._stepped = False

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._stepped = True

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._stepped:
            raise ModelError(
                "memory did not suffice for a later step of training: choose a smaller batch with "
                f"--batch-size {state.train_batch_size} or less"
            )


class Report(TrainerCallback):
    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._progress("training", state.global_step, state.max_steps)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step < state.max_steps:
            self._progress("training", state.max_steps, state.max_steps)


def training_arguments(
    kind: type[Arguments],
    options: TrainOptions,
    checkpoints: Path,
    rate: float,
    batch: int,
    *,
    gpu: bool,
    bfloat16: bool,
) -> Arguments:
    # Below 1 the trainer reads these as parts of the run; 1 would mean every step.
    every = min(1 / options.checkpoints, 0.999)
    arguments = kind(
        output_dir=str(checkpoints),
        num_train_epochs=options.epochs,
        per_device_train_batch_size=batch,
        # Several processes part the batch of one, in which no text comes twice.
        accelerator_config={"split_batches": True},
        dataloader_drop_last=options.processes > 1,
        # Of several processes each would try again by itself, and wait for the others for ever.
        auto_find_batch_size=gpu and options.processes < 2,
        learning_rate=rate,
        lr_scheduler_type="cosine",
        warmup_steps=options.warmup,
        optim="adamw_torch_fused",
        eval_strategy="steps",
        eval_steps=every,
        save_strategy="steps",
        save_steps=every,
        save_total_limit=2,
        metric_for_best_model=f"eval_{METRIC}",
        greater_is_better=True,
        logging_steps=min(every, _LOGGED),
        use_cpu=not gpu,
        bf16=bfloat16,
        dataloader_pin_memory=gpu,
        dataloader_num_workers=_WORKERS if gpu else 0,
        dataloader_persistent_workers=gpu,
        seed=options.seed,
        data_seed=options.seed,
        report_to="none",
        disable_tqdm=True,
        log_level="error",
    )
    if arguments.n_gpu > 1:
        # Else the trainer would spread each batch over all GPUs from one thread, which is slow;
        # ``processes`` is how several are used.
        arguments._n_gpu = 1
    return arguments


def scores_by_step(history: Sequence[Mapping[str, Any]]) -> dict[int, float]:
    """Validation scores of a trainer's log."""
    key = f"eval_{METRIC}"
    return {int(entry["step"]): float(entry[key]) for entry in history if key in entry}


def curves(history: Sequence[Mapping[str, Any]], base_score: float) -> dict[str, Any]:
    """Training loss with its learning rate and validation score, each by step."""
    return {
        "training": [
            {"step": entry["step"], "loss": entry["loss"], "learning_rate": entry["learning_rate"]}
            for entry in history
            if "loss" in entry
        ],
        "validation": [
            {"step": step, "score": score}
            for step, score in {0: base_score, **scores_by_step(history)}.items()
        ],
    }


def checkpoints_since_best(scores: Sequence[float]) -> int:
    """How many of the last scores are no better than the best before them."""
    return len(scores) - 1 - scores.index(max(scores)) if scores else 0


def is_over(state: TrainerState, patience: int) -> bool:
    return state.global_step >= state.max_steps or _is_stale(state, patience)


def _is_stale(state: TrainerState, patience: int) -> bool:
    scores = list(scores_by_step(state.log_history).values())
    return patience > 0 and checkpoints_since_best(scores) >= patience


class AtRandom(DefaultBatchSampler):
    """Rows by seed and epoch, so that a resumed run goes on in the same order."""

    def __init__(self, dataset: Dataset, *args: Any, **how: Any) -> None:
        super().__init__(dataset, *args, **how)
        self._rows = len(dataset)

    def __iter__(self) -> Iterator[list[int]]:
        random = torch.Generator().manual_seed(self.seed + self.epoch)
        order = torch.randperm(self._rows, generator=random).tolist()
        for start in range(0, len(order), self.batch_size):
            batch = order[start : start + self.batch_size]
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch


def _length(row: Mapping[str, Any]) -> int:
    """Characters, which stand for tokens here: counting these would cost more than it saves."""
    return sum(len(value) for value in row.values() if isinstance(value, str))
