"""Every model registry keeps these promises: the one in files and its fake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.core.errors import ModelError, NotFound
from rag_service.core.protocols import ModelRegistry
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
