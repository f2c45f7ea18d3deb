"""What an answer reads: the hits, the rest of their tables, and what stands beside them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from rag_service.answering.numeric.table_values import primary_statement
from rag_service.answering.table_pieces import Places, by_place, of_one_table
from rag_service.core.protocols import ChunkStore
from rag_service.core.types import Chunk, Hit

_REACH = 8
"""Pieces of one table that are read on either side of a hit."""
_WITH_NEIGHBOURS = 3
"""Hits, from the first, whose neighbours are read."""


class Passages:
    """Reads on in the filings, from ``chunks``."""

    def __init__(self, chunks: ChunkStore) -> None:
        self._chunks = chunks

    def around(self, hits: Sequence[Hit]) -> tuple[Hit, ...]:
        """``hits``, then what belongs to them: as hits of the same rank, each chunk once."""
        places = by_place(self._chunks.around([hit.chunk for hit in hits], _REACH))
        known = {hit.chunk.chunk_id for hit in hits}
        more: list[Hit] = []
        for number, hit in enumerate(hits):
            beside = [*_rest_of_table(hit.chunk, places)]
            if number < _WITH_NEIGHBOURS:
                beside += _neighbours(hit.chunk, places)
            for chunk in beside:
                if chunk.chunk_id not in known:
                    known.add(chunk.chunk_id)
                    more.append(replace(hit, chunk=chunk, scores={}))
        return (*hits, *more)

    def statements(self, document_ids: Collection[str], known: Sequence[Hit]) -> tuple[Hit, ...]:
        """The income statement, balance sheet and statement of cash flows of filings.

        As hits that stand behind those ``known``, which are left out.
        """
        if not document_ids:
            return ()
        there = {hit.chunk.chunk_id for hit in known}
        return tuple(
            Hit(len(known) + 1, 0.0, chunk)
            for chunk in self._chunks.chunks(document_ids)
            if chunk.chunk_id not in there and primary_statement(chunk)
        )


def _rest_of_table(chunk: Chunk, places: Places) -> Iterator[Chunk]:
    for step in (-1, 1):
        at = chunk
        while (near := places.get((at.document_id, at.position + step))) is not None:
            if not of_one_table(at, near):
                break
            yield near
            at = near


def _neighbours(chunk: Chunk, places: Places) -> list[Chunk]:
    near = (places.get((chunk.document_id, chunk.position + step)) for step in (-1, 1))
    return [found for found in near if found is not None]
