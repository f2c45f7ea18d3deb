"""The headings that a place in a filing stands below, and which of them are worth keeping."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

MAX_CHARS = 90


class Role(Enum):
    """What a heading heads."""

    ITEM = "item"
    NOTES = "notes"
    NOTE = "note"
    STATEMENT = "statement"
    REPORT = "report"
    AUDIT = "audit"
    EXHIBIT = "exhibit"
    OTHER = "other"


OUTER = frozenset({Role.ITEM, Role.OTHER})
REPEATED = frozenset({Role.NOTES, Role.NOTE, Role.STATEMENT, Role.EXHIBIT})
"""What may be printed again at the top of each page; reports of one name follow each other."""
NESTING = frozenset({Role.STATEMENT, Role.AUDIT, Role.EXHIBIT})
"""Headings that others of the same type stand below."""


class Frame(NamedTuple):
    role: Role
    level: int
    """By type: less stands above."""
    name: str


@dataclass(slots=True)
class HeadingPath:
    """Headings from the outermost to the nearest.

    A note, a statement, a report or an exhibit ends with the next one or with its Item; headings
    inside it stand in the order of their type, however large they are set.
    """

    frames: list[Frame] = field(default_factory=list)

    def open(self, role: Role, name: str, level: int = 0) -> None:
        if role is Role.ITEM:
            self.frames = []
        elif role is Role.NOTE:
            self.frames = [f for f in self.frames if f.role in {Role.ITEM, Role.NOTES}]
        elif role is Role.OTHER:
            self.frames = list(self._above(level))
        else:
            self.frames = [f for f in self.frames if f.role is Role.ITEM]
        self.frames.append(Frame(role, level, name))

    def _above(self, level: int) -> Iterator[Frame]:
        """Frames that a heading of ``level`` stands below."""
        for frame in self.frames:
            stays = frame.role in {Role.ITEM, Role.NOTES, Role.NOTE} or frame.level < level
            if not stays and not (frame.role in NESTING and frame.level == level):
                return
            yield frame

    def rename(self, name: str) -> None:
        """Give the nearest heading the name that follows on the next line."""
        self.frames[-1] = self.frames[-1]._replace(name=f"{self.frames[-1].name} {name}".strip())

    def holds(self, name: str) -> bool:
        """Whether a heading of that name stands above."""
        wanted = _plain(name)
        return any(_plain(frame.name) == wanted for frame in self.frames)

    def inside(self, name: str) -> bool:
        """Whether the text stands in a note, a statement or an exhibit of that name."""
        wanted = _plain(name)
        return any(_plain(f.name) == wanted for f in self.frames if f.role in REPEATED)

    @property
    def note(self) -> str:
        """The note that the text stands in, empty outside of one."""
        return next((frame.name for frame in self.frames if frame.role is Role.NOTE), "")

    @property
    def nearest(self) -> str:
        return self.frames[-1].name if self.frames else ""

    @property
    def depth(self) -> int:
        """Level of the nearest heading: 1 is an Item's, 2 and more stand below."""
        return 1 + sum(frame.role is not Role.ITEM for frame in self.frames)

    def __str__(self) -> str:
        """The note, statement, report or exhibit, if there is one, and the nearest heading.

        Elsewhere the nearest two headings, the outer first.
        """
        names = [frame.name for frame in self.frames if frame.name]
        parts = [f.name for f in self.frames if f.role not in OUTER and f.name]
        kept = [parts[-1], names[-1]] if parts else names[-2:]
        return " > ".join(dict.fromkeys(map(_short, kept)))


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _short(name: str) -> str:
    return name if len(name) <= MAX_CHARS else name[:MAX_CHARS].rsplit(" ", 1)[0]
