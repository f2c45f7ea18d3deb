"""A question while its companies are looked for, and what was found in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rag_service.answering.scope.types import Confidence, Named
from rag_service.answering.scope.words import Word


@dataclass(frozen=True, slots=True)
class Found:
    """Words ``first`` to ``last`` of the question name ``companies``; more than one: any of them.

    Without companies it is a ticker that nobody in the store has.
    """

    first: int
    last: int
    companies: tuple[int, ...]
    named: Named
    confidence: Confidence
    kind: Literal["whole", "part", "word", "initials", "ticker", "near"]


@dataclass(frozen=True, slots=True)
class Reading:
    """The question, cut to words, and whether its capitals mean something."""

    text: str
    words: Sequence[Word]
    cased: bool
