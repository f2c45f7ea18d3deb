"""What of a model's folder makes its fingerprint, and what is copied."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from rag_service.adapters.model_files import Prompts, copy_model, fingerprint, modules, read_prompts
from rag_service.core.errors import ModelError

NO_PROMPTS = Prompts("", "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of a model; its weights are no real ones."""
    root = tmp_path / "model"
    (root / "1_Pooling").mkdir(parents=True)
    (root / "model.safetensors").write_bytes(b"weights")
    write(root / "tokenizer.json", {"model": {"vocab": {"a": 0}}})
    write(root / "tokenizer_config.json", {"model_max_length": 512})
    write(root / "config.json", {"hidden_size": 4, "transformers_version": "5.0"})
    write(root / "sentence_bert_config.json", {"max_seq_length": 256})
    write(root / "1_Pooling" / "config.json", {"pooling_mode": "cls"})
    kinds = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    write(
        root / "modules.json",
        [{"path": path, "type": f"sentence_transformers.models.{kind}"} for path, kind in kinds],
    )
    return root


def write(path: Path, document: Any) -> None:
    path.write_text(json.dumps(document))


def test_names_places_times_and_versions_make_no_difference(folder: Path, tmp_path: Path) -> None:
    before = fingerprint(folder, NO_PROMPTS)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere)
    write(elsewhere / "config.json", {"transformers_version": "6.0", "hidden_size": 4})
    (elsewhere / "README.md").write_text("# Another name")
    os.utime(elsewhere / "model.safetensors", (0, 0))
    assert fingerprint(elsewhere, NO_PROMPTS) == before
    assert len(before) == 17
    assert before.startswith("m")


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("tokenizer.json", {"model": {"vocab": {"b": 0}}}),
        ("tokenizer_config.json", {"model_max_length": 128}),
        ("config.json", {"hidden_size": 8}),
        ("sentence_bert_config.json", {"max_seq_length": 128}),
        ("1_Pooling/config.json", {"pooling_mode": "mean"}),
        ("modules.json", [{"path": "", "type": "sentence_transformers.models.Transformer"}]),
        ("model.safetensors", "other weights"),
    ],
)
def test_all_that_decides_the_vectors_counts(folder: Path, name: str, document: Any) -> None:
    before = fingerprint(folder, NO_PROMPTS)
    write(folder / name, document)
    assert fingerprint(folder, NO_PROMPTS) != before


def test_prompts_count(folder: Path) -> None:
    assert (
        len({fingerprint(folder, p) for p in (NO_PROMPTS, Prompts("q", ""), Prompts("", "q"))}) == 3
    )


def test_saved_prompts_win_over_those_of_the_family(folder: Path) -> None:
    assert read_prompts(folder, "BAAI/bge-base-en-v1.5").query.startswith("Represent this")
    assert read_prompts(folder, "intfloat/e5-small-v2") == Prompts("query: ", "passage: ")
    assert read_prompts(folder, "acme/any") == NO_PROMPTS
    write(folder / "config_sentence_transformers.json", {"prompts": {"query": "ask: "}})
    assert read_prompts(folder, "BAAI/bge-base-en-v1.5") == Prompts("ask: ", "")


def test_only_the_model_is_copied(folder: Path, tmp_path: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "checkpoint-10").mkdir()
    (folder / "checkpoint-10" / "model.safetensors").write_bytes(b"old")
    copy = tmp_path / "copy"
    copy_model(folder, copy)
    names = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert "model.safetensors" in names
    assert "1_Pooling/config.json" in names
    assert not [name for name in names if "pytorch" in name or "checkpoint" in name]
    assert fingerprint(copy, NO_PROMPTS) == fingerprint(folder, NO_PROMPTS)


@pytest.mark.parametrize("missing", ["modules.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_that_lacks_a_part_is_refused(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=missing.rpartition("model")[2]):
        modules(folder)


@pytest.mark.parametrize("path", ["../outside", "/etc", "a/../../b"])
def test_a_module_outside_the_folder_is_refused(folder: Path, path: str) -> None:
    write(folder / "modules.json", [{"path": path, "type": "sentence_transformers.models.Pooling"}])
    with pytest.raises(ModelError, match="outside"):
        modules(folder)


@pytest.mark.parametrize("content", ["{", "[1]", '[{"type": "x"}]', "[]", '{"a": 1}'])
def test_a_broken_listing_is_refused(folder: Path, content: str) -> None:
    (folder / "modules.json").write_text(content)
    with pytest.raises(ModelError, match=r"modules\.json"):
        modules(folder)
