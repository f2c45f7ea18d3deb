"""Whether a quote stands on a page, by reading that page once more and not by what cited it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from pathlib import Path

from ingest.page_columns import read_rows
from ingest.pdf import Pdf
from rag_service.core.protocols import ChunkStore
from rag_service.core.types import Citation

_TOKEN = re.compile(r"[^\W_]+")
_LINES = 6
"""Of a page, within which all of a table row stands: its label may take several, and the figures
stand beside any of them."""
_MOST_PAGES = 5_000


class QuoteCheck:
    """Reads the pages of ``files``; of documents that are not among them, the stored chunks."""

    def __init__(self, files: Iterable[Path], chunks: ChunkStore) -> None:
        self._files = {path.name: path for path in files if path.suffix.lower() == ".pdf"}
        self._chunks = chunks
        self._lines = cache(self._read)
        self.reread = 0
        """Citations whose page was read from the file."""
        self.over_pages = 0
        """Citations that begin on their page and end on their last one."""

    def stands(self, citation: Citation) -> bool:
        """Whether the quote stands on its page, and on that alone."""
        self.reread += citation.document in self._files
        lines = self._lines(citation.document, citation.page)
        if stands_in(citation.quote, lines):
            return True
        if citation.page_end != citation.page:
            last = self._lines(citation.document, citation.page_end)
            words = citation.quote.split()
            self.over_pages += any(
                stands_in(" ".join(words[:cut]), lines) and stands_in(" ".join(words[cut:]), last)
                for cut in range(1, len(words))
            )
        return False

    def _read(self, document: str, page: int) -> Sequence[str]:
        path = self._files.get(document)
        if path is None:
            return self._stored(document, page)
        with Pdf(path.read_bytes(), _MOST_PAGES) as pdf:
            rows, _ = read_rows(pdf.words(page))
        return [row.text for row in rows]

    def _stored(self, document: str, page: int) -> Sequence[str]:
        known = self._chunks.find(document)
        found = self._chunks.chunks([known.document_id]) if known is not None else ()
        return [
            line
            for chunk in found
            for on, text in chunk.text_by_page
            if on == page or (not chunk.page_breaks and on <= page <= chunk.page_end)
            for line in text.splitlines()
        ]


def stands_in(quote: str, lines: Sequence[str]) -> bool:
    """Whether the letters and digits of ``quote`` stand in these lines, in its order.

    Of a table's row, whose label may be broken over lines beside its figures, all of its words and
    figures stand within a few lines.
    """
    wanted = _TOKEN.findall(quote)
    if "".join(wanted) in "".join(chain.from_iterable(_TOKEN.findall(line) for line in lines)):
        return True
    counted = Counter(wanted)
    tokens = [_TOKEN.findall(line) for line in lines]
    return any(
        not counted - Counter(chain.from_iterable(tokens[start : start + _LINES]))
        for start in range(len(tokens))
    )
