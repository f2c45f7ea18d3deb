"""What a question is judged by, and a ranking of hits in that unit."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from itertools import groupby
from typing import Literal

import numpy as np

from rag_service.core.errors import DataError, StoreError
from rag_service.core.ids import document_of
from rag_service.core.types import Hit, Question

Unit = Literal["page", "chunk"]

_MARK = "#page="
_PAGE = re.compile(r"(.+)#page=([1-9][0-9]*)")


def corpus_ids(hits: Sequence[Hit], unit: Unit) -> tuple[tuple[str, float], ...]:
    """Corpus-ids in rank order, each once, with strictly decreasing scores.

    Order is that of the hits' ranks; hits of equal score stand in order of chunk id, so that the
    order in which a store hands out ties does not change a figure. A chunk stands for every page
    from ``page_start`` to ``page_end``, in this order; a page's rank is that of its best chunk.

    Scores stay strictly decreasing in float32, in which trec_eval compares them.

    Raises:
        StoreError: if a score is not a finite number.
    """
    ranking: dict[str, float] = {}
    last = np.float32(np.inf)
    for hit in _without_accidental_order(hits):
        for corpus_id in _ids(hit, unit):
            if corpus_id not in ranking:
                below = np.nextafter(last, np.float32(-np.inf))
                last = np.float32(min(hit.score, float(below)))
                ranking[corpus_id] = float(last)
    return tuple(ranking.items())


def unit_of(question: Question) -> Unit:
    """``page`` or ``chunk``. Raises DataError if nothing is judged, or both kinds are."""
    units: set[Unit] = {"page" if page_of(key) else "chunk" for key in question.relevant}
    if not units:
        raise DataError(f"nothing is judged relevant to question {question.question_id}")
    if len(units) > 1:
        raise DataError(
            f"question {question.question_id} is judged by pages and by chunk ids: use one of them"
        )
    return units.pop()


def page_of(corpus_id: str) -> tuple[str, int] | None:
    """(document, page) of a ``FILE.pdf#page=N``, None for a chunk id.

    Raises:
        DataError: if it names a page, but not as a number that counts from 1.
    """
    if _MARK not in corpus_id:
        return None
    match = _PAGE.fullmatch(corpus_id)
    if match is None:
        raise DataError(f"{corpus_id!r} is not FILE.pdf#page=N with N counted from 1")
    return match[1], int(match[2])


def page_id(document: str, page: int) -> str:
    """The corpus-id of a page, counted from 1."""
    return f"{document}{_MARK}{page}"


def judged_documents(question: Question) -> set[str]:
    """Documents of its relevant passages: names where pages are judged, ids where chunks are."""
    pages = {corpus_id: page_of(corpus_id) for corpus_id in question.relevant}
    return {page[0] if page else document_of(key) for key, page in pages.items()}


def _without_accidental_order(hits: Sequence[Hit]) -> list[Hit]:
    for hit in hits:
        if not math.isfinite(hit.score):
            raise StoreError(f"chunk {hit.chunk.chunk_id} came back with the score {hit.score}")
    by_rank = sorted(hits, key=lambda hit: hit.rank)
    return [
        hit
        for _, tied in groupby(by_rank, key=lambda hit: hit.score)
        for hit in sorted(tied, key=lambda hit: hit.chunk.chunk_id)
    ]


def _ids(hit: Hit, unit: Unit) -> list[str]:
    chunk = hit.chunk
    if unit == "chunk":
        return [chunk.chunk_id]
    return [page_id(chunk.document, page) for page in range(chunk.page_start, chunk.page_end + 1)]
