"""Where a quote stands on a page of a PDF, for marking it on the page's picture.

Found in a process of its own, ``python -m ingest.marks FD``: through the pipe at file descriptor
FD comes a question, and back goes a JSON document.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from multiprocessing.connection import Connection
from pathlib import Path

from ingest.options import ReadOptions
from ingest.pages import Style, Word
from ingest.pdf import Pdf
from ingest.pictures import PAGE_SECONDS
from ingest.placed_words import Box, Placed, around, placed_words
from ingest.rows import lines_of
from ingest.sandbox import Lost, Sandbox
from ingest.worker import end_with, limit_memory
from rag_service.core.errors import IngestError

_TOKEN = re.compile(r"[^\W_]+(?:(?<=\d)[.,](?=\d)[^\W_]+)*")
"""A word, or a figure with its marks."""
_WITHIN_LINES = 6
"""All of a table's row stands within so many: its label may take several, and the figures stand
beside any of them."""
_FEWEST_SCATTERED = 3
"""Words of a quote that is sought in pieces."""
_FEWEST_OF_PART = 5
"""Words of a quote that stand on this page, where the others stand on the next or the last one."""
_EDGE = 100
"""Letters of the page's header or footer that may stand between such a part and the edge."""


def find_marks(path: Path, page: int, quote: str, options: ReadOptions) -> list[Box]:
    """The boxes of ``quote`` on page ``page`` (from 1), one a line; none if it is not there.

    White space, hyphens at the ends of lines, case and what separates cells do not count. Of a
    quote that runs over the edge of the page, the part that stands on it is found.

    Raises:
        IngestError: the page cannot be read.
    """
    sandbox = Sandbox("ingest.marks")
    try:
        question = (path, page, quote, options)
        answer = json.loads(sandbox.ask(question, min(PAGE_SECONDS, options.seconds)))
    except (Lost, ValueError) as error:
        raise IngestError(f"the words of page {page} cannot be read: {error}") from error
    finally:
        sandbox.end()
    if isinstance(answer, str):
        raise IngestError(answer)
    return [(x0, y0, x1, y1) for x0, y0, x1, y1 in answer]


def main(pipe: Connection) -> None:
    """Answer one question."""
    path: Path
    options: ReadOptions
    end_with(pipe)
    path, page, quote, options = pipe.recv()
    limit_memory(options.memory_mb)
    answer: str | list[Box]
    try:
        with Pdf(path.read_bytes(), options.max_pages) as pdf:
            answer = mark(placed_words(pdf, page), quote)
    except IngestError as error:
        answer = error.message
    pipe.send_bytes(json.dumps(answer).encode())


def mark(words: Sequence[Placed], quote: str) -> list[Box]:
    """The boxes of a quote among the words of a page."""
    lines = _lines(words)
    orders = _Text(words), _Text(list(chain.from_iterable(lines)))
    for found in (
        *(text.find(quote) for text in orders),
        _scattered(lines, quote),
        *(text.find_part(quote) for text in orders),
    ):
        if found:
            return list(_boxes(lines, set(found)))
    return []


class _Text:
    """The letters and digits of words, in their order."""

    def __init__(self, words: Sequence[Placed]) -> None:
        self._words = words
        letters: list[str] = []
        self._word_of: list[int] = []
        """Of each letter, the place of its word."""
        self._starts: set[int] = set()
        self._ends: set[int] = set()
        for place, word in enumerate(words):
            for token in _tokens(word.text):
                self._starts.add(len(self._word_of))
                plain = "".join(filter(str.isalnum, token))
                letters.append(plain)
                self._word_of.extend([place] * len(plain))
                self._ends.add(len(self._word_of))
        self._letters = "".join(letters)

    def find(self, quote: str) -> Sequence[Placed]:
        """The words that ``quote`` is made of, where it cuts no word and no figure in two."""
        return self._find(_letters(_tokens(quote)))

    def find_part(self, quote: str) -> Sequence[Placed]:
        """The words of its beginning at the end of the page, or of its end at the beginning."""
        tokens = _tokens(quote)
        for n in range(len(tokens) - 1, _FEWEST_OF_PART - 1, -1):
            begun, ended = _letters(tokens[:n]), _letters(tokens[-n:])
            first = max(len(self._letters) - len(begun) - _EDGE, 0)
            if found := self._find(begun, first):
                return found
            if found := self._find(ended, 0, len(ended) + _EDGE):
                return found
        return ()

    def _find(self, wanted: str, first: int = 0, end: int | None = None) -> Sequence[Placed]:
        at = self._letters.find(wanted, first, end) if wanted else -1
        while at >= 0:
            after = at + len(wanted)
            if at in self._starts and after in self._ends:
                return self._words[self._word_of[at] : self._word_of[after - 1] + 1]
            at = self._letters.find(wanted, at + 1, end)
        return ()


def _scattered(lines: Sequence[Sequence[Placed]], quote: str) -> Sequence[Placed]:
    """The words of a quote that stand in another order within a few lines, the fewest there are."""
    tokens = _tokens(quote)
    best: Sequence[Placed] = ()
    if len(tokens) < _FEWEST_SCATTERED:
        return best
    fewest = _WITHIN_LINES + 1
    for start in range(len(lines)):
        wanted = Counter(tokens)
        taken: list[Placed] = []
        for taller, line in enumerate(lines[start : start + fewest - 1], 1):
            for word in line:
                if here := [token for token in _tokens(word.text) if wanted[token] > 0]:
                    wanted.subtract(here)
                    taken.append(word)
            if not +wanted:
                best, fewest = taken, taller
                break
    return best


def _boxes(lines: Sequence[Sequence[Placed]], marked: set[Placed]) -> Iterator[Box]:
    """One box for the words on each line, or two where others stand between them."""
    for line in lines:
        box: Box | None = None
        for word in line:
            if word in marked:
                box = word.box if box is None else around(box, word.box)
            elif box is not None and _tokens(word.text):
                yield box
                box = None
        if box is not None:
            yield box


def _lines(words: Sequence[Placed]) -> list[list[Placed]]:
    """The words of each line as it is seen, from left to right."""
    numbered = [
        Word(str(place), 1000 * x0, 1000 * x1, 1000 * y1, Style(1000 * (y1 - y0), 0))
        for place, (_, (x0, y0, x1, y1)) in enumerate(words)
    ]
    return [[words[int(word.text)] for word in line] for line in lines_of(numbered)]


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text.casefold())


def _letters(tokens: Iterable[str]) -> str:
    return "".join(filter(str.isalnum, chain.from_iterable(tokens)))


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
