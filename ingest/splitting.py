"""Cutting a text under a token limit without asking the tokenizer for one piece at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise

SEPARATORS = ("\n", r"(?<=[.;!?])\s+(?=[A-Z“\"(])", r"(?<=[,;:])\s+", r"\s+")


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
                self._known[text] = max(tokens - self.overhead, 0)

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


def split_text(text: str, limit: int, counts: TokenCounts) -> list[str]:
    """Parts of at most ``limit`` tokens that end at lines, sentences or words where they can."""
    from langchain_text_splitters.character import (
        RecursiveCharacterTextSplitter,
    )

    if counts.of(text) <= limit:
        return [text.strip()] if text.strip() else []
    learn_parts([text], limit, counts)
    splitter = RecursiveCharacterTextSplitter(
        chunk_size=limit,
        chunk_overlap=0,
        length_function=counts.of,
        separators=[*SEPARATORS, ""],
        is_separator_regex=True,
        keep_separator="end",
    )
    return [part.strip() for part in splitter.split_text(text) if part.strip()]


def _parts(text: str, separator: str) -> list[str]:
    bounds = [0, *(match.end() for match in re.finditer(separator, text)), len(text)]
    return [text[a:b] for a, b in pairwise(bounds) if b > a]
