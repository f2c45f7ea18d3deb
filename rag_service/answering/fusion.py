"""Several rankings made one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from rag_service.core.types import Hit

_RANK_CONSTANT = 60
"""Of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""
_SAME_PAGE = 0.95
"""What a further chunk of a page counts, for each that stands before it."""


@dataclass(slots=True)
class Candidate:
    """A hit on its way to its rank: ``scores`` by stage, of which ``score`` is the last."""

    hit: Hit
    score: float
    scores: dict[str, float]


def found_by(name: str, hits: Iterable[Hit]) -> list[Candidate]:
    """What one lookup found, in its order."""
    return [Candidate(hit, hit.score, {name: hit.score}) for hit in hits]


def fuse(
    rankings: Iterable[tuple[float, Sequence[Candidate]]], weights: Mapping[str, float]
) -> list[Candidate]:
    """One ranking by reciprocal rank fusion of rankings that count so much each.

    ``weights`` are by document; what is in none of them counts 1.
    """
    fused: dict[str, Candidate] = {}
    for weight, ranking in rankings:
        for rank, candidate in enumerate(ranking, 1):
            key = candidate.hit.chunk.chunk_id
            one = fused.setdefault(key, Candidate(candidate.hit, 0.0, {}))
            one.score += weight / (_RANK_CONSTANT + rank)
            for name, score in candidate.scores.items():
                one.scores[name] = max(score, one.scores.get(name, score))
    for one in fused.values():
        one.score *= weights.get(one.hit.chunk.document, 1.0)
        one.scores["fused"] = one.score
    return sorted(fused.values(), key=lambda one: (-one.score, one.hit.chunk.chunk_id))


def take_turns(
    rankings: Sequence[Sequence[Candidate]], turns: Sequence[int] = ()
) -> list[Candidate]:
    """The best of each ranking, then the second best of each, and so on; each chunk once.

    ``turns`` says how many of a ranking are taken at its turn, 1 unless given. A score is at most
    that of the candidate before it.
    """
    sizes = turns or [1] * len(rankings)
    rows = [list(_batched(ranking, n)) for ranking, n in zip(rankings, sizes, strict=True)]
    return _once(chain.from_iterable(chain.from_iterable(zip_longest(*rows, fillvalue=()))))


def fill_up(ranked: Iterable[Candidate], others: Iterable[Candidate]) -> list[Candidate]:
    """``ranked``, then those of ``others`` that are not among them, at most as high in score."""
    return _once(chain(ranked, others))


def spread(ranked: Iterable[Candidate]) -> list[Candidate]:
    """``ranked`` with further chunks of a page behind chunks of other pages that are as good."""
    before: Counter[tuple[str, int]] = Counter()
    moved = []
    for one in ranked:
        page = (one.hit.chunk.document, one.hit.chunk.page_start)
        moved.append(Candidate(one.hit, one.score * _SAME_PAGE ** before[page], one.scores))
        before[page] += 1
    return sorted(moved, key=lambda one: -one.score)


def hits_of(ranked: Iterable[Candidate]) -> list[Hit]:
    """Hits with their final ranks and scores."""
    return [
        Hit(rank, one.score, one.hit.chunk, one.hit.model, one.scores)
        for rank, one in enumerate(ranked, 1)
    ]


def _once(ranked: Iterable[Candidate]) -> list[Candidate]:
    there: set[str] = set()
    lowest = float("inf")
    kept = []
    for one in ranked:
        if one.hit.chunk.chunk_id not in there:
            there.add(one.hit.chunk.chunk_id)
            lowest = min(lowest, one.score)
            kept.append(Candidate(one.hit, lowest, one.scores))
    return kept


def _batched(ranked: Sequence[Candidate], n: int) -> Iterator[Sequence[Candidate]]:
    for start in range(0, len(ranked), n):
        yield ranked[start : start + n]
