"""Which words of a question are rare, and that they are not counted for each question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from redisvl.index import SearchIndex
from redisvl.query import CountQuery

from rag_service.adapters.redis_words import WordCounts, any_of, rarest


@dataclass
class Index:
    """Says of each query how often it was asked for anything, and notes what it was."""

    name: str = "ix"
    asked: list[str] = field(default_factory=list)

    def batch_query(self, queries: Sequence[CountQuery]) -> list[int]:
        self.asked += [query.query_string() for query in queries]
        return [len(self.asked)] * len(queries)


def test_the_rarest_are_as_many_as_come_to_the_limit() -> None:
    counts = {"the": 900, "sales": 300, "goodwill": 40, "alder": 60}
    assert rarest(counts, 100) == ["goodwill", "alder"]
    assert rarest(counts, 99) == ["goodwill"]
    assert rarest(counts, 10_000) == ["goodwill", "alder", "sales", "the"]


def test_one_that_there_is_is_always_among_them() -> None:
    assert rarest({"the": 900, "of": 800}, 100) == ["of"]
    assert rarest({"the": 900, "unheard": 0}, 100) == ["unheard", "the"]
    assert rarest({"unheard": 0}, 100) == ["unheard"]


def test_words_are_counted_once_in_ten_minutes_and_by_index() -> None:
    now = 0.0
    counts, index, other = WordCounts(lambda: now), Index(), Index("other")

    def of(where: Index, *words: str) -> dict[str, int]:
        return counts.of(cast(Any, where), words)

    assert of(index, "sales", "the") == {"sales": 2, "the": 2}
    assert of(index, "the", "alder") == {"the": 2, "alder": 3}
    assert index.asked == [any_of([word]) for word in ("sales", "the", "alder")]
    assert of(other, "the") == {"the": 1}
    now = 599.0
    assert of(index, "sales") == {"sales": 2}
    now = 601.0
    assert of(index, "sales") == {"sales": 4}
    assert counts.size(cast(SearchIndex, index)) == 5
    assert index.asked[-1] == "*"
