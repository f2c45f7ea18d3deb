"""Fine-tune an embedding model on training data, and survive being killed."""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune.model_card import write_card
from finetune.options import TrainedModel, TrainingData, TrainOptions
from finetune.split import check_leakage
from rag_service.core.errors import DataError
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Chunk, ModelCard, Split

_RUN, _CHECKPOINTS, _MODEL = "run.json", "checkpoints", "model"


def train(
    base: ModelCard,
    base_folder: Path,
    data: TrainingData,
    chunks: Mapping[str, Chunk],
    out: Path,
    options: TrainOptions,
    progress: Progress = no_progress,
    negatives: Mapping[str, str] | None = None,
) -> TrainedModel:
    """Train ``base`` on the training split, choose on the validation split, save under ``out``.

    Called again with the same base, data and options, a killed training continues from its last
    checkpoint and a finished one is returned as it is; with others it starts anew. The test
    split is not touched. ``negatives`` maps question ids to chunk ids.

    Raises:
        DataError: a split is empty, a chunk is gone, or the splits share a document.
        ModelError: the base cannot be loaded, or training failed.
    """
    for split in ("train", "validation"):
        if not any(pair.split == split for pair in data.pairs):
            raise DataError(f"the training data has no pairs in the split {split}")
    check_leakage(data.pairs, chunks)
    run = _fingerprint(base, data, chunks, options, negatives)
    if (finished := _finished(out, run)) is not None:
        return finished
    if _read(out / _RUN).get("run") != run:
        for name in (_CHECKPOINTS, _MODEL):
            shutil.rmtree(out / name, ignore_errors=True)
        _write(out / _RUN, {"run": run})

    from finetune.fitting import fit

    started = time.monotonic()
    part = out / f"{_MODEL}.part"
    shutil.rmtree(part, ignore_errors=True)
    measured = fit(
        base,
        base_folder,
        data.pairs,
        chunks,
        negatives,
        options,
        out / _CHECKPOINTS,
        part,
        progress,
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
    write_card(part, base, data, figures)
    shutil.rmtree(out / _MODEL, ignore_errors=True)
    part.rename(out / _MODEL)
    _write(out / _RUN, {"run": run, "figures": figures})
    shutil.rmtree(out / _CHECKPOINTS, ignore_errors=True)
    return TrainedModel(out / _MODEL, figures)


def _documents(data: TrainingData, split: Split) -> list[str]:
    """Names of the documents that a split's questions come from, sorted."""
    return sorted({pair.document for pair in data.pairs if pair.split == split})


def _fingerprint(
    base: ModelCard,
    data: TrainingData,
    chunks: Mapping[str, Chunk],
    options: TrainOptions,
    negatives: Mapping[str, str] | None,
) -> str:
    """Digest of all that decides what a training gives."""
    used = sorted({chunk for pair in data.pairs for chunk in (pair.chunk_id, *pair.relevant)})
    content = {
        "base": base.fingerprint,
        "prompts": [base.query_prompt, base.document_prompt],
        "data": data.fingerprint,
        "texts": [chunks[chunk].embedded_text for chunk in used if chunk in chunks],
        "options": asdict(options),
        "negatives": sorted(negatives.items()) if negatives is not None else None,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _finished(out: Path, run: str) -> TrainedModel | None:
    state = _read(out / _RUN)
    if state.get("run") == run and "figures" in state and (out / _MODEL).is_dir():
        return TrainedModel(out / _MODEL, state["figures"])
    return None


def _read(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise DataError(f"{path} is damaged: delete the folder {path.parent}") from error
    return state if isinstance(state, dict) else {}


def _write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(content, indent=2), encoding="utf-8")
    os.replace(part, path)
