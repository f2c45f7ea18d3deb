"""Words of a question that every entry found must hold one of: the rare ones, in a large index."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from redisvl.index import SearchIndex
from redisvl.query import CountQuery

from rag_service.adapters.redis_schema import TEXT_FIELDS

_KEPT_SECONDS = 600.0
"""How long a count is believed: what is frequent stays so while documents come and go."""
_KEPT_WORDS = 20_000
_EVERY = "*"


class WordCounts:
    """How many entries of an index hold each word, counted when first asked and then kept.

    May be shared by threads: two that ask at once both count.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[tuple[str, str], tuple[float, int]] = {}

    def size(self, index: SearchIndex) -> int:
        """Entries in all."""
        return self.of(index, [_EVERY])[_EVERY]

    def of(self, index: SearchIndex, words: Collection[str]) -> dict[str, int]:
        """Entries that hold each of ``words``, other forms of it included."""
        now, name = self._clock(), index.name
        found: dict[str, int] = {}
        for word in words:
            kept = self._kept.get((name, word))
            if kept and now - kept[0] < _KEPT_SECONDS:
                found[word] = kept[1]
        missing = [word for word in words if word not in found]
        if missing:
            if len(self._kept) + len(missing) > _KEPT_WORDS:
                self._kept.clear()
            queries = [CountQuery(_EVERY if w == _EVERY else any_of([w])) for w in missing]
            for word, count in zip(missing, index.batch_query(queries), strict=True):
                found[word] = int(count)
                self._kept[name, word] = now, int(count)
        return found


def any_of(words: Sequence[str]) -> str:
    """A query for entries with any of ``words``, which have nothing to escape."""
    return "(" + " | ".join(f"@{field}:({' | '.join(words)})" for field in TEXT_FIELDS) + ")"


def rarest(counts: dict[str, int], most: int) -> list[str]:
    """The rarest of the words, whose counts come to ``most`` at most, but one that there is."""
    chosen: list[str] = []
    total = 0
    for word in sorted(counts, key=lambda word: (counts[word], word)):
        total += counts[word]
        if total > most and any(counts[one] for one in chosen):
            break
        chosen.append(word)
    return chosen
