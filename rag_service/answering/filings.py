"""Which filings there are, for questions to be understood by."""

from __future__ import annotations

from rag_service.answering.scope.index import FilingIndex
from rag_service.core.protocols import ChunkStore


class Filings:
    """The filings of a store, read again when it has changed."""

    def __init__(self, chunks: ChunkStore) -> None:
        self._chunks = chunks
        self._read: tuple[int, FilingIndex] | None = None

    def current(self) -> FilingIndex:
        """Those of the store's present revision. Raises StoreUnavailable."""
        revision = self._chunks.revision()
        read = self._read
        if read is None or read[0] != revision:
            read = (revision, FilingIndex(self._chunks.documents()))
            self._read = read
        return read[1]

    def of(self, company: str) -> FilingIndex:
        """Those of the company that a filter names so. Raises StoreUnavailable."""
        wanted = _folded(company)
        found = (d for d in self._chunks.documents() if _folded(d.facts.company) == wanted)
        return FilingIndex(found)


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())
