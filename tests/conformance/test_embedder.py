"""Every encoder keeps these promises: the real one and its fake."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.core.errors import ModelError
from rag_service.core.protocols import Embedder
from rag_service.core.settings import load_settings
from tests.fakes.adapted_model import adapted_model
from tests.fakes.models import FakeEmbedder
from tests.fakes.tiny_model import tiny_model

TEXTS = [
    "Net sales rose by eight percent in fiscal 2018.",
    "Lawsuits.",
    "Our headquarters are in Austin, where we lease offices under a lease that ends in 2027. " * 8,
    "The dividend was raised to $1.20 a share.",
    "We depend on two suppliers for our lithium cells.",
]


@pytest.fixture(scope="session")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    home = tmp_path_factory.mktemp("home")
    registry = FileModelRegistry(home, load_settings().cache, "auto", batch_size=2)
    try:
        return registry.load(registry.resolve("minilm").fingerprint)
    except ModelError as error:
        pytest.skip(error.message)


@pytest.fixture(params=["fake", "real"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "fake":
        return FakeEmbedder()
    found: Embedder = request.getfixturevalue("minilm")
    return found


@dataclass(frozen=True)
class Adapted:
    """A model, and the same one with a query adapter."""

    base: Embedder
    embedder: Embedder


@pytest.fixture(scope="session", params=["fake", "float32", "bfloat16"])
def adapted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Adapted:
    if request.param == "fake":
        base = FakeEmbedder()
        return Adapted(base, FakeEmbedder(fingerprint="m1", documents_like=base.fingerprint))
    folder = tmp_path_factory.mktemp("adapted")
    registry = FileModelRegistry(folder, folder, request.param, batch_size=2)
    card = registry.add(Path(tiny_model(folder, TEXTS).path), name="tiny")
    tuned = registry.add(adapted_model(card, folder / "tuned"), name="tuned", base=card.fingerprint)
    return Adapted(registry.load(card.fingerprint), registry.load(tuned.fingerprint))


def test_vectors_are_float32_and_of_length_one(embedder: Embedder) -> None:
    for vectors in (embedder.embed_documents(TEXTS), embedder.embed_queries(TEXTS)):
        assert vectors.shape == (len(TEXTS), embedder.dims)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_no_text_gives_no_vector(embedder: Embedder) -> None:
    assert embedder.embed_documents([]).shape == (0, embedder.dims)
    assert embedder.count_tokens([]) == []


def test_a_text_has_its_vector_whatever_stands_beside_it(embedder: Embedder) -> None:
    together = embedder.embed_documents(TEXTS)
    alone = np.concatenate([embedder.embed_documents([text]) for text in TEXTS])
    assert (together * alone).sum(axis=1).min() > 0.999


def test_a_question_is_nearest_to_what_answers_it(embedder: Embedder) -> None:
    query = embedder.embed_queries(["By how much did net sales rise in fiscal 2018?"])
    assert int((embedder.embed_documents(TEXTS) @ query[0]).argmax()) == 0


def test_done_is_told_of_every_text(embedder: Embedder) -> None:
    done: list[int] = []
    embedder.embed_documents(TEXTS, done.append)
    assert sum(done) == len(TEXTS)
    assert len(done) > 1


def test_tokens_are_counted_without_a_limit(embedder: Embedder) -> None:
    few, many = embedder.count_tokens(["net sales", "net sales " * 1000])
    assert 2 < few < 10
    assert many > 1000 > embedder.max_tokens


def test_odd_texts_are_embedded(embedder: Embedder) -> None:
    vectors = embedder.embed_documents(["", " ", "\ud800", "株式会社", "\x00"])
    assert np.isfinite(vectors).all()
    assert len(embedder.count_tokens(["\ud800"])) == 1


def test_threads_share_it(embedder: Embedder) -> None:
    expected = embedder.embed_queries(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(embedder.embed_queries, [TEXTS] * 8):
            assert (vectors * expected).sum(axis=1).min() > 0.999


def test_an_adapter_leaves_documents_as_they_are_to_the_last_bit(adapted: Adapted) -> None:
    expected = adapted.base.embed_documents(TEXTS)
    assert np.array_equal(adapted.embedder.embed_documents(TEXTS), expected)
    assert adapted.embedder.fingerprint != adapted.base.fingerprint


def test_an_adapter_moves_queries_and_keeps_their_length_one(adapted: Adapted) -> None:
    before, after = adapted.base.embed_queries(TEXTS), adapted.embedder.embed_queries(TEXTS)
    assert after.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(after, axis=1), 1, atol=1e-5)
    alike = (before * after).sum(axis=1)
    assert alike.max() < 0.999
    assert alike.min() > 0.8
