"""Fine-tuned rerankers are kept for good, and found by their fingerprint alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag_service.adapters.reranker_registry import FileRerankers, fingerprint
from rag_service.core.errors import ModelError, NotFound, UnknownModel


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    folder = tmp_path / "trained"
    folder.mkdir()
    for name in ("model.safetensors", "config.json", "tokenizer.json", "README.md"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def rerankers(tmp_path: Path) -> FileRerankers:
    return FileRerankers(tmp_path / "home", tmp_path / "cache", "float32", 8)


def test_one_that_is_kept_is_found_and_says_where_it_comes_from(
    trained: Path, rerankers: FileRerankers
) -> None:
    name = rerankers.keep(trained, base="acme/cross", training={"seed": 1})
    (trained / "model.safetensors").write_text("another training")
    folder = rerankers.find(name)
    assert (folder / "model.safetensors").read_text() == "model.safetensors"
    assert json.loads((folder / "ragloop.json").read_text())["training"] == {"seed": 1}
    assert rerankers.base_of(name) == "acme/cross"
    assert rerankers.base_of("acme/cross") == ""
    assert rerankers.load(name).name == name


def test_a_name_is_of_what_decides_the_scores(trained: Path, rerankers: FileRerankers) -> None:
    name = rerankers.keep(trained, base="a", training={})
    (trained / "README.md").write_text("other words")
    assert rerankers.keep(trained, base="b", training={}) == name
    assert rerankers.base_of(name) == "a"
    (trained / "tokenizer.json").write_text("other words")
    assert rerankers.keep(trained, base="b", training={}) != name


def test_changed_files_and_unknown_names_are_errors(
    trained: Path, rerankers: FileRerankers, tmp_path: Path
) -> None:
    name = rerankers.keep(trained, base="a", training={})
    (rerankers.find(name) / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="not those that were kept"):
        rerankers.find(name)
    with pytest.raises(NotFound, match=f"there: {name}"):
        rerankers.find("c" + "0" * 16)
    with pytest.raises(UnknownModel, match="no folder"):
        rerankers.find(str(tmp_path / "nowhere"))
    assert rerankers.find(str(trained)) == trained


def test_an_embedding_model_is_no_reranker(rerankers: FileRerankers) -> None:
    with pytest.raises(UnknownModel, match=r"is no reranker.*cross-encoder/ms-marco"):
        rerankers.find("minilm")


def test_what_a_killed_process_left_is_cleared(trained: Path, rerankers: FileRerankers) -> None:
    name = fingerprint(trained)
    left = rerankers._folder / f".adding-{name}"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_text("half")
    assert rerankers.keep(trained, base="a", training={}) == name
    assert not left.exists()
