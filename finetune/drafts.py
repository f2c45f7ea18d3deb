"""A question that is not yet filtered or put into a split."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from finetune.names import company_name
from rag_service.core.types import Chunk, Pair, Split

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


def to_pair(draft: Draft, split: Split, relevant: Iterable[str]) -> Pair:
    """The draft in a split, with all chunk ids that count as right there."""
    chunk = draft.chunk
    digest = hashlib.sha256(f"{draft.question}\x00{chunk.chunk_id}".encode()).hexdigest()[:12]
    return Pair(
        question_id=f"q{digest}",
        question=draft.question,
        answer=draft.answer,
        chunk_id=chunk.chunk_id,
        document=chunk.document,
        company=company_name(chunk),
        source=draft.source,
        split=split,
        relevant=tuple(relevant),
        kind=draft.kind,
    )


def spread(groups: Iterable[Sequence[T]], random: Random) -> Iterator[T]:
    """One item of each group in turn, so that any beginning holds all groups alike."""
    waiting = [list(group) for group in groups if group]
    random.shuffle(waiting)
    while waiting:
        for group in waiting:
            yield group.pop(0)
        waiting = [group for group in waiting if group]
