"""Fine-tune an embedding model on training data, and survive being killed."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from finetune import crew
from finetune.formats import TextData
from finetune.losses import ONE_PROCESS
from finetune.model_card import write_card
from finetune.options import BaseVectors, TrainedModel, TrainingData, TrainOptions
from finetune.run_folder import RunFolder, describe
from finetune.split import check_leakage
from finetune.text_leaks import check_texts
from finetune.training_sets import check_dims, check_options, training_sets
from rag_service.core.errors import DataError
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Chunk, ModelCard, Split


def train(
    base: ModelCard,
    base_folder: Path,
    data: TrainingData,
    chunks: Mapping[str, Chunk],
    out: Path,
    options: TrainOptions,
    progress: Progress = no_progress,
    negatives: Mapping[str, Sequence[str]] | None = None,
    vectors: BaseVectors | None = None,
) -> TrainedModel:
    """Train ``base`` on the training split, choose on the validation split, save under ``out``.

    Called again with the same base, data and options, a killed training continues from its last
    checkpoint, also in another number of processes, and a finished one is returned as it is; with
    others it starts anew. The test
    split is not touched. ``negatives`` maps question ids to chunk ids; ``vectors`` are what an
    adapter is trained on.

    Raises:
        ConfigError: options do not go together, or a loss does not fit what it is to learn from.
        DataError: a split is empty, a chunk is gone, the splits share a document, a text of the
            user is wrong, or one holds what validation or test ask for.
        JobRunning: another process trains in ``out``.
        ModelError: the base cannot be loaded, or training failed.
    """
    options = replace(options, processes=_processes(options))
    texts = check_options(options, hard_negatives=negatives is not None)
    check_dims(options, base)
    for split in ("train", "validation"):
        if not any(pair.split == split for pair in data.pairs):
            raise DataError(f"the training data has no pairs in the split {split}")
    check_leakage(data.pairs, chunks)
    if texts is not None:
        check_texts(texts, data.pairs, chunks)
    run = _fingerprint(base, data, chunks, options, negatives, texts)
    folder = RunFolder(out)
    with folder.alone() as lock:
        if (finished := folder.finished(run)) is not None:
            return finished
        named = {"name": base.name, "fingerprint": base.fingerprint}
        folder.start(run, describe(named, data, _described(texts, options), options))
        started = time.monotonic()
        if options.adapter:
            measured = _fit_adapter(
                folder, base, base_folder, data, chunks, options, progress, negatives, vectors
            )
        else:
            measured = _fit(
                folder, lock, base, base_folder, data, chunks, options, progress, negatives, texts
            )
        figures: dict[str, Any] = {
            **measured,
            "base": base.name,
            "data": data.fingerprint,
            "train_documents": _documents(data, "train"),
            "validation_documents": _documents(data, "validation"),
            "hard_negatives": negatives is not None,
            "seed": options.seed,
            "seconds": round(time.monotonic() - started, 1),
        }
        write_card(folder.part, base, data, figures, adapter=options.adapter)
        return folder.finish(figures)


def _fit(
    folder: RunFolder,
    lock: int,
    base: ModelCard,
    base_folder: Path,
    data: TrainingData,
    chunks: Mapping[str, Chunk],
    options: TrainOptions,
    progress: Progress,
    negatives: Mapping[str, Sequence[str]] | None,
    texts: TextData | None,
) -> dict[str, Any]:
    sets = training_sets(data.pairs, chunks, negatives, texts, options)
    if options.processes > 1:
        from finetune.processes import fit_together

        return fit_together(
            folder, lock, base, base_folder, data.pairs, chunks, sets, options, progress
        )
    from finetune.fitting import fit

    measured = fit(
        base,
        base_folder,
        data.pairs,
        chunks,
        sets,
        options,
        folder.checkpoints,
        folder.part,
        progress,
    )
    if measured is None:
        raise DataError("one process of several trains by `python -m finetune`")
    return measured


def _fit_adapter(
    folder: RunFolder,
    base: ModelCard,
    base_folder: Path,
    data: TrainingData,
    chunks: Mapping[str, Chunk],
    options: TrainOptions,
    progress: Progress,
    negatives: Mapping[str, Sequence[str]] | None,
    vectors: BaseVectors | None,
) -> dict[str, Any]:
    from finetune.adapter import fit_adapter

    if vectors is None:
        raise DataError("an adapter is trained on the base's vectors, and none are given")
    return fit_adapter(
        base, base_folder, vectors, data.pairs, chunks, negatives, options, folder.part, progress
    )


def _processes(options: TrainOptions) -> int:
    """How many train: as asked, as torchrun started, or one for every GPU where several can."""
    asked = crew.processes(options.processes)
    if asked or options.adapter or options.texts_format == ONE_PROCESS:
        return asked or 1
    import torch

    return max(torch.cuda.device_count(), 1)


def _documents(data: TrainingData, split: Split) -> list[str]:
    """Names of the documents that a split's questions come from, sorted."""
    return sorted({pair.document for pair in data.pairs if pair.split == split})


def _described(texts: TextData | None, options: TrainOptions) -> dict[str, Any] | None:
    if texts is None:
        return None
    return {
        "file": options.texts_file,
        "format": texts.format,
        "rows": len(texts.places),
        "fingerprint": texts.fingerprint(),
    }


def _fingerprint(
    base: ModelCard,
    data: TrainingData,
    chunks: Mapping[str, Chunk],
    options: TrainOptions,
    negatives: Mapping[str, Sequence[str]] | None,
    texts: TextData | None,
) -> str:
    """Digest of all that decides what a training gives; processes only share its work."""
    used = sorted({chunk for pair in data.pairs for chunk in (pair.chunk_id, *pair.relevant)})
    content = {
        "base": base.fingerprint,
        "prompts": [base.query_prompt, base.document_prompt],
        "data": data.fingerprint,
        "texts": [chunks[chunk].embedded_text for chunk in used if chunk in chunks],
        "options": asdict(replace(options, processes=0)),
        "negatives": sorted(negatives.items()) if negatives is not None else None,
        "own": texts.fingerprint() if texts is not None else None,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
