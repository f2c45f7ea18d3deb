"""Which filings there are, for questions to be understood by."""

from __future__ import annotations

from rag_service.answering.scope.index import FilingIndex
from rag_service.answering.scope.named import company_named
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
        """Those of the company that a filter names so. Raises StoreUnavailable, InvalidRequest."""
        named = company_named(company, self.current())
        return FilingIndex(filing.document for filing in named.filings)
