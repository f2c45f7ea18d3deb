"""Every model registry keeps these promises: the one in files and its fake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.core.errors import InvalidRequest, ModelError, NotFound
from rag_service.core.protocols import ModelRegistry
from rag_service.core.types import Vectors
from tests.fakes.adapted_model import adapted_model
from tests.fakes.models import FakeRegistry
from tests.fakes.tiny_model import tiny_model

TEXTS = ["net sales rose", "the dividend was raised"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tiny_model(tmp_path_factory.mktemp("one"), TEXTS).path)


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(tiny_model(tmp_path_factory.mktemp("two"), TEXTS, seed=1).path)


@pytest.fixture(params=["fake", "files"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> ModelRegistry:
    if request.param == "fake":
        return FakeRegistry()
    return FileModelRegistry(tmp_path / "home", tmp_path / "cache", "float32", 8)


def test_an_added_model_is_found_by_fingerprint_prefix_and_name(
    registry: ModelRegistry, saved: Path
) -> None:
    card = registry.add(saved, name="first", training={"pairs": 7})
    for name in (card.fingerprint, card.fingerprint[:8], "first"):
        assert registry.resolve(name) == card
    assert registry.get(card.fingerprint).training == {"pairs": 7}


def test_the_same_model_is_one_entry(registry: ModelRegistry, saved: Path) -> None:
    card = registry.add(saved, name="first")
    assert registry.add(saved, name="second").fingerprint == card.fingerprint
    assert registry.all() == [card]


def test_other_weights_are_another_model(registry: ModelRegistry, saved: Path, other: Path) -> None:
    first = registry.add(saved, name="first")
    second = registry.add(other, name="second", base=first.fingerprint)
    assert second.fingerprint != first.fingerprint
    assert second.base == first.fingerprint
    assert {c.fingerprint for c in registry.all()} == {first.fingerprint, second.fingerprint}


def test_a_folder_is_registered_when_it_is_resolved(registry: ModelRegistry, saved: Path) -> None:
    card = registry.resolve(str(saved))
    assert registry.all() == [card]


def test_an_encoder_has_the_fingerprint_and_dimensions_of_its_card(
    registry: ModelRegistry, saved: Path
) -> None:
    card = registry.add(saved, name="first")
    embedder = registry.load(card.fingerprint)
    assert (embedder.fingerprint, embedder.dims) == (card.fingerprint, card.dims)
    assert embedder.embed_documents(TEXTS).shape == (2, card.dims)
    assert registry.load(card.fingerprint) is embedder


def test_two_models_give_other_vectors(registry: ModelRegistry, saved: Path, other: Path) -> None:
    vectors = [
        registry.load(registry.add(folder, name=folder.parent.name).fingerprint).embed_documents(
            TEXTS
        )
        for folder in (saved, other)
    ]
    assert not np.allclose(vectors[0], vectors[1])


def test_what_is_not_there_is_an_error(registry: ModelRegistry, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        registry.resolve("never-heard-of")
    with pytest.raises(NotFound):
        registry.get("m0123456789abcdef")
    with pytest.raises(NotFound):
        registry.load("m0123456789abcdef")
    with pytest.raises(ModelError):
        registry.add(tmp_path, name="empty")


def test_an_adapted_model_is_one_of_its_own_and_says_whose_document_vectors_it_has(
    registry: ModelRegistry, saved: Path, tmp_path: Path
) -> None:
    base = registry.add(saved, name="first")
    folder = adapted_model(base, tmp_path / "adapted")
    card = registry.add(folder, name="adapted", base=base.fingerprint)
    assert card.fingerprint != base.fingerprint
    assert card.documents_like == card.document_vectors == base.document_vectors
    assert (base.documents_like, base.document_vectors) == ("", base.fingerprint)
    assert registry.get(card.fingerprint) == card
    again = adapted_model(base, tmp_path / "other", seed=1)
    assert registry.add(again, name="other").fingerprint not in {
        card.fingerprint,
        base.fingerprint,
    }


def test_an_adapted_model_embeds_documents_like_its_base(
    registry: ModelRegistry, saved: Path, tmp_path: Path
) -> None:
    base = registry.add(saved, name="first")
    card = registry.add(adapted_model(base, tmp_path / "adapted"), name="adapted")
    plain, adapted = (registry.load(c.fingerprint) for c in (base, card))
    assert np.array_equal(plain.embed_documents(TEXTS), adapted.embed_documents(TEXTS))
    assert not np.allclose(plain.embed_queries(TEXTS), adapted.embed_queries(TEXTS))


def first(dims: int, vectors: Vectors) -> Vectors:
    kept = vectors[:, :dims]
    normalised: Vectors = kept / np.linalg.norm(kept, axis=1, keepdims=True)
    return normalised


def test_a_cut_model_gives_the_first_dimensions_normalised(
    registry: ModelRegistry, saved: Path
) -> None:
    whole = registry.add(saved, name="first", training={"train_documents": ["A.pdf"]})
    dims = whole.dims // 2
    cut = registry.truncated(whole.fingerprint, dims)
    assert cut.fingerprint != whole.fingerprint
    assert (cut.dims, cut.cut_from, cut.whole, cut.base) == (
        dims,
        whole.fingerprint,
        whole.whole,
        "",
    )
    assert cut.training == whole.training
    assert registry.get(cut.fingerprint) == cut
    plain, less = registry.load(whole.fingerprint), registry.load(cut.fingerprint)
    assert (less.dims, less.fingerprint) == (dims, cut.fingerprint)
    for embed in ("embed_documents", "embed_queries"):
        expected = first(dims, getattr(plain, embed)(TEXTS))
        np.testing.assert_allclose(getattr(less, embed)(TEXTS), expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(less.embed_queries(TEXTS), axis=1), 1, atol=1e-6)


def test_cutting_again_is_cutting_the_whole_model(registry: ModelRegistry, saved: Path) -> None:
    whole = registry.add(saved, name="first")
    half = registry.truncated(whole.fingerprint, 16)
    quarter = registry.truncated(half.fingerprint, 8)
    assert registry.truncated(whole.fingerprint, 8) == quarter
    assert quarter.cut_from == whole.fingerprint
    assert len(registry.all()) == 3


def test_a_cut_query_adapter_has_the_document_vectors_of_its_cut_base(
    registry: ModelRegistry, saved: Path, tmp_path: Path
) -> None:
    base = registry.add(saved, name="first")
    adapted = registry.add(adapted_model(base, tmp_path / "adapted"), name="adapted")
    cut = registry.truncated(adapted.fingerprint, 8)
    cut_base = registry.truncated(base.fingerprint, 8)
    assert (cut.documents_like, cut.cut_from) == (cut_base.fingerprint, adapted.fingerprint)
    plain, less, whole = (registry.load(c.fingerprint) for c in (cut_base, cut, adapted))
    assert np.array_equal(plain.embed_documents(TEXTS), less.embed_documents(TEXTS))
    queries = first(8, whole.embed_queries(TEXTS))
    np.testing.assert_allclose(less.embed_queries(TEXTS), queries, atol=1e-6)


@pytest.mark.parametrize("more", [-1000, -1, 0, 1])
def test_what_is_no_cut_is_refused(registry: ModelRegistry, saved: Path, more: int) -> None:
    card = registry.add(saved, name="first")
    dims = 0 if more == -1 else card.dims + more
    with pytest.raises(InvalidRequest, match=f"cannot be cut to {dims}"):
        registry.truncated(card.fingerprint, dims)
    assert registry.all() == [card]
