"""A reranker that needs no weights."""

from __future__ import annotations

import re
from collections.abc import Sequence


class FakeReranker:
    """Scores a passage by the part of the question's words that it holds."""

    def __init__(self, name: str = "fake") -> None:
        self.name = name

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        asked = _words(question)
        return [len(asked & _words(passage)) / max(1, len(asked)) for passage in passages]


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
