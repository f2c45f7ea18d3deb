"""The encoder's arithmetic and its taking of turns."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rag_service.adapters.sentence_embedder import SentenceEmbedder, arithmetic, batches
from rag_service.core.errors import ConfigError, ModelError
from rag_service.core.types import ModelCard
from tests.fakes.tiny_model import tiny_model

TEXTS = ["net sales rose", "the dividend was raised", "query : net sales", "leases"]


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    return tiny_model(tmp_path_factory.mktemp("model"), TEXTS)


def load(card: ModelCard, precision: str = "float32", batch_size: int = 2) -> SentenceEmbedder:
    return SentenceEmbedder(card, Path(card.path), precision, batch_size)


def test_bfloat16_gives_nearly_the_vectors_of_float32(card: ModelCard) -> None:
    exact = load(card).embed_documents(TEXTS)
    rough = load(card, "bfloat16").embed_documents(TEXTS)
    assert rough.dtype == np.float32
    assert (exact * rough).sum(axis=1).min() > 0.999
    assert not np.array_equal(exact, rough)


def test_float16_is_refused() -> None:
    with pytest.raises(ConfigError, match="RAGLOOP_PRECISION"):
        arithmetic("float16", "cpu")


def test_the_query_prompt_is_put_before_queries_alone(card: ModelCard) -> None:
    embedder = load(card)
    prompted = embedder.embed_queries(["net sales"])
    np.testing.assert_allclose(prompted, embedder.embed_documents(["query: net sales"]), atol=1e-6)
    assert not np.allclose(prompted, embedder.embed_documents(["net sales"]))


def test_the_document_prompt_is_put_before_documents(card: ModelCard) -> None:
    prompted = load(replace(card, document_prompt="the dividend "))
    np.testing.assert_allclose(
        prompted.embed_documents(["net sales"]),
        load(card).embed_documents(["the dividend net sales"]),
        atol=1e-6,
    )


def test_vectors_do_not_depend_on_the_batch_size(card: ModelCard) -> None:
    np.testing.assert_allclose(
        load(card, batch_size=1).embed_documents(TEXTS),
        load(card, batch_size=64).embed_documents(TEXTS),
        atol=1e-6,
    )


def test_a_query_waits_for_one_batch_and_not_for_all_documents(card: ModelCard) -> None:
    embedder = load(card, batch_size=1)
    order: list[str] = []
    asked = threading.Event()

    def ask() -> None:
        asked.set()
        embedder.embed_queries(["net"])
        order.append("query")

    query = threading.Thread(target=ask)

    def on_done(count: int) -> None:
        if not asked.is_set():
            query.start()
            asked.wait(10)
        order.append("batch")

    embedder.embed_documents(["net sales rose"] * 200, on_done)
    query.join()
    assert order.count("batch") == 200
    assert order.index("query") < 100


def test_a_folder_that_holds_no_model_is_an_error(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        load(replace(card, path=str(tmp_path)))


def test_vectors_that_are_not_finite_are_an_error(
    card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedder = load(card)
    monkeypatch.setattr(
        embedder._model, "encode", lambda texts, **_: np.full((len(texts), card.dims), np.nan)
    )
    with pytest.raises(ModelError, match="not finite"):
        embedder.embed_documents(["net"])


def test_texts_of_a_batch_are_of_like_length() -> None:
    lengths = [100, 900, 110, 880, 90, 105]
    assert list(batches(lengths, 4, padding=250)) == [[1, 3], [2, 5, 0, 4]]
    assert list(batches(lengths, 3, padding=float("inf"))) == [[1, 3, 2], [5, 0, 4]]
    assert list(batches([], 4, padding=250)) == []
