"""Words that the end of a line cuts in two."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*-?")
HEAD = re.compile(r"[^\W\d_]+-$")
OPEN = re.compile(r"\w-$")
TAIL = re.compile(r"[^\W\d_]+")


class Hyphens:
    """Joins lines; what else a filing says tells ``long-`` ``term`` from ``compen-`` ``sation``.

    ``texts`` gives the lines of the filing; they are read when a line first ends in a hyphen.
    """

    def __init__(self, texts: Callable[[], Iterable[str]]) -> None:
        self._texts = texts
        self._known: frozenset[str] | None = None

    def join(self, above: str, below: str) -> str:
        """One text of two lines."""
        head, tail = HEAD.search(above), TAIL.match(below)
        if head is None or tail is None or not below[0].islower():
            return f"{above}{'' if OPEN.search(above) and below[0].isalnum() else ' '}{below}"
        first, second = head[0][:-1].lower(), tail[0].lower()
        words = self._words()
        kept = f"{first}-{second}" in words or (first + second not in words and first in words)
        return f"{above if kept else above[:-1]}{below}"

    def _words(self) -> frozenset[str]:
        if self._known is None:
            words = {word for text in self._texts() for word in WORD.findall(text.lower())}
            # A word with a hyphen at its end is half of one.
            whole = {word for word in words if word[-1] != "-"}
            parts = {part for word in whole if "-" in word for part in word.split("-")[:-1]}
            self._known = frozenset(whole | parts)
        return self._known
