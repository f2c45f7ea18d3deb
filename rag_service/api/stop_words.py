"""Cutting a text at what OpenAI's protocol calls ``stop``, also where it comes piece by piece."""

from __future__ import annotations

from collections.abc import Sequence


class StopWords:
    """Lets a text out up to that of ``words`` which is first complete; what may be the beginning
    of one waits."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._waiting = ""
        self._stopped = False

    def feed(self, piece: str) -> str:
        """What may be said now that ``piece`` has come."""
        if self._stopped:
            return ""
        text = self._waiting + piece
        found = [(at + len(word), at) for word in self._words if (at := text.find(word)) >= 0]
        self._stopped = bool(found)
        end = min(found)[1] if found else len(text) - self._begun(text)
        self._waiting = text[end:]
        return text[:end]

    def end(self) -> str:
        """What still waits, when no more comes."""
        return "" if self._stopped else self._waiting

    def _begun(self, text: str) -> int:
        """Characters at the end of ``text`` that a word may begin with."""
        lengths = (
            length
            for word in self._words
            for length in range(1, len(word))
            if text.endswith(word[:length])
        )
        return max(lengths, default=0)
