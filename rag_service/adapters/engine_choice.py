"""Which engine encodes with a model on this machine: the fastest whose vectors are right."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rag_service.adapters import engine_measuring
from rag_service.adapters.engine_measuring import EXACT, Calibration, Figures
from rag_service.adapters.engines import cpu_flags, device, named
from rag_service.adapters.model_files import shape
from rag_service.adapters.sentence_embedder import ENGINES
from rag_service.core.errors import ConfigError, ModelError
from rag_service.core.files import write_atomically
from rag_service.core.ids import now
from rag_service.core.types import ModelCard

_LIMIT = 1800
"""Seconds after which the measuring process is given up."""
_LIBRARIES = ("torch", "transformers", "sentence-transformers", "onnxruntime", "openvino")

_log = logging.getLogger(__name__)


class EngineChoice:
    """Figures of engines on this machine, kept in ``file`` for all models and all homes.

    ``calibration`` gives what is measured with, once something is.
    """

    def __init__(self, file: Path, calibration: Callable[[], Calibration]) -> None:
        self._file = file
        self._calibration = calibration

    def choose(self, card: ModelCard, precision: str) -> str:
        """The engine of ``card`` for a precision setting, measured if it has not been yet.

        Raises:
            ConfigError: the engine that the setting asks for cannot run here, or its vectors are
                beyond tolerance.
        """
        wanted = named(precision, device())
        if precision == EXACT:
            return precision
        found = self.figures(card, wanted)
        serving = fastest({engine: found[engine] for engine in wanted})
        if serving is None:
            reasons = "; ".join(f"{engine}: {found[engine].refused}" for engine in wanted)
            raise ConfigError(
                f"RAGLOOP_PRECISION={precision} does not serve model {card.fingerprint} "
                f"({card.name}): {reasons}. Set auto or float32."
            )
        return serving

    def figures(self, card: ModelCard, engines: Sequence[str] = ()) -> dict[str, Figures]:
        """Figures of ``engines``, and of all others that are known of the model here.

        They are measured until one of ``engines`` is known to serve, or none to. That is done in
        a process of its own, which leaves no library and no memory behind, once at a time. A model
        of a shape that another one was measured with is only judged: speed is a matter of shape.
        """
        from filelock import FileLock

        self._file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self._file}.lock"):
            kept = self._read()
            name, machine = this_machine()
            models = kept.setdefault(name, {"machine": machine, "models": {}})["models"]
            found = _engines_of(models.get(card.fingerprint, {}))
            if not _settled(found, engines):
                _log.info("measuring %s with %s on this machine", card.name, ", ".join(engines))
                alike = shape(Path(card.path))
                found |= self._measure(card, engines, _speeds(models.values(), alike, engines))
                models[card.fingerprint] = {
                    "name": card.name,
                    "shape": alike,
                    "measured": now(),
                    "engines": {engine: asdict(told) for engine, told in found.items()},
                }
                write_atomically(self._file, json.dumps(kept, indent=2) + "\n")
            return found

    def _measure(
        self, card: ModelCard, engines: Sequence[str], speeds: dict[str, float]
    ) -> dict[str, Figures]:
        folder = Path(card.path) / ENGINES
        before = set(folder.glob("*"))
        found = _measure_apart(card, engines, self._calibration(), speeds)
        serving = fastest(found)
        for file in set(folder.glob("*")) - before:
            if file.stem != serving:  # it can be made again
                file.unlink()
        return found

    def _read(self) -> dict[str, Any]:
        try:
            text = self._file.read_text() if self._file.exists() else "{}"
            found: dict[str, Any] = json.loads(text)
        except ValueError as error:
            raise ModelError(f"{self._file} cannot be read ({error}): delete it") from error
        return found


def fastest(found: dict[str, Figures]) -> str | None:
    """Of the engines that were judged and are not refused."""
    fit = (engine for engine, told in found.items() if told.fit)
    return max(fit, key=lambda engine: found[engine].ratio, default=None)


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


def _settled(found: dict[str, Figures], engines: Sequence[str]) -> bool:
    asked = {engine: found[engine] for engine in engines if engine in found}
    if len(asked) < len(engines):
        return False
    return fastest(asked) is not None or all(told.refused for told in asked.values())


def _engines_of(entry: dict[str, Any]) -> dict[str, Figures]:
    return {engine: Figures(**told) for engine, told in entry.get("engines", {}).items()}


def _speeds(
    entries: Iterable[dict[str, Any]], alike: str, engines: Sequence[str]
) -> dict[str, float]:
    """Ratios of ``engines`` that were measured with a model of that shape, or none."""
    for entry in entries:
        told = _engines_of(entry)
        if entry["shape"] == alike and all(engine in told for engine in engines):
            return {engine: told[engine].ratio for engine in engines}
    return {}


def _measure_apart(
    card: ModelCard,
    engines: Sequence[str],
    calibration: Calibration,
    speeds: dict[str, float],
) -> dict[str, Figures]:
    work = {
        "card": asdict(card),
        "engines": list(engines),
        "calibration": asdict(calibration),
        "speeds": speeds,
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", engine_measuring.__name__],
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
    found = json.loads(done.stdout.splitlines()[-1])
    return {engine: Figures(**told) for engine, told in found.items()}


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
