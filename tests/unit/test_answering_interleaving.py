"""Team-draft interleaving: nothing doubled, nothing lost, neither team favoured."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rag_service.answering.interleaving import team_draft
from rag_service.core.types import Hit
from tests.fakes.filings import filing

CHUNKS = filing("Alder Mills", 2023)


def ranking(order: Sequence[int]) -> list[Hit]:
    return [
        Hit(rank, 1 - rank / 100, replace(CHUNKS[0], chunk_id=f"d.{n}"), "m")
        for rank, n in enumerate(order, 1)
    ]


def ids(hits: Sequence[Hit]) -> list[str]:
    return [hit.chunk.chunk_id for hit in hits]


def tossed(sides: Sequence[bool]) -> Callable[[], bool]:
    coins: Iterator[bool] = iter(sides)
    return lambda: next(coins)


def test_the_teams_draft_in_turns() -> None:
    hits, teams = team_draft(ranking([1, 2, 3]), ranking([2, 4, 5]), 4, tossed([True, False]))
    # a takes 1, b takes 2; then b goes first and takes 4, and a's best that is left is 3.
    assert ids(hits) == ["d.1", "d.2", "d.4", "d.3"]
    assert teams == {"d.1": "a", "d.2": "b", "d.4": "b", "d.3": "a"}
    assert [hit.rank for hit in hits] == [1, 2, 3, 4]


def test_no_hit_is_doubled_and_the_teams_are_of_one_size() -> None:
    a, b = ranking([1, 2, 3, 4, 5, 6]), ranking([3, 1, 7, 8, 2, 9])
    for sides in itertools.product([True, False], repeat=3):
        hits, teams = team_draft(a, b, 6, tossed(sides))
        assert len(set(ids(hits))) == len(hits) == 6
        assert Counter(teams.values()) == {"a": 3, "b": 3}


def test_of_equal_rankings_the_order_stays_and_each_hit_is_of_either_team_as_often() -> None:
    same = ranking([1, 2, 3, 4])
    of_b: Counter[str] = Counter()
    for sides in itertools.product([True, False], repeat=2):
        hits, teams = team_draft(same, same, 4, tossed(sides))
        assert ids(hits) == ids(same)
        of_b.update(chunk for chunk, team in teams.items() if team == "b")
    assert set(of_b.values()) == {2}


def test_a_ranking_that_has_no_more_hits_passes() -> None:
    hits, teams = team_draft(ranking([1]), ranking([1, 2, 3]), 10, lambda: True)
    assert ids(hits) == ["d.1", "d.2", "d.3"]
    assert teams == {"d.1": "a", "d.2": "b", "d.3": "b"}
    assert team_draft([], [], 10, lambda: True) == ((), {})
