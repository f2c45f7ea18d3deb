"""More filings than there are: copies of real ones with vectors near theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from rag_service.core.ids import document_id, document_of, now
from rag_service.core.types import Chunk, Document, Vectors
from rag_service.loop.near_vectors import NearVectors


class GrowingCorpus:
    """Any number of chunks: the real ones first, then copies of all of them, again and again.

    A copy's text is the real chunk's; its company has a name of its own, and its vector is drawn
    near the real one's, as `NearVectors` does.
    """

    def __init__(self, chunks: Sequence[Chunk], vectors: Vectors, seed: int) -> None:
        """``vectors`` ``(n, dims)`` of ``chunks``, L2-normalised."""
        self._chunks = chunks
        self._vectors = vectors
        self.noise = NearVectors(vectors, seed)

    def part(self, start: int, end: int) -> Iterator[tuple[Document, list[Chunk], Vectors]]:
        """The chunks from ``start`` up to ``end``, as documents with their chunks and vectors."""

        def filing(number: int) -> tuple[int, str]:
            copy, place = divmod(number, len(self._chunks))
            return copy, self._chunks[place].document_id

        for (copy, _), numbers in groupby(range(start, end), filing):
            rows = np.asarray(list(numbers)) % len(self._chunks)
            vectors = self._vectors[rows]
            yield (
                *_copied([self._chunks[row] for row in rows], f"{copy}-{rows[0]}", copy),
                self.noise.near(vectors) if copy else vectors,
            )


def _copied(chunks: Sequence[Chunk], name: str, copy: int) -> tuple[Document, list[Chunk]]:
    """A document of these chunks under a ``name`` of its own."""
    first = chunks[0]
    new_id = document_id(f"{first.document_id} {name}".encode())
    company = f"{first.facts.company} {copy}" if copy else first.facts.company
    facts = replace(first.facts, company=company)
    document = f"{name}-{first.document}"
    copies = [
        replace(
            chunk,
            chunk_id=chunk.chunk_id.replace(document_of(chunk.chunk_id), new_id, 1),
            document_id=new_id,
            document=document,
            facts=facts,
            position=position,
        )
        for position, chunk in enumerate(chunks)
    ]
    pages = max(chunk.page_end for chunk in copies)
    tables = sum(chunk.kind == "table" for chunk in copies)
    return Document(new_id, document, facts, pages, len(copies), tables, now()), copies
