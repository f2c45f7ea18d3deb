"""A question that is not yet filtered or put into a split."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from rag_service.core.types import Chunk

T = TypeVar("T")

TEMPLATE = "template"
"""Source of questions that templates write, whose answers are known."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A question with its answer, the chunk that it was made from, and all that answer it."""

    question: str
    answer: str
    chunk: Chunk
    relevant: tuple[str, ...]
    kind: str
    source: str = TEMPLATE


def spread(groups: Iterable[Sequence[T]], random: Random) -> Iterator[T]:
    """One item of each group in turn, so that any beginning holds all groups alike."""
    waiting = [list(group) for group in groups if group]
    random.shuffle(waiting)
    while waiting:
        for group in waiting:
            yield group.pop(0)
        waiting = [group for group in waiting if group]
