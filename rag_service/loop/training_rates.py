"""A small training, taken apart: what each further question, chunk and step would take."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from finetune.build import build_pairs
from finetune.dataset import load as load_training_data
from finetune.options import DataOptions, TrainingData, TrainOptions
from rag_service.core.errors import DataError
from rag_service.core.protocols import Progress
from rag_service.core.types import Chunk
from rag_service.loop.improve import Improver
from rag_service.loop.jobs import Job
from rag_service.loop.rates import Training, folder_bytes
from rag_service.loop.training import FinetuneOptions

_SMALL = 300
"""Questions of the small training: with a GPU's batch of 32, enough for some steps."""
_ALL = 10**9


def training_rates(
    improver: Improver,
    job: Job,
    chunks: Sequence[Chunk],
    stored: int,
    seed: int,
    progress: Progress,
) -> Training:
    """Train on the ``stored`` chunks of the live release; write questions about all ``chunks``.

    Raises DataError if these filings are too few, or too alike, to train on.
    """
    kept = len(_written(chunks, _SMALL, seed).pairs) / _SMALL
    started = time.perf_counter()
    all_of_them = _written(chunks, _ALL, seed).pairs
    drafted_seconds = time.perf_counter() - started
    usual = TrainOptions(seed=seed)
    options = FinetuneOptions(
        DataOptions(max_questions=_SMALL, seed=seed), replace(usual, checkpoints=1), negatives=1
    )
    clock = _Clock(progress)
    started = time.perf_counter()
    card = improver.finetune(job, improver.live_release(), options, clock)
    seconds = time.perf_counter() - started
    steps = clock.steps()
    if not steps:
        raise DataError("a training on them has a single step: name more filings, or larger ones")
    data = load_training_data(job.folder / "data")
    figures = card.training
    merges = sum(weight != 1.0 for weight in usual.merge_weights)
    return Training(
        documents=len({pair.document for pair in data.pairs}),
        chunks=stored,
        pairs=len(data.pairs),
        train_pairs=figures["train_pairs"],
        batch=figures["batch_size"],
        seconds=seconds,
        steps=steps,
        step_count=figures["steps"],
        validated=figures["validation_questions"] + figures["validation_chunks"],
        validated_most=_validated_most(figures["device"]),
        pair_seconds=max(0.0, clock.begin("validating") - started),
        validations=2 + merges,
        validations_usual=1 + usual.checkpoints + merges,
        drafted_chunks=len(chunks),
        drafted_pairs=len(all_of_them),
        drafted_for_training=sum(pair.split == "train" for pair in all_of_them),
        drafted_kept=min(1.0, kept),
        drafted_seconds=drafted_seconds,
        folder_bytes=folder_bytes(job.folder),
    )


def _written(chunks: Sequence[Chunk], most: int, seed: int) -> TrainingData:
    with TemporaryDirectory() as folder:
        options = DataOptions(max_questions=most, seed=seed)
        return build_pairs(chunks, None, options, Path(folder))


def _validated_most(device: str) -> int:
    from finetune.validation import MOST_ON_CPU, MOST_ON_GPU

    return sum(MOST_ON_GPU if device == "cuda" else MOST_ON_CPU)


class _Clock:
    """Progress, with the time at which each part began."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._seen: list[tuple[str, float]] = []

    def __call__(self, step: str, done: int, total: int) -> None:
        self._seen.append((step, time.perf_counter()))
        self._progress(step, done, total)

    def begin(self, step: str) -> float:
        return next(at for name, at in self._seen if name == step)

    def steps(self) -> tuple[float, ...]:
        """Seconds of every training step but the first."""
        ends = [at for name, at in self._seen if name == "training"]
        return tuple(b - a for a, b in pairwise(ends))
