"""Rerankers by name: those fine-tuned in a home, packaged ones, folders, and a hub's."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rag_service.adapters import package_weights
from rag_service.adapters.cross_encoder import CrossEncoderReranker
from rag_service.core.errors import ModelError, NotFound, UnknownModel
from rag_service.core.ids import now

_CARD = "ragloop.json"
_READ = ("*.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json")
"""What decides the scores."""


class FileRerankers:
    """Fine-tuned ones lie in ``<home>/rerankers/<fingerprint>/`` and are never changed.

    Args:
        home: Folder of the installation.
        cache: Folder of pulled weights, shared by homes.
        precision, batch_size: How loaded ones compute; see ``CrossEncoderReranker``.
    """

    def __init__(self, home: Path, cache: Path, precision: str, batch_size: int) -> None:
        self._home = home
        self._folder = home / "rerankers"
        self._cache = cache
        self._precision = precision
        self._batch_size = batch_size

    def load(self, name: str) -> CrossEncoderReranker:
        """The reranker called ``name``, which is found and loaded when it is first asked."""
        return CrossEncoderReranker(
            name, lambda: self.find(name), self._precision, self._batch_size
        )

    def find(self, name: str) -> Path:
        """Folder of a fine-tuned one's fingerprint, a local path, or a packaged or hub name.

        Weights that are not there are pulled.

        Raises:
            NotFound: the home has none of that fingerprint.
            ModelError: it cannot be had, and what to do; or its files were changed.
        """
        if is_fingerprint(name):
            return self._kept(name)
        local = Path(name).expanduser()
        if local.is_dir():
            return local
        if name.startswith(("/", "./", "../", "~")):
            raise UnknownModel(f"there is no folder {name}; give that of a cross-encoder")
        packaged = package_weights.find(name)
        if packaged is not None and packaged.kind != "onnx-reranker":
            raise UnknownModel(f"{packaged.name} is no reranker. {package_weights.choices()}")
        return package_weights.pull(name, self._cache)

    def base_of(self, name: str) -> str:
        """What a fine-tuned one was trained from; ``""`` for others. Raises NotFound."""
        return str(self._card(name)["base"]) if is_fingerprint(name) else ""

    def training_of(self, name: str) -> dict[str, Any]:
        """What was measured when a fine-tuned one was trained. Raises NotFound."""
        return dict(self._card(name)["training"])

    def keep(self, folder: Path, *, base: str, training: Mapping[str, Any]) -> str:
        """Keep a copy of the cross-encoder saved in ``folder``; gives its fingerprint.

        One that is kept already stays as it is.
        """
        from filelock import FileLock

        name = fingerprint(folder)
        target = self._folder / name
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / f".{name}.lock"):
            if not target.is_dir():
                half_made = self._folder / f".adding-{name}"
                # what a killed process left behind
                shutil.rmtree(half_made, ignore_errors=True)
                shutil.copytree(folder, half_made)
                card = {"reranker": name, "base": base, "created": now(), "training": training}
                (half_made / _CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
                half_made.rename(target)
        return name

    def _card(self, name: str) -> Any:
        return json.loads((self._kept(name) / _CARD).read_text(encoding="utf-8"))

    def _kept(self, name: str) -> Path:
        folder = self._folder / name
        if not folder.is_dir():
            known = ", ".join(path.name for path in sorted(self._folder.glob("c*"))) or "none"
            raise NotFound(f"no reranker {name} was fine-tuned in {self._home}; there: {known}")
        if fingerprint(folder) != name:
            raise ModelError(
                f"the files in {folder} are not those that were kept: delete the folder and "
                "fine-tune again"
            )
        return folder


def is_fingerprint(name: str) -> bool:
    """Whether ``name`` is that of a fine-tuned reranker; such a name stays inside its folder."""
    return re.fullmatch(r"c[0-9a-f]{16}", name) is not None


def fingerprint(folder: Path) -> str:
    """``c`` and 16 hex digits over the weights, the tokenizer and the configuration."""
    digest = hashlib.sha256()
    for path in sorted(path for pattern in _READ for path in folder.rglob(pattern)):
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\0".encode())
    return f"c{digest.hexdigest()[:16]}"
