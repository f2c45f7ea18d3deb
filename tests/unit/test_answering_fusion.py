"""Several rankings made one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_service.answering.fusion import (
    Candidate,
    fill_up,
    found_by,
    fuse,
    hits_of,
    spread,
    take_turns,
)
from rag_service.core.types import Chunk, FilingFacts, Hit


def hit(name: str, score: float = 1.0, document: str = "a.pdf", page: int = 1) -> Candidate:
    chunk = Chunk(name, document, document, name, "", "prose", "", "", page, page, 0, FilingFacts())
    return Candidate(Hit(0, score, chunk, "m"), score, {})


def names(ranked: list[Candidate]) -> list[str]:
    return [one.hit.chunk.chunk_id for one in ranked]


def by(name: str, *ranked: Candidate) -> list[Candidate]:
    return found_by(name, [one.hit for one in ranked])


def test_what_two_rankings_have_stands_before_what_one_has() -> None:
    by_vector = by("vectors", hit("a", 0.9), hit("b", 0.8), hit("c", 0.7))
    by_words = by("text", hit("c", 12.0), hit("d", 11.0))
    fused = fuse([(1.0, by_vector), (1.0, by_words)], {})
    assert names(fused) == ["c", "a", "b", "d"]
    assert fused[0].score == pytest.approx(1 / 63 + 1 / 61)
    assert fused[0].scores == {"vectors": 0.7, "text": 12.0, "fused": fused[0].score}
    assert "text" not in fused[1].scores
    first, second, *_ = hits_of(fused)
    assert (first.rank, second.rank) == (1, 2)
    assert (first.score, first.scores, first.model) == (fused[0].score, fused[0].scores, "m")


def test_a_weight_says_how_much_a_ranking_counts() -> None:
    by_vector, by_words = [hit("a"), hit("b")], [hit("b"), hit("a")]
    for weight, first in ((0.5, "a"), (2.0, "b")):
        assert names(fuse([(1.0, by_vector), (weight, by_words)], {}))[0] == first


def test_a_document_that_suits_better_stands_first() -> None:
    ranking = [hit("1", document="old"), hit("2", document="old"), hit("3", document="new")]
    assert names(fuse([(1.0, ranking)], {"old": 0.6, "new": 1.0}))[0] == "3"
    assert names(fuse([(1.0, ranking)], {"other": 0.1}))[0] == "1"


def test_parts_take_turns_and_each_chunk_stands_once() -> None:
    turns = take_turns(
        [[hit("a", 0.3), hit("b", 0.2)], [hit("c", 0.9), hit("a", 0.8), hit("d", 0.1)]]
    )
    assert names(turns) == ["a", "c", "b", "d"]
    assert [h.score for h in turns] == [0.3, 0.3, 0.2, 0.1]


def test_a_ranking_may_take_several_at_its_turn() -> None:
    many, few = [hit(name) for name in "abcde"], [hit(name) for name in "xyz"]
    assert "".join(names(take_turns([many, few], [3, 1]))) == "abcxdeyz"


def test_what_is_missing_is_filled_up_from_the_rest() -> None:
    filled = fill_up([hit("a", 0.5)], [hit("b", 0.9), hit("a", 0.8)])
    assert [(one.hit.chunk.chunk_id, one.score) for one in filled] == [("a", 0.5), ("b", 0.5)]
    assert names(fill_up([], [hit("b", 0.9)])) == ["b"]


def test_further_chunks_of_a_page_stand_behind_other_pages_that_are_as_good() -> None:
    hits = [hit("1", 1.0), hit("2", 0.99), hit("3", 0.98, page=2), hit("4", 0.5, page=3)]
    assert names(spread(hits)) == ["1", "3", "2", "4"]


@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 12), st.integers(1, 4)), unique_by=lambda row: row[0]),
        min_size=1,
        max_size=4,
    )
)
def test_no_chunk_is_lost_or_doubled_and_ranks_and_scores_agree(
    rankings: list[list[tuple[int, int]]],
) -> None:
    lists = [
        [hit(str(name), 1 / (place + 1), page=name % 3 + 1) for place, (name, _) in enumerate(row)]
        for row in rankings
    ]
    fused = fuse([(1.0, row) for row in lists], {})
    for ranked in (fused, spread(fused), take_turns(lists), fill_up(take_turns(lists), fused)):
        assert sorted(names(ranked)) == sorted({str(name) for row in rankings for name, _ in row})
        scores = [one.score for one in ranked]
        assert scores == sorted(scores, reverse=True)
        assert [found.rank for found in hits_of(ranked)] == list(range(1, len(ranked) + 1))
