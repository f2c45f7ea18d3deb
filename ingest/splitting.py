"""Cutting a text under a token limit without asking the tokenizer for one piece at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

SEPARATORS = ("\n", r"(?<=[.;!?])\s+(?=[A-Z“\"(])", r"(?<=[,;:])\s+", r"\s+", r"(?s:.{64})")
"""The last one cuts a word without end to blocks before it is cut to characters."""
MAX_CHARACTERS = 32
"""Of one token: a tokenizer may count a word of any length as one, and marks as none."""


class TokenCounts:
    """Token counts of texts, special tokens not included; learnt in batches."""

    def __init__(self, count_tokens: Callable[[Sequence[str]], list[int]]) -> None:
        self._count = count_tokens
        self.overhead = count_tokens([""])[0]
        """Special tokens of every input."""
        one, two = count_tokens(["a", "a\na"])
        self.line = max(two - 2 * one + self.overhead, 0)
        """Tokens of a line break."""
        self._known: dict[str, int] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Count many texts at once."""
        new = list(dict.fromkeys(text for text in texts if text not in self._known))
        if new:
            for text, tokens in zip(new, self._count(new), strict=True):
                self._known[text] = max(tokens - self.overhead, len(text) // MAX_CHARACTERS)

    def of(self, text: str) -> int:
        if text not in self._known:
            self.learn([text])
        return self._known[text]


def learn_parts(texts: Iterable[str], limit: int, counts: TokenCounts) -> None:
    """Count in few batches what ``split_text`` will ask for; ``texts`` are counted already."""
    long = [text for text in texts if counts.of(text) > limit]
    for separator in SEPARATORS:
        if not long:
            return
        parts = [part for text in long for part in _parts(text, separator)]
        counts.learn(parts)
        long = [part for part in parts if counts.of(part) > limit]


def split_text(text: str, limit: int, counts: TokenCounts, above: str = "") -> list[str]:
    """Parts that end at lines, sentences or words where they can.

    Each is of at most ``limit`` tokens, together with the lines ``above`` if any are given.
    """

    def tokens(part: str) -> int:
        return counts.of(f"{above}\n{part}" if above else part)

    parts = [text.strip()] if text.strip() else []
    size = limit - (counts.of(above) + counts.line if above else 0)
    while size:
        counts.learn(f"{above}\n{part}" if above else part for part in parts)
        if max(map(tokens, parts), default=0) <= limit:
            break
        parts = [
            piece
            for part in parts
            for piece in ([part] if tokens(part) <= limit else _packed(part, size, counts))
        ]
        # Where a whole counts more tokens than its pieces, what they filled is cut in two.
        size //= 2
    return parts


def _packed(text: str, limit: int, counts: TokenCounts) -> list[str]:
    """Parts whose pieces add up to at most ``limit`` tokens."""
    from langchain_text_splitters.character import (
        RecursiveCharacterTextSplitter,
    )

    learn_parts([text], limit, counts)
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=limit,
        chunk_overlap=0,
        # Pieces that cost nothing would stand at the end of one part and again in the next.
        length_function=lambda piece: max(counts.of(piece), bool(piece)),
        separators=[*SEPARATORS, ""],
        is_separator_regex=True,
        keep_separator="end",
    )
    return [part.strip() for part in splitter.split_text(text) if part.strip()]


def _parts(text: str, separator: str) -> list[str]:
    bounds = [0, *(match.end() for match in re.finditer(separator, text)), len(text)]
    return [text[a:b] for a, b in pairwise(bounds) if b > a]
