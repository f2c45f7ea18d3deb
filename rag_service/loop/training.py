"""From the chunks that are served to a new model in the registry."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from finetune.build import build_pairs
from finetune.dataset import fingerprint
from finetune.formats import load_texts
from finetune.negatives import mine
from finetune.options import BaseVectors, DataOptions, TrainedModel, TrainingData, TrainOptions
from finetune.round_trip import drawn
from finetune.searches import Searches
from finetune.train import train
from rag_service.core.files import write_atomically
from rag_service.core.protocols import (
    ChunkStore,
    Generator,
    ModelRegistry,
    Progress,
    no_progress,
)
from rag_service.core.types import Chunk, ModelCard, Vectors
from rag_service.loop.seen import write_questions

log = logging.getLogger(__name__)

Passages = Callable[[Sequence[Chunk]], Vectors]
"""Vectors of chunks as the live index holds them."""


@dataclass(frozen=True, slots=True)
class FinetuneOptions:
    """What one fine-tuning may cost."""

    data: DataOptions
    training: TrainOptions
    negatives: int = 0
    """Hard negatives for each question; 0 mines none."""


class Finetuner:
    """Builds training data from the chunk store and trains; both resume in their folder."""

    def __init__(
        self, chunks: ChunkStore, registry: ModelRegistry, generator: Generator | None
    ) -> None:
        self._chunks = chunks
        self._registry = registry
        self._generator = generator

    def build_data(
        self,
        folder: Path,
        searches: Searches,
        options: FinetuneOptions,
        progress: Progress = no_progress,
    ) -> TrainingData:
        """Question-answer pairs of all chunks, split by document, saved in ``folder``."""
        chunks = list(self._chunks.chunks())
        return build_pairs(chunks, self._generator, options.data, folder, progress, searches)

    def train(
        self,
        base: ModelCard,
        data: TrainingData,
        searches: Searches,
        passages: Passages,
        folder: Path,
        options: FinetuneOptions,
        progress: Progress = no_progress,
    ) -> ModelCard:
        """The registered model trained from ``base``; ``searches`` and ``passages`` ask an index.

        For an adapter that is an index with the document vectors of ``base``. Of pairs with a
        weight below 1 only that part is trained on; those are left out whose document was
        removed since they were written.
        """
        chunks = {chunk.chunk_id: chunk for chunk in self._chunks.chunks()}
        data = _still_stored(data, chunks)
        data = replace(data, pairs=tuple(drawn(data.pairs)))
        negatives = None
        if options.negatives:
            negatives = hard_negatives(data, searches, chunks, folder, options.negatives, progress)
        vectors = None
        if options.training.adapter:
            encoder = self._registry.load(base.fingerprint)
            vectors = BaseVectors(encoder.embed_queries, passages)
        # Taken first: the user may change or delete the file of texts while training runs.
        questions = _questions(data, options.training)
        trained = train(
            base,
            Path(base.path),
            data,
            chunks,
            folder,
            options.training,
            progress,
            negatives,
            vectors,
        )
        write_questions(trained.folder, questions, base)
        kind = "adapter-" if options.training.adapter else ""
        return self._registry.add(
            trained.folder,
            name=f"{base.name}+{kind}{data.fingerprint[:8]}",
            base=base.fingerprint,
            training=dict(trained.figures) | _seen(base, trained),
        )


def _still_stored(data: TrainingData, chunks: Mapping[str, Chunk]) -> TrainingData:
    pairs = tuple(pair for pair in data.pairs if pair.chunk_id in chunks)
    if gone := len(data.pairs) - len(pairs):
        log.warning("%d questions are left out: their documents were removed meanwhile", gone)
        return replace(data, pairs=pairs, fingerprint=fingerprint(pairs))
    return data


def _questions(data: TrainingData, options: TrainOptions) -> list[str]:
    """What was asked in training and validation, and the user's texts: some are questions."""
    asked = [pair.question for pair in data.pairs if pair.split != "test"]
    if options.texts_file:
        texts = load_texts(Path(options.texts_file), options.texts_format)
        asked += [text for text, _ in texts.texts()]
    return asked


def hard_negatives(
    data: TrainingData,
    searches: Searches,
    chunks: Mapping[str, Chunk],
    folder: Path,
    count: int,
    progress: Progress,
) -> dict[str, tuple[str, ...]]:
    """Mined once: a training that goes on after a kill must have those that it began with."""
    path = folder / "negatives.json"
    asked = {"data": data.fingerprint, "count": count}
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["asked"] == asked:
            return {question: tuple(ids) for question, ids in kept["negatives"].items()}
    mined = mine(data.pairs, searches, chunks, count=count, progress=progress)
    write_atomically(path, json.dumps({"asked": asked, "negatives": mined}))
    return mined


def _seen(base: ModelCard, trained: TrainedModel) -> dict[str, list[str]]:
    """What the model saw, which is also what its base saw: an adapter's may be a trained one."""
    return {
        key: sorted({*trained.figures[key], *base.training.get(key, ())})
        for key in ("train_documents", "validation_documents")
    }
