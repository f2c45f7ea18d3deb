"""Fine-tune a cross-encoder on the embedding model's training data; survives being killed."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from finetune.dataset import text_of
from finetune.options import TrainedModel, TrainingData, TrainOptions
from finetune.run_folder import RunFolder, describe
from finetune.split import check_leakage
from rag_service.core.errors import DataError
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Chunk, Pair


@dataclass(frozen=True, slots=True)
class RerankerBase:
    """The cross-encoder that training starts from; ``fingerprint`` is a digest of its files."""

    name: str
    fingerprint: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Rivals:
    """By question id, chunk ids that do not answer, and that a reranker must put behind."""

    train: Mapping[str, Sequence[str]]
    """Hard negatives."""
    validation: Mapping[str, Sequence[str]]
    """What the live release finds first."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """A question, with passages that answer it and passages that do not."""

    question: str
    good: tuple[str, ...]
    bad: tuple[str, ...]


def train_reranker(
    base: RerankerBase,
    data: TrainingData,
    chunks: Mapping[str, Chunk],
    rivals: Rivals,
    out: Path,
    options: TrainOptions,
    progress: Progress = no_progress,
) -> TrainedModel:
    """Train ``base`` on the training split, choose on the validation split, save under ``out``.

    Called again with the same arguments, a killed training continues from its last checkpoint
    and a finished one is returned as it is; with others it starts anew. The test split is not
    touched. Of ``options``, those of losses, dimensions, adapters and processes mean nothing here.

    Raises:
        DataError: a split is empty, a chunk is gone, or the splits share a document.
        JobRunning: another process trains in ``out``.
        ModelError: the base cannot be loaded, or training failed.
    """
    check_leakage(data.pairs, chunks)
    train = _rankings(data.pairs, "train", rivals.train, chunks)
    validation = _rankings(data.pairs, "validation", rivals.validation, chunks)
    run = _fingerprint(base, train, validation, options)
    folder = RunFolder(out)
    with folder.alone():
        if (finished := folder.finished(run)) is not None:
            return finished
        named = {"name": base.name, "fingerprint": base.fingerprint}
        folder.start(run, describe(named, data, None, options))
        started = time.monotonic()
        from finetune.reranker_fitting import fit_reranker

        measured = fit_reranker(
            base, train, validation, options, folder.checkpoints, folder.part, progress
        )
        figures: dict[str, Any] = {
            **measured,
            "base": base.name,
            "data": data.fingerprint,
            "train_documents": _documents(data.pairs, "train"),
            "validation_documents": _documents(data.pairs, "validation"),
            "seed": options.seed,
            "seconds": round(time.monotonic() - started, 1),
        }
        (folder.part / "README.md").write_text(_card(base, figures), encoding="utf-8")
        return folder.finish(figures)


def _rankings(
    pairs: Sequence[Pair],
    split: str,
    rivals: Mapping[str, Sequence[str]],
    chunks: Mapping[str, Chunk],
) -> list[Ranking]:
    """Those with something to put behind; raises DataError if there is none."""
    found = []
    for pair in pairs:
        if pair.split == split and rivals.get(pair.question_id):
            # In training a question stands with the passage that it was written about.
            answers = (pair.chunk_id,) if split == "train" else pair.relevant
            good = tuple(dict.fromkeys(text_of(key, pair, chunks) for key in answers))
            bad = dict.fromkeys(text_of(key, pair, chunks) for key in rivals[pair.question_id])
            found.append(
                Ranking(pair.question, good, tuple(text for text in bad if text not in good))
            )
    found = [ranking for ranking in found if ranking.bad]
    if not found:
        raise DataError(f"the training data has no questions to rank passages of in {split}")
    return found


def _documents(pairs: Sequence[Pair], split: str) -> list[str]:
    return sorted({pair.document for pair in pairs if pair.split == split})


def _fingerprint(
    base: RerankerBase,
    train: Sequence[Ranking],
    validation: Sequence[Ranking],
    options: TrainOptions,
) -> str:
    """Digest of all that decides what a training gives."""
    content = {
        "base": base.fingerprint,
        "train": [asdict(ranking) for ranking in train],
        "validation": [asdict(ranking) for ranking in validation],
        "options": asdict(options),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _card(base: RerankerBase, figures: Mapping[str, Any]) -> str:
    return (
        f"# {base.name}, fine-tuned on filings\n\n"
        "A sentence-transformers cross-encoder that reranks passages, as Ragloop trained it.\n\n"
        f"- base: {base.name} (`{base.fingerprint}`)\n"
        f"- training data: `{figures['data']}`, {figures['train_questions']} questions with "
        f"{figures['train_pairs']} passages from {len(figures['train_documents'])} documents\n"
        f"- validation, {figures['validation_questions']} questions of "
        f"{len(figures['validation_documents'])} other documents, NDCG@10: "
        f"{figures['validation_base']:.4f} before, {figures['validation_score']:.4f} after\n"
    )
