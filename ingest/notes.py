"""Where the notes to the financial statements begin."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Hashable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from ingest.elements import Piece, Rank
from ingest.headings import (
    Note,
    is_end_matter,
    is_notes_heading,
    note_of,
    numbered_note_of,
)
from ingest.items import longest_rising

MAX_PLAIN_CHARS = 100
MIN_NUMBERED = 3
"""So many headings such as ``5. Leases`` in their order are notes; one with the word is."""


class _Candidate(NamedTuple):
    place: int
    note: Note
    order: tuple[int, str]


def place_notes(pieces: Sequence[Piece], items: Container[int]) -> dict[int, Note]:
    """Notes by the place of their headings among ``pieces``, of which ``items`` are Items.

    Headings that are numbered alone count below the heading of the notes. As with Items, the
    longest run in rising order is taken; a filing may hold several sets of notes.
    """
    titles = [
        (index, text, piece.rank)
        for index, piece in enumerate(pieces)
        if piece.grid is None
        and (text := piece.element.text.strip())
        and (type(piece.element).__name__ == "Title" or (_is_short(text) and note_of(text)))
    ]
    found: dict[int, Note] = {}
    for first, end, headed in _sets(titles, items):
        families: defaultdict[Hashable, list[_Candidate]] = defaultdict(list)
        for index, text, rank in titles[first:end]:
            if note := note_of(text):
                families["word"].append(_Candidate(index, note, _order(note)))
            elif headed and (note := numbered_note_of(text)):
                families[rank].append(_Candidate(index, note, _order(note)))
        runs = [(family, _run(candidates)) for family, candidates in families.items()]
        longest = max((run for kind, run in runs if _counts(kind, run)), key=len, default=[])
        found.update((candidate.place, candidate.note) for candidate in longest)
        for above, below in pairwise(longest):
            found.update(_between(pieces, above, below))
    return found


def _between(
    pieces: Sequence[Piece], above: _Candidate, below: _Candidate
) -> Iterator[tuple[int, Note]]:
    """Notes that the count of the others misses: their headings may be set as plain text."""
    expected = above.order[0] + 1
    for index in range(above.place + 1, below.place):
        if expected >= below.order[0]:
            return
        if pieces[index].grid is not None:
            continue
        text = pieces[index].element.text.strip()
        if _is_short(text):
            note = note_of(text) or numbered_note_of(text)
            if note is not None and note.number == str(expected):
                yield index, note
                expected += 1


def _is_short(text: str) -> bool:
    """Whether a text that is not set as a heading may be one."""
    return 0 < len(text) <= MAX_PLAIN_CHARS and text[-1] not in ".:;"


def _counts(kind: Hashable, run: Sequence[_Candidate]) -> bool:
    return kind == "word" or (len(run) >= MIN_NUMBERED and run[0].order[0] == 1)


def _sets(
    titles: Sequence[tuple[int, str, Rank | None]], items: Container[int]
) -> list[tuple[int, int, bool]]:
    """Spans of ``titles`` that may hold a set of notes, and whether their heading stands above.

    A set begins with the first note below that heading and goes on to the next Item or report;
    where the heading is printed again in the midst of a set, the set goes on. Without any such
    heading the whole filing is one.
    """
    spans: list[tuple[int, int, bool]] = []
    headed = False
    start: int | None = None
    for place, (index, text, _) in enumerate(titles):
        if index in items or is_end_matter(text):
            if start is not None:
                spans.append((start, place, True))
            headed, start = False, None
        elif is_notes_heading(text):
            headed = True
        elif headed and "continued" not in text.lower():
            note = note_of(text) or numbered_note_of(text)
            if note is not None and note.number in {"1", "A"}:
                if start is not None:
                    spans.append((start, place, True))
                headed, start = False, place
    if start is not None:
        spans.append((start, len(titles), True))
    return spans or [(0, len(titles), False)]


def _order(note: Note) -> tuple[int, str]:
    digits = "".join(filter(str.isdigit, note.number))
    return (int(digits), note.number[len(digits) :]) if digits else (ord(note.number) - 64, "")


def _run(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    keys = [candidate.order for candidate in candidates]
    run = []
    for at in longest_rising(keys):
        while at > 0 and keys[at - 1] == keys[at]:
            at -= 1
        run.append(candidates[at])
    return run
