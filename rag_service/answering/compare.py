"""One question under two releases, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from rag_service.answering.answer import Answerer
from rag_service.answering.retrieve import Retriever, SearchResult
from rag_service.core.types import Answer


@dataclass(frozen=True, slots=True)
class Side:
    """What one release finds and answers; ``answer_ms`` is the time from hits to answer."""

    result: SearchResult
    answer: Answer
    answer_ms: float


@dataclass(frozen=True, slots=True)
class Move:
    """A chunk's ranks under both releases (None: not among the hits).

    ``move`` is ``rank_a - rank_b``: positive where b ranks it higher; None where one lacks it.
    """

    chunk_id: str
    rank_a: int | None
    rank_b: int | None
    move: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides; ``rbo`` and ``jaccard`` are overlaps of the two rankings, in [0, 1]."""

    question: str
    k: int
    a: Side
    b: Side
    moves: tuple[Move, ...]
    """In order of the better of the two ranks."""
    rbo: float
    jaccard: float


class Comparer:
    """Asks two releases the same."""

    def __init__(self, retriever: Retriever, answerer: Answerer) -> None:
        self._retriever = retriever
        self._answerer = answerer

    async def compare(self, question: str, a: str, b: str, k: int = 10) -> Comparison:
        """Hits and answers of releases ``a`` and ``b``, one after the other so that times are true.

        Raises what `Retriever.search` and `Answerer.answer` raise.
        """
        side_a = await self._side(question, a, k)
        side_b = await self._side(question, b, k)
        ids_a, ids_b = _ids(side_a), _ids(side_b)
        return Comparison(
            question=question,
            k=k,
            a=side_a,
            b=side_b,
            moves=_moves(ids_a, ids_b),
            rbo=rank_biased_overlap(ids_a, ids_b),
            jaccard=jaccard(ids_a, ids_b),
        )

    async def _side(self, question: str, release: str, k: int) -> Side:
        result = await asyncio.to_thread(self._retriever.search, question, k, release=release)
        start = perf_counter()
        answer = await self._answerer.answer(question, result)
        return Side(result, answer, round((perf_counter() - start) * 1000, 2))


def rank_biased_overlap(a: Sequence[str], b: Sequence[str], p: float = 0.9) -> float:
    """RBO of two rankings without repeats, extrapolated to infinite depth: 1 equal, 0 disjoint.

    Equation 32 (RBO_ext) of Webber, Moffat and Zobel, "A similarity measure for indefinite
    rankings", ACM TOIS 28(4), 2010. Two empty rankings are equal.
    """
    short, long = sorted((a, b), key=len)
    s, depth = len(short), len(long)
    if s == 0:
        return 1.0 if depth == 0 else 0.0
    overlaps = [len(set(short[:d]) & set(long[:d])) for d in range(1, depth + 1)]
    at_s, at_l = overlaps[s - 1], overlaps[-1]
    agreed = sum(x / d * p**d for d, x in enumerate(overlaps, start=1))
    assumed = sum(at_s * (d - s) / (s * d) * p**d for d in range(s + 1, depth + 1))
    beyond = ((at_l - at_s) / depth + at_s / s) * p**depth
    return (1 - p) / p * (agreed + assumed) + beyond


def jaccard(a: Sequence[str], b: Sequence[str]) -> float:
    """Share of the chunks of either ranking that both have; two empty ones are equal."""
    either = set(a) | set(b)
    return len(set(a) & set(b)) / len(either) if either else 1.0


def _ids(side: Side) -> list[str]:
    return [hit.chunk.chunk_id for hit in side.result.hits]


def _moves(a: Sequence[str], b: Sequence[str]) -> tuple[Move, ...]:
    in_a = {chunk: rank for rank, chunk in enumerate(a, start=1)}
    in_b = {chunk: rank for rank, chunk in enumerate(b, start=1)}
    worst = len(a) + len(b)
    chunks = sorted(
        in_a | in_b, key=lambda chunk: (min(in_a.get(chunk, worst), in_b.get(chunk, worst)), chunk)
    )
    return tuple(_move(chunk, in_a.get(chunk), in_b.get(chunk)) for chunk in chunks)


def _move(chunk: str, rank_a: int | None, rank_b: int | None) -> Move:
    move = rank_a - rank_b if rank_a is not None and rank_b is not None else None
    return Move(chunk, rank_a, rank_b, move)
