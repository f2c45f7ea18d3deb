"""A registered model as data, for a machine that does not have it."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from rag_service.core.types import ModelCard


def packed(card: ModelCard) -> dict[str, bytes]:
    """Every file of the model, by its path in the model's folder.

    Without hidden ones: what this machine's engines keep there is made anew by another one's.
    """
    folder = Path(card.path)
    files = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        file.as_posix(): (folder / file).read_bytes()
        for file in files
        if not any(part.startswith(".") for part in file.parts)
    }


def unpack(files: Mapping[str, bytes], folder: Path) -> None:
    """Write them into ``folder`` in one step, unless it is there; several processes may at once.

    A registry that loads the model finds out whether they are those of its fingerprint.
    """
    from filelock import FileLock

    folder.parent.mkdir(parents=True, exist_ok=True)
    half_made = folder.with_name(f".adding-{folder.name}")
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        if folder.is_dir():
            return
        shutil.rmtree(half_made, ignore_errors=True)  # what a killed process left behind
        for name, content in files.items():
            (half_made / name).parent.mkdir(parents=True, exist_ok=True)
            (half_made / name).write_bytes(content)
        half_made.rename(folder)
