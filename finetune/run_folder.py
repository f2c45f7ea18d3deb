"""A training's folder: its manifest, its checkpoints while it runs, and the model at its end."""

import fcntl
import json
import platform
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from finetune.options import TrainedModel, TrainingData, TrainOptions
from rag_service.core.errors import DataError, JobRunning
from rag_service.core.files import write_atomically
from rag_service.core.ids import now

_MANIFEST, _CHECKPOINTS, _MODEL, _LOCK = "manifest.json", "checkpoints", "model", "lock"
_LIBRARIES = ("torch", "transformers", "sentence-transformers", "datasets", "tokenizers")
_GIT_SECONDS = 10


class RunFolder:
    """One training; ``manifest.json`` says what it is of, and its figures once it is finished."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints = path / _CHECKPOINTS
        self.model = path / _MODEL
        self.part = path / f"{_MODEL}.part"

    @contextmanager
    def alone(self) -> Iterator[int]:
        """Held while the training runs; gives a descriptor that keeps the hold where inherited.

        Raises JobRunning if another process trains here.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / _LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise JobRunning(f"another process trains in {self.path}; wait for it") from error
            yield lock.fileno()

    def finished(self, run: str) -> TrainedModel | None:
        """The model, if this very run came to its end here."""
        manifest = self._manifest()
        if manifest.get("run") == run and "figures" in manifest and self.model.is_dir():
            return TrainedModel(self.model, manifest["figures"])
        return None

    def start(self, run: str, described: Mapping[str, Any]) -> None:
        """Make room for ``run``: what it left when it was killed stays, another's goes."""
        if self._manifest().get("run") != run:
            # First of all, so that nobody takes up what is then only half there.
            (self.path / _MANIFEST).unlink(missing_ok=True)
            for folder in (self.checkpoints, self.model):
                _remove(folder)
            self._write({"run": run, **described})
        _remove(self.part)

    def finish(self, figures: dict[str, Any]) -> TrainedModel:
        """Put the model that lies in ``part`` in its place."""
        _remove(self.model)
        self.part.rename(self.model)
        self._write({**self._manifest(), "figures": figures})
        shutil.rmtree(self.checkpoints, ignore_errors=True)
        return TrainedModel(self.model, figures)

    def _manifest(self) -> dict[str, Any]:
        path = self.path / _MANIFEST
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise DataError(f"{path} is damaged: delete the folder {path.parent}") from error
        return manifest if isinstance(manifest, dict) else {}

    def _write(self, manifest: Mapping[str, Any]) -> None:
        write_atomically(self.path / _MANIFEST, json.dumps(manifest, indent=2))


def _remove(folder: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)


def describe(
    base: Mapping[str, str],
    data: TrainingData,
    texts: Mapping[str, Any] | None,
    options: TrainOptions,
) -> dict[str, Any]:
    """What a training is made of: base, data, arguments, and the programs that carry it out."""
    questions = Counter(pair.split for pair in data.pairs)
    documents = Counter(split for split, _ in {(p.split, p.document) for p in data.pairs})
    return {
        "started": now(),
        "base": base,
        "data": {
            "fingerprint": data.fingerprint,
            "folder": str(data.folder),
            "questions": questions,
            "documents": documents,
        },
        "texts": texts,
        "seed": options.seed,
        "arguments": asdict(options),
        "versions": {
            "ragloop": _version("ragloop"),
            "python": platform.python_version(),
            **{name: _version(name) for name in _LIBRARIES},
        },
        "platform": platform.platform(),
        "revision": _revision(),
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _revision() -> str:
    """Git commit of this code, with ``-dirty`` if files differ from it; ``""`` outside of git."""
    here = Path(__file__)
    git = ["git", "-C", str(here.parent)]
    try:
        # An installed package may lie within somebody else's checkout, which does not know it.
        _told([*git, "ls-files", "--error-unmatch", "options.py"])
        return _told([*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"])
    except (OSError, subprocess.SubprocessError):
        return ""


def _told(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_GIT_SECONDS)
    return done.stdout.strip()
