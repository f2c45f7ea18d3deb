"""Questions that come together are encoded together; vectors are kept by model and text."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from rag_service.adapters.sentence_embedder import SentenceEmbedder
from rag_service.answering.query_encoding import QueryEncoder
from rag_service.core.errors import ModelError
from rag_service.core.types import Vectors
from tests.fakes.models import FakeEmbedder
from tests.fakes.tiny_model import tiny_model


class HeldEmbedder(FakeEmbedder):
    """Encodes when ``go`` is set, records its batches, and refuses texts with ``bad`` in them."""

    def __init__(self, fingerprint: str = "ma") -> None:
        super().__init__(fingerprint=fingerprint)
        self.batches: list[list[str]] = []
        self.begun = threading.Event()
        self.go = threading.Event()
        self.go.set()

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        self.begun.set()
        assert self.go.wait(10)
        if any("bad" in text for text in texts):
            raise ModelError(f"refused: {', '.join(texts)}")
        return super().embed_queries(texts)


@contextmanager
def busy(
    encoder: QueryEncoder, embedder: HeldEmbedder, *calls: Sequence[str]
) -> Iterator[list[Future[Vectors]]]:
    """``calls`` wait in this order while the encoder works; it is let go at the end."""
    embedder.go.clear()
    with ThreadPoolExecutor(len(calls) + 1) as threads:
        try:
            threads.submit(encoder.encode, embedder, ["first"])
            assert embedder.begun.wait(10)
            waiting = []
            for number, texts in enumerate(calls, 1):
                waiting.append(threads.submit(encoder.encode, embedder, texts))
                deadline = time.monotonic() + 10
                while len(encoder._lines[embedder.fingerprint]) < number:
                    assert time.monotonic() < deadline
                    time.sleep(0.001)
            yield waiting
        finally:
            embedder.go.set()


def alone(text: str, fingerprint: str = "ma") -> Vectors:
    return FakeEmbedder(fingerprint=fingerprint).embed_queries([text])


def test_calls_that_wait_are_encoded_in_one_batch_and_each_gets_its_own() -> None:
    encoder, embedder = QueryEncoder(), HeldEmbedder()
    with busy(encoder, embedder, ["sales"], ["debt", "leases"], ["sales"]) as waiting:
        pass
    assert embedder.batches == [["first"], ["sales", "debt", "leases"]]
    sales, both, again = (call.result(10) for call in waiting)
    np.testing.assert_array_equal(sales, alone("sales"))
    np.testing.assert_array_equal(both, np.concatenate([alone("debt"), alone("leases")]))
    np.testing.assert_array_equal(again, sales)
    assert sales.dtype == np.float32


def test_a_call_that_finds_the_encoder_idle_is_encoded_in_its_own_thread() -> None:
    encoder, embedder = QueryEncoder(), HeldEmbedder()
    threads = threading.active_count()
    encoder.encode(embedder, ["sales"])
    encoder.encode(embedder, ["debt"])
    assert embedder.batches == [["sales"], ["debt"]]
    assert threading.active_count() == threads
    assert encoder.encode(embedder, []).shape == (0, embedder.dims)


def test_a_batch_is_bounded_and_goes_in_the_order_of_arrival() -> None:
    encoder, embedder = QueryEncoder(batch=3), HeldEmbedder()
    calls = [["a"], ["b"], ["c", "d"], ["e"], ["f", "g", "h", "i"]]
    with busy(encoder, embedder, *calls) as waiting:
        pass
    # What fits goes along; what does not is the next to lead, and no call is torn apart.
    assert embedder.batches[1:] == [["a", "b", "e"], ["c", "d"], ["f", "g", "h", "i"]]
    assert [len(call.result(10)) for call in waiting] == [1, 1, 2, 1, 4]


def test_one_at_a_time_is_a_batch_of_one() -> None:
    encoder, embedder = QueryEncoder(batch=1), HeldEmbedder()
    with busy(encoder, embedder, ["a"], ["b"], ["c"]):
        pass
    assert embedder.batches[1:] == [["a"], ["b"], ["c"]]


def test_a_long_text_is_not_what_short_ones_are_padded_to() -> None:
    encoder, embedder = QueryEncoder(), HeldEmbedder()
    long = "net sales " * 800
    with busy(encoder, embedder, ["a"], [long], ["b"], ["c"]):
        pass
    assert embedder.batches[1:] == [["a", "b", "c"], [long]]


def test_a_text_that_cannot_be_encoded_fails_its_own_call_alone() -> None:
    encoder, embedder = QueryEncoder(), HeldEmbedder()
    with busy(encoder, embedder, ["sales"], ["bad"], ["debt"]) as waiting:
        pass
    np.testing.assert_array_equal(waiting[0].result(10), alone("sales"))
    np.testing.assert_array_equal(waiting[2].result(10), alone("debt"))
    with pytest.raises(ModelError, match=r"refused: bad$"):
        waiting[1].result(10)
    assert encoder.encode(embedder, ["sales"]).shape == (1, embedder.dims), "it goes on"


def test_an_encoder_that_fails_fails_every_call_of_the_batch() -> None:
    encoder, embedder = QueryEncoder(), HeldEmbedder()
    with busy(encoder, embedder, ["bad"], ["bad sales"]) as waiting:
        pass
    for call in waiting:
        with pytest.raises(ModelError, match="refused"):
            call.result(10)


def test_who_is_interrupted_leaves_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, embedder = QueryEncoder(), HeldEmbedder()

    def interrupted(texts: Sequence[str]) -> Vectors:
        raise KeyboardInterrupt

    with busy(encoder, embedder, ["sales"], ["debt"]) as waiting:
        monkeypatch.setattr(embedder, "embed_queries", interrupted)
    for call in waiting:
        with pytest.raises(KeyboardInterrupt):
            call.result(10)
    assert not encoder._lines


def test_a_vector_is_kept_by_model_and_text_and_given_as_a_copy() -> None:
    encoder, ma, mb = QueryEncoder(kept=10), HeldEmbedder("ma"), HeldEmbedder("mb")
    encoder.encode(ma, ["sales"])[:] = 0
    np.testing.assert_array_equal(encoder.encode(ma, ["sales"]), alone("sales"))
    assert ma.batches == [["sales"]]
    np.testing.assert_array_equal(encoder.encode(mb, ["sales"]), alone("sales", "mb"))
    assert mb.batches == [["sales"]], "never the vector of another model"
    found = encoder.encode(ma, ["debt", "sales"])
    np.testing.assert_array_equal(found, np.concatenate([alone("debt"), alone("sales")]))
    assert ma.batches[1:] == [["debt"]]


def test_a_vector_that_was_kept_meanwhile_is_not_encoded_again() -> None:
    encoder, embedder = QueryEncoder(kept=10), HeldEmbedder()
    with busy(encoder, embedder, ["first"], ["first"]) as waiting:
        pass
    assert embedder.batches == [["first"]]
    np.testing.assert_array_equal(waiting[1].result(10), alone("first"))


def test_those_used_longest_ago_go_first_and_nothing_is_kept_unless_asked() -> None:
    encoder, embedder = QueryEncoder(kept=2), HeldEmbedder()
    for text in ("a", "b", "a", "c", "a", "b"):
        encoder.encode(embedder, [text])
    assert embedder.batches == [["a"], ["b"], ["c"], ["b"]]
    for _ in range(2):
        QueryEncoder().encode(embedder, ["z"])
    assert embedder.batches[4:] == [["z"], ["z"]]


def test_many_threads_get_what_each_asked_for() -> None:
    encoder = QueryEncoder(batch=4, kept=8)
    models = [FakeEmbedder(fingerprint=name) for name in ("ma", "mb")]

    def ask(number: int) -> bool:
        embedder, text = models[number % 2], f"text {number % 23}"
        return np.array_equal(encoder.encode(embedder, [text]), alone(text, embedder.fingerprint))

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(ask, range(400)))
    assert not encoder._lines
    assert len(encoder._vectors) == 8


@pytest.mark.parametrize(("precision", "least"), [("float32", 0.99999), ("bfloat16", 0.999)])
def test_company_in_a_batch_changes_a_vector_by_rounding_alone(
    tmp_path: Path, precision: str, least: float
) -> None:
    texts = [f"net sales of segment {n} " + "rose and fell " * n for n in range(12)]
    card = tiny_model(tmp_path, texts)
    embedder = SentenceEmbedder(card, Path(card.path), precision, 32)
    together = QueryEncoder().encode(embedder, texts)
    apart = np.concatenate([embedder.embed_queries([text]) for text in texts])
    assert (together * apart).sum(axis=1).min() >= least
