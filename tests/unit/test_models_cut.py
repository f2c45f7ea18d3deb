"""A model cut to its first dimensions, as files: what other programs make of it, what is kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rag_service.adapters.model_files import Prompts, identity
from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.core.errors import ModelError
from rag_service.core.types import ModelCard
from rag_service.loop.seen import seen_documents, seen_questions, write_questions
from tests.fakes.tiny_model import tiny_model

TEXTS = ["net sales rose", "the dividend was raised", "leases"]
DIMS = 12


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tiny_model(tmp_path_factory.mktemp("saved"), TEXTS).path)


@pytest.fixture
def registry(tmp_path: Path) -> FileModelRegistry:
    return FileModelRegistry(tmp_path / "home", tmp_path / "cache", "float32", 8)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_plain_sentence_transformers_gives_the_same_vectors(
    saved: Path, tmp_path: Path, registry: FileModelRegistry, pooling: str
) -> None:
    from sentence_transformers import SentenceTransformer

    folder = shutil.copytree(saved, tmp_path / "model")
    config = folder / "1_Pooling" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"pooling_mode": pooling}))
    whole = registry.add(folder, name="tiny")
    cut = registry.truncated(whole.fingerprint, DIMS)
    plain = SentenceTransformer(cut.path, device="cpu", local_files_only=True)
    vectors = plain.encode(TEXTS)
    assert plain.get_embedding_dimension() == DIMS
    expected = registry.load(whole.fingerprint).embed_documents(TEXTS)[:, :DIMS]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_weights_are_stored_once_and_the_whole_model_stays_as_it_was(
    saved: Path, registry: FileModelRegistry
) -> None:
    whole = registry.add(saved, name="tiny")
    before = {path: path.read_bytes() for path in Path(whole.path).rglob("*") if path.is_file()}
    cut = registry.truncated(whole.fingerprint, DIMS)
    assert {p: p.read_bytes() for p in Path(whole.path).rglob("*") if p.is_file()} == before
    for path in Path(whole.path).rglob("*.safetensors"):
        twin = Path(cut.path) / path.relative_to(whole.path)
        assert twin.samefile(path)
    readme = (Path(cut.path) / "README.md").read_text()
    assert f"the first {DIMS} dimensions of those of `{whole.fingerprint}`" in readme
    shutil.rmtree(whole.path)
    assert registry.load(cut.fingerprint).embed_queries(TEXTS).shape == (3, DIMS)


def test_where_links_are_refused_weights_are_copied(
    saved: Path, registry: FileModelRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr("os.link", refused)
    whole = registry.add(saved, name="tiny")
    cut = registry.truncated(whole.fingerprint, DIMS)
    (weights,) = Path(whole.path).glob("*.safetensors")
    assert not (Path(cut.path) / weights.name).samefile(weights)
    assert registry.load(cut.fingerprint).embed_queries(TEXTS).shape == (3, DIMS)


def test_what_the_whole_model_saw_in_training_the_cut_one_saw(
    saved: Path, tmp_path: Path, registry: FileModelRegistry
) -> None:
    folder = shutil.copytree(saved, tmp_path / "model")
    base = registry.add(saved, name="base")
    write_questions(folder, ["What were net sales?"], base)
    config = next(folder.rglob("config.json"))
    config.write_text(json.dumps(json.loads(config.read_text()) | {"classifier_dropout": 0.5}))
    trained = registry.add(
        folder, name="tuned", base=base.fingerprint, training={"train_documents": ["A.pdf"]}
    )
    cut = registry.truncated(trained.fingerprint, DIMS)
    assert seen_documents(cut) == {"A.pdf"}
    assert seen_questions(cut) == seen_questions(trained) != frozenset()
    assert cut.base == ""


def test_prompts_stay(saved: Path, registry: FileModelRegistry) -> None:
    whole = registry.add(saved, name="BAAI/bge-small-en-v1.5")
    cut = registry.truncated(whole.fingerprint, DIMS)
    assert whole.query_prompt
    assert cut.query_prompt == whole.query_prompt
    assert registry.resolve(f"BAAI/bge-small-en-v1.5@{DIMS}") == cut


def changed(card: ModelCard, matrix: np.ndarray) -> Path:
    from safetensors.numpy import save_file

    (linear,) = Path(card.path).glob("*_Dense")
    save_file({"linear.weight": matrix}, linear / "model.safetensors", metadata={"format": "pt"})
    return Path(card.path)


def test_another_matrix_is_no_cut(saved: Path, registry: FileModelRegistry) -> None:
    whole = registry.add(saved, name="tiny")
    cut = registry.truncated(whole.fingerprint, DIMS)
    turned = np.eye(DIMS, whole.dims, dtype=np.float32)[::-1].copy()
    folder = changed(cut, turned)
    found = identity(folder, Prompts(cut.query_prompt, cut.document_prompt))
    assert found.cut_from == ""
    assert found.fingerprint != cut.fingerprint
    with pytest.raises(ModelError, match="not those that were registered"):
        registry.load(cut.fingerprint)


def test_a_card_that_names_another_whole_model_is_refused_at_loading(
    saved: Path, registry: FileModelRegistry
) -> None:
    card = registry.add(saved, name="tiny")
    entry = Path(card.path) / "ragloop.json"
    entry.write_text(json.dumps(json.loads(entry.read_text()) | {"cut_from": "m0123456789abcdef"}))
    with pytest.raises(ModelError, match="not those that were registered"):
        registry.load(card.fingerprint)
