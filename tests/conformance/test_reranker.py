"""Every reranker keeps these promises: the cross-encoder and the fake."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from rag_service.adapters.cross_encoder import CrossEncoderReranker
from rag_service.core.protocols import Reranker
from tests.fakes.rerankers import FakeReranker
from tests.fakes.tiny_cross_encoder import tiny_cross_encoder

QUESTION = "what were net sales"
PASSAGES = ["net sales were 5", "the board may suspend " * 4, "sales of goodwill", ""]


@pytest.fixture(params=["cross-encoder", "fake"])
def reranker(request: pytest.FixtureRequest, tmp_path: Path) -> Reranker:
    if request.param == "fake":
        return FakeReranker()
    folder = tiny_cross_encoder(tmp_path, [QUESTION, *PASSAGES])
    return CrossEncoderReranker("tests/cross", lambda: folder, "float32", 2)


def test_each_passage_has_its_own_score_in_the_order_asked(reranker: Reranker) -> None:
    scores = reranker.score(QUESTION, PASSAGES)
    assert len(set(scores)) >= 3
    assert all(math.isfinite(score) for score in scores)
    for passage, score in zip(PASSAGES, scores, strict=True):
        assert reranker.score(QUESTION, [passage]) == pytest.approx([score], abs=1e-5)
    assert reranker.score(QUESTION, PASSAGES[::-1]) == pytest.approx(scores[::-1], abs=1e-5)
    assert reranker.score(QUESTION, []) == []
    assert reranker.name


def test_any_string_has_a_score(reranker: Reranker) -> None:
    scores = reranker.score("\ud800", ["", "\udfff", "漢字", "net sales " * 500])
    assert len(scores) == 4
    assert all(math.isfinite(score) for score in scores)
