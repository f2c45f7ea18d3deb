"""Several rankings made one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, zip_longest

from rag_service.core.types import Hit

_RANK_CONSTANT = 60
"""Of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""
_SAME_PAGE = 0.95
"""What a further chunk of a page counts, for each that stands before it."""

Ranking = tuple[str, float, Sequence[Hit]]
"""What it was made by, how much it counts, and its hits."""


def fuse(rankings: Iterable[Ranking], weights: Mapping[str, float]) -> list[Hit]:
    """One ranking by reciprocal rank fusion; a hit keeps its scores in each.

    ``weights`` are by document; what is in none of them counts 1.
    """
    fused: dict[str, float] = {}
    hits: dict[str, Hit] = {}
    scores: dict[str, dict[str, float]] = {}
    for name, weight, ranking in rankings:
        for rank, hit in enumerate(ranking, 1):
            key = hit.chunk.chunk_id
            hits.setdefault(key, hit)
            own = scores.setdefault(key, dict(hit.scores))
            own[name] = max(hit.score, own.get(name, hit.score))
            fused[key] = fused.get(key, 0.0) + weight / (_RANK_CONSTANT + rank)
    for key, hit in hits.items():
        fused[key] *= weights.get(hit.chunk.document, 1.0)
    order = sorted(fused, key=lambda key: (-fused[key], key))
    return [
        replace(hits[key], rank=rank, score=fused[key], scores={**scores[key], "fused": fused[key]})
        for rank, key in enumerate(order, 1)
    ]


def take_turns(rankings: Sequence[Sequence[Hit]], turns: Sequence[int] = ()) -> list[Hit]:
    """The best of each ranking, then the second best of each, and so on; each chunk once.

    ``turns`` says how many of a ranking are taken at its turn, 1 unless given. A score is at most
    that of the hit before it.
    """
    sizes = turns or [1] * len(rankings)
    rows = [list(_batched(ranking, n)) for ranking, n in zip(rankings, sizes, strict=True)]
    found: dict[str, Hit] = {}
    lowest = float("inf")
    for hit in chain.from_iterable(chain.from_iterable(zip_longest(*rows, fillvalue=()))):
        if hit.chunk.chunk_id not in found:
            lowest = min(lowest, hit.score)
            found[hit.chunk.chunk_id] = replace(hit, score=lowest)
    return _ranked(found.values())


def fill_up(hits: Sequence[Hit], others: Iterable[Hit]) -> list[Hit]:
    """``hits``, then those of ``others`` that are not among them, at most as high in score."""
    there = {hit.chunk.chunk_id for hit in hits}
    lowest = min((hit.score for hit in hits), default=float("inf"))
    more = [
        replace(hit, score=min(hit.score, lowest))
        for hit in others
        if hit.chunk.chunk_id not in there
    ]
    return _ranked([*hits, *more])


def spread(hits: Iterable[Hit]) -> list[Hit]:
    """``hits`` with further chunks of one page behind chunks of other pages that are as good."""
    before: Counter[tuple[str, int]] = Counter()
    moved = []
    for hit in hits:
        page = (hit.chunk.document, hit.chunk.page_start)
        moved.append(replace(hit, score=hit.score * _SAME_PAGE ** before[page]))
        before[page] += 1
    return _ranked(sorted(moved, key=lambda hit: -hit.score))


def _ranked(hits: Iterable[Hit]) -> list[Hit]:
    return [replace(hit, rank=rank) for rank, hit in enumerate(hits, 1)]


def _batched(hits: Sequence[Hit], n: int) -> Iterator[Sequence[Hit]]:
    """``hits`` in pieces of ``n``."""
    for start in range(0, len(hits), n):
        yield hits[start : start + n]
