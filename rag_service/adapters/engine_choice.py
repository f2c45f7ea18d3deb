"""Which engine encodes with a model on this machine: the fastest whose vectors are right."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from rag_service.adapters.engines import cpu_flags, device, named
from rag_service.adapters.model_files import ENGINE_FIGURES
from rag_service.adapters.sentence_embedder import ENGINES, SentenceEmbedder
from rag_service.core.errors import ConfigError, ModelError
from rag_service.core.files import write_atomically
from rag_service.core.ids import now
from rag_service.core.types import ModelCard, Vectors

MIN_COSINE = 0.99
"""Of every text's vector to that of float32."""
MOST_NDCG_LOSS = 0.005

EXACT = "float32"

_JOINED, _LONG = 4, 12
"""Passages that make a text of a chunk's length, and how many of these are timed."""
_ROUNDS = 5
_SECONDS = 20.0
"""Rounds end then, however few there were."""
_LIMIT = 1800
"""Seconds after which the measuring process is given up."""
_BATCH = 32
_LIBRARIES = ("torch", "transformers", "sentence-transformers", "onnxruntime", "openvino")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Calibration:
    """Passages, questions, and for each question the places of the passages that answer it."""

    passages: Sequence[str]
    questions: Sequence[str]
    relevant: Sequence[Sequence[int]]


@dataclass(frozen=True, slots=True)
class Figures:
    """An engine with one model on one machine, against torch's float32 in the same run."""

    seconds: float
    """Median of a round over the same texts."""
    ratio: float
    """Times as fast as float32: median over the rounds."""
    cosine: float
    """The least of any text."""
    ndcg_loss: float
    """Of NDCG@10 on the questions; negative if it is better."""
    refused: str = ""
    """Why it may not be used, or ``""``."""


def choose(card: ModelCard, precision: str, calibration: Calibration) -> str:
    """The engine of ``card`` for a precision setting, measured if this machine has not yet.

    Raises:
        ConfigError: the engine that the setting asks for cannot run here, or its vectors are
            beyond ``MIN_COSINE`` or ``MOST_NDCG_LOSS``.
    """
    wanted = named(precision, device())
    if precision == EXACT:
        return precision
    found = figures(card, wanted, calibration)
    fit = [engine for engine in wanted if not found[engine].refused]
    if not fit:
        reasons = "; ".join(f"{engine}: {found[engine].refused}" for engine in wanted)
        raise ConfigError(
            f"RAGLOOP_PRECISION={precision} does not serve model {card.fingerprint} "
            f"({card.name}): {reasons}. Set auto or float32."
        )
    return max(fit, key=lambda engine: found[engine].ratio)


def figures(
    card: ModelCard, engines: Sequence[str], calibration: Calibration
) -> dict[str, Figures]:
    """Figures of ``engines``, kept beside the model for machines like this one.

    Those that are missing are measured in a process of their own, which leaves no library and no
    memory behind, once at a time.
    """
    from filelock import FileLock

    folder = Path(card.path)
    with FileLock(folder / f".{ENGINE_FIGURES}.lock"):
        kept = _read(folder / ENGINE_FIGURES)
        name, machine = this_machine()
        entry = kept.setdefault(name, {"machine": machine, "engines": {}})
        missing = [engine for engine in engines if engine not in entry["engines"]]
        if missing:
            _log.info("measuring %s with %s on this machine", card.name, ", ".join(missing))
            entry["engines"].update(_measure_apart(card, missing, calibration))
            entry["measured"] = now()
            write_atomically(folder / ENGINE_FIGURES, json.dumps(kept, indent=2) + "\n")
            _remove_unused(folder, kept)
        return {engine: Figures(**told) for engine, told in entry["engines"].items()}


def this_machine() -> tuple[str, dict[str, Any]]:
    """A name for what decides the figures, and what that is."""
    import torch

    parts: dict[str, Any] = {
        "processor": _processor(),
        "processors": os.cpu_count(),
        "flags": hashlib.sha256(" ".join(sorted(cpu_flags())).encode()).hexdigest()[:12],
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "",
        "libraries": {name: found for name in _LIBRARIES if (found := _version(name))},
    }
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return digest[:12], parts


def measure(
    card: ModelCard, engines: Sequence[str], calibration: Calibration
) -> dict[str, Figures]:
    """Speed and tolerance of ``engines`` and of float32, in this process.

    The engines take turns, so that a machine that gets busier slows them all alike.
    """
    passages = list(calibration.passages)
    texts = [*passages, *_long_texts(passages)]
    questions = list(calibration.questions)
    running: dict[str, SentenceEmbedder] = {}
    told: dict[str, Figures] = {}
    exact: list[tuple[Vectors, float]] = []
    for engine in (EXACT, *(e for e in engines if e != EXACT)):
        try:
            embedder = SentenceEmbedder(card, Path(card.path), engine, _BATCH)
            documents, asked = embedder.embed_documents(texts), embedder.embed_queries(questions)
        except (ModelError, MemoryError) as error:
            if engine == EXACT:
                raise
            told[engine] = Figures(0.0, 0.0, 0.0, 0.0, str(error))
            continue
        ndcg = _ndcg(documents[: len(passages)], asked, calibration.relevant)
        vectors = np.concatenate([documents, asked])
        if not exact:
            exact.append((vectors, ndcg))
        ((wanted, best),) = exact
        cosine, loss = float((vectors * wanted).sum(axis=1).min()), best - ndcg
        refused = _beyond(cosine, loss)
        told[engine] = Figures(0.0, 0.0, cosine, loss, refused)
        if not refused:
            running[engine] = embedder
    timed = _long_texts(passages)[:_LONG]
    seconds = _take_turns({e: _encoding(m, timed) for e, m in running.items()})
    for engine, took in seconds.items():
        ratios = [one / other for one, other in zip(seconds[EXACT], took, strict=True)]
        told[engine] = Figures(
            median(took), median(ratios), told[engine].cosine, told[engine].ndcg_loss
        )
    return told


def _beyond(cosine: float, loss: float) -> str:
    if not cosine >= MIN_COSINE:
        return f"cosine {cosine:.4f} to float32, below {MIN_COSINE}"
    if not loss <= MOST_NDCG_LOSS:
        return f"NDCG@10 {loss:.4f} below that of float32, more than {MOST_NDCG_LOSS}"
    return ""


def _long_texts(passages: Sequence[str]) -> list[str]:
    starts = range(0, min(len(passages), _JOINED * _LONG), _JOINED)
    return [" ".join(passages[start : start + _JOINED]) for start in starts]


def _encoding(embedder: SentenceEmbedder, texts: list[str]) -> Callable[[], object]:
    return lambda: embedder.embed_documents(texts)


def _take_turns(arms: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = {name: [] for name in arms}
    started = time.perf_counter()
    for number in range(_ROUNDS):
        if number and time.perf_counter() - started > _SECONDS:
            break
        for name in arms if number % 2 else reversed(arms):
            begun = time.perf_counter()
            arms[name]()
            seconds[name].append(time.perf_counter() - begun)
    return seconds


def _ndcg(passages: Vectors, questions: Vectors, relevant: Sequence[Sequence[int]]) -> float:
    """Mean NDCG@10 with gains of 0 and 1 (Järvelin and Kekäläinen 2002)."""
    gains = 1 / np.log2(np.arange(2, 12))
    scores = []
    for found, answers in zip(questions @ passages.T, relevant, strict=True):
        top = np.argsort(-found, kind="stable")[:10]
        hits = np.isin(top, np.asarray(answers))
        scores.append(gains[: len(top)][hits].sum() / gains[: len(answers)].sum())
    return float(np.mean(scores))


def _measure_apart(
    card: ModelCard, engines: Sequence[str], calibration: Calibration
) -> dict[str, dict[str, Any]]:
    work = {"card": asdict(card), "engines": list(engines), "calibration": asdict(calibration)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(work),
            capture_output=True,
            text=True,
            timeout=_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"measuring {card.name} took over {_LIMIT} s: set RAGLOOP_PRECISION=bfloat16 or float32"
        ) from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise ModelError(
            f"measuring the engines of {card.name} failed ({last}): set "
            "RAGLOOP_PRECISION=bfloat16 or float32"
        )
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def _remove_unused(folder: Path, kept: dict[str, Any]) -> None:
    """Converted models that no machine would choose: they can be made again."""
    used = set()
    for entry in kept.values():
        fit = {name: told for name, told in entry["engines"].items() if not told["refused"]}
        used.add(max(fit, key=lambda name: fit[name]["ratio"], default=EXACT))
    for file in (folder / ENGINES).glob("*"):
        if file.stem not in used:
            file.unlink()


def _read(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    except ValueError as error:
        raise ModelError(f"{file} cannot be read ({error}): delete it") from error
    return found


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.exists() else []
    told = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(told, "") or platform.processor() or platform.machine()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _main() -> None:
    work = json.loads(sys.stdin.read())
    told = measure(ModelCard(**work["card"]), work["engines"], Calibration(**work["calibration"]))
    sys.stdout.write(
        "\n" + json.dumps({name: asdict(found) for name, found in told.items()}) + "\n"
    )


if __name__ == "__main__":
    _main()
