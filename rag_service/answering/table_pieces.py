"""Tables that are too long for one chunk, and what the rows of a later piece stand under."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rag_service.core.types import Chunk

Places = Mapping[tuple[str, int], Chunk]
"""Chunks by document and position."""


def by_place(chunks: Collection[Chunk]) -> Places:
    return {(chunk.document_id, chunk.position): chunk for chunk in chunks}


def of_one_table(piece: Chunk, next_to_it: Chunk) -> bool:
    """Whether two chunks that stand side by side are pieces of one table."""
    a, b = piece.cells, next_to_it.cells
    if a is None or b is None or piece.heading != next_to_it.heading:
        return False
    return (a.title, a.unit, a.columns, a.captions) == (b.title, b.unit, b.columns, b.captions)


def head_before(chunk: Chunk, places: Places) -> str:
    """The label without figures that the first rows of ``chunk`` stand under, in earlier pieces.

    Such as ``Current assets:``, where the chunk before has that row and the table goes on.
    """
    while (before := places.get((chunk.document_id, chunk.position - 1))) is not None:
        if before.cells is None or not of_one_table(before, chunk):
            break
        for label, *values in reversed(before.cells.rows):
            if not any(value.strip() for value in values):
                return label
        chunk = before
    return ""
