"""Whether the rows of tables stay whole on their way into chunks.

Measured on rows that were drawn by ``eval.drawn_rows`` and then read by eye from the pages'
pictures: label, values in order, and the headers that stand over each value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rag_service.core.errors import DataError
from rag_service.core.types import TableCells

DASHES = str.maketrans(dict.fromkeys("—–−‐‑", "-") | dict.fromkeys("’‘", "'"))
LOOSE = re.compile(r"(?<=[($€£])\s+|\s+(?=[)%])")
NOTE = re.compile(r"(?<=[a-z)])\(\w\)", re.IGNORECASE)
"""A footnote mark right after a word, which is printed raised."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row as a person reads it; ``columns`` names each value, its outermost header first."""

    file: str
    page: int
    label: str
    values: tuple[str, ...]
    columns: tuple[tuple[str, ...], ...]


class Passage(NamedTuple):
    """A chunk of whatever made it; ``page_start`` 0 where its pages are not known."""

    text: str
    page_start: int = 0
    page_end: int = 0
    cells: TableCells | None = None


class Integrity(NamedTuple):
    """What became of one row, from the weakest claim to the strongest."""

    in_one_chunk: bool
    """Label and values stand in order in a chunk, on however many lines."""
    on_one_line: bool
    """Label and values stand in order on one line of a chunk."""
    whole: bool
    """And that chunk carries all of the row's column headers."""
    aligned: bool
    """And in the chunk's cells each value stands in a column that is named by its headers."""


def read_table_rows(path: Path) -> list[TableRow]:
    """Rows from JSON Lines. Raises DataError with the number of a bad line."""
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            record = json.loads(line)
            columns = tuple(tuple(map(str, headers)) for headers in record["columns"])
            values = tuple(map(str, record["values"]))
            row = TableRow(record["file"], int(record["page"]), record["label"], values, columns)
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}:{number} is no table row ({error!r})") from error
        if len(columns) != len(values):
            raise DataError(f"{path}:{number} has {len(values)} values, {len(columns)} columns")
        rows.append(row)
    return rows


def integrity(row: TableRow, passages: Sequence[Passage]) -> Integrity:
    """The best that any passage of the row's page does with it."""
    wanted = [_tokens(row.label), *(_tokens(value) for value in row.values)]
    headers = {header for headers in row.columns for header in headers}
    found = Integrity(False, False, False, False)
    for passage in passages:
        if passage.page_start and not passage.page_start <= row.page <= passage.page_end:
            continue
        lines = passage.text.splitlines()
        tokens = [_tokens(line) for line in lines]
        # A mark on a line of its own belongs to the figure above, unless it begins a label.
        runs = (_tokens(passage.text), [token for own in tokens for token in own])
        if not any(_in_order(wanted, run) for run in runs):
            continue
        found = max(found, Integrity(True, False, False, False))
        for line, own in zip(lines, tokens, strict=True):
            if own[: len(wanted[0])] != wanted[0] or not _in_order(wanted, own):
                continue
            rest = passage.text.replace(line, "\n")
            whole = all(_names(header, rest) for header in headers)
            aligned = whole and passage.cells is not None and _aligned(row, passage.cells)
            found = max(found, Integrity(True, True, whole, aligned))
    return found


def _in_order(wanted: Sequence[Sequence[str]], tokens: Sequence[str]) -> bool:
    """Whether each of ``wanted`` stands in ``tokens`` as a run, one after the other."""
    at = 0
    for run in wanted:
        ends = (
            end
            for end in range(at + len(run), len(tokens) + 1)
            if list(tokens[end - len(run) : end]) == list(run)
        )
        end = next(ends, None)
        if end is None:
            return False
        at = end
    return True


def _aligned(row: TableRow, cells: TableCells) -> bool:
    label = _tokens(row.label)
    return any(
        _in_order([label], _tokens(own[0])) and _named(row, own[1:], cells.columns)
        for own in cells.rows
    )


def _named(row: TableRow, own: Sequence[str], columns: Sequence[str]) -> bool:
    at = 0
    for value, headers in zip(row.values, row.columns, strict=True):
        wanted = _tokens(value)
        while at < len(own) and not _in_order([wanted], _tokens(own[at])):
            at += 1
        if at == len(own):
            return False
        # A unit may be kept once for the table, not in each column's name.
        own_names = [header for header in headers if not header.startswith("(")]
        if own_names and not _names(own_names[-1], columns[at]):
            return False
        at += 1
    return True


def _names(header: str, text: str) -> bool:
    """Whether a header stands in a text; one of digits alone, such as a year, as a word."""
    if header.strip().isdigit():
        return (
            re.search(rf"(?<![\d,.]){re.escape(header.strip())}(?![\d,.]\d|\d)", text) is not None
        )
    return _letters(header) in _letters(text)


def _tokens(text: str) -> list[str]:
    """Words without ``$``, marks of figures put to them, footnote marks apart from words."""
    plain = LOOSE.sub("", text.translate(DASHES)).replace("$", " ")
    return NOTE.sub(r" \g<0>", plain).casefold().split()


def _letters(text: str) -> str:
    """Letters and digits alone, so that neither spaces nor hyphens at line ends matter."""
    return "".join(character for character in text.casefold() if character.isalnum())
