"""From the chunks that are served to a new model in the registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from finetune.build import build_pairs
from finetune.negatives import mine
from finetune.options import DataOptions, TrainingData, TrainOptions
from finetune.train import train
from rag_service.core.protocols import (
    ChunkStore,
    Generator,
    ModelRegistry,
    Progress,
    no_progress,
)
from rag_service.core.types import Hit, ModelCard

Search = Callable[[Sequence[str], int], list[list[Hit]]]


@dataclass(frozen=True, slots=True)
class FinetuneOptions:
    """What one fine-tuning may cost."""

    data: DataOptions
    training: TrainOptions
    hard_negatives: bool = False


class Finetuner:
    """Builds training data from the chunk store and trains; both resume in their folder."""

    def __init__(
        self, chunks: ChunkStore, registry: ModelRegistry, generator: Generator | None
    ) -> None:
        self._chunks = chunks
        self._registry = registry
        self._generator = generator

    def build_data(
        self, folder: Path, options: FinetuneOptions, progress: Progress = no_progress
    ) -> TrainingData:
        """Question-answer pairs of all chunks, split by document, saved in ``folder``."""
        chunks = list(self._chunks.chunks())
        return build_pairs(chunks, self._generator, options.data, folder, progress)

    def train(
        self,
        base: ModelCard,
        data: TrainingData,
        search: Search,
        folder: Path,
        options: FinetuneOptions,
        progress: Progress = no_progress,
    ) -> ModelCard:
        """The registered model trained from ``base``; ``search`` is the live index."""
        chunks = {chunk.chunk_id: chunk for chunk in self._chunks.chunks()}
        negatives = None
        if options.hard_negatives:
            negatives = mine(data.pairs, search, chunks, progress=progress)
        trained = train(
            base, Path(base.path), data, chunks, folder, options.training, progress, negatives
        )
        return self._registry.add(
            trained.folder,
            name=f"{base.name}+{data.fingerprint[:8]}",
            base=base.fingerprint,
            training=dict(trained.figures),
        )
