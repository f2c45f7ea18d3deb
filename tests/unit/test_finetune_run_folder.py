"""A training's folder takes up no other training's checkpoints."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from finetune.run_folder import RunFolder


def test_checkpoints_that_cannot_be_removed_are_not_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path)
    folder.start("one", {})
    (folder.checkpoints / "checkpoint-1").mkdir(parents=True)
    folder.start("one", {})
    assert (folder.checkpoints / "checkpoint-1").is_dir()

    def refused(path: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise PermissionError(path)

    with monkeypatch.context() as patched:
        patched.setattr(shutil, "rmtree", refused)
        with pytest.raises(PermissionError):
            folder.start("two", {})
    for run in ("two", "one"):
        (folder.checkpoints / "checkpoint-1").mkdir(parents=True, exist_ok=True)
        folder.start(run, {})
        assert not folder.checkpoints.exists(), run
