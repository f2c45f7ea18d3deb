"""A user's CSV, TSV or JSONL file, row by row, with the place of each row for messages."""

import csv
import io
import json
import re
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_service.core.errors import DataError

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON = {".jsonl", ".ndjson"}
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""NUL, and halves of surrogate pairs, which JSON can spell and UTF-8 cannot."""
_SHOWN_COLUMNS, _SHOWN_CHARS = 20, 40


@dataclass(frozen=True, slots=True)
class UserRow:
    """Values by column, whose names are in lower case with ``_`` for blanks and hyphens.

    Texts have no blanks at their ends.
    """

    place: str
    """Such as ``pairs.csv row 7``: as a spreadsheet counts them, the header being row 1."""
    values: Mapping[str, Any]


def read_rows(path: Path) -> list[UserRow]:
    """All rows that are not empty.

    Raises:
        DataError: the file is missing, empty, not UTF-8, of another kind, or has a broken row.
    """
    text = _text(path)
    delimiter = _DELIMITERS.get(path.suffix.casefold())
    rows = list(_from_table(path, text, delimiter) if delimiter else _from_json(path, text))
    if not rows:
        header = "below the header, " if delimiter else ""
        raise DataError(f"{path} holds no rows: {header}write one for each question or text")
    return rows


def find_columns(
    rows: Sequence[UserRow], wanted: Mapping[str, Sequence[str]], path: Path, *, hint: str = ""
) -> dict[str, str]:
    """The column of the file for each wanted name, of which ``wanted`` lists the spellings.

    Raises:
        DataError: a column is missing; the message says what was found and what was expected.
    """
    found = columns_of(rows)
    chosen = {
        name: next((spelling for spelling in spellings if spelling in found), "")
        for name, spellings in wanted.items()
    }
    if all(chosen.values()):
        return chosen
    expected = ", ".join(_spelled(spellings) for spellings in wanted.values())
    raise wrong_columns(path, found, expected + hint)


def wrong_columns(path: Path, found: Sequence[str], expected: str) -> DataError:
    """The error that tells the columns ``found``, the first of them at least."""
    shown = [name[:_SHOWN_CHARS] for name in found[:_SHOWN_COLUMNS]]
    more = [f"and {len(found) - len(shown)} more"] if len(found) > len(shown) else []
    told = ", ".join([*shown, *more]) or "none"
    return DataError(f"{path} has the columns {told}; expected {expected}")


def columns_of(rows: Iterable[UserRow]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.values))


def text_of(row: UserRow, column: str) -> str:
    """The cell's text. Raises DataError naming the row if it is empty or no text."""
    value = row.values.get(column)
    if value is None or value == "":
        raise DataError(f"{row.place}: {column} is empty")
    if not isinstance(value, str):
        raise DataError(f"{row.place}: {column} is no text: {shown(value)}")
    return value


def shown(value: Any) -> str:
    """A wrong value for a message, cut where it is long or nested deeply."""
    return reprlib.repr(value)


def _spelled(spellings: Sequence[str]) -> str:
    return spellings[0] + (f" (or {', '.join(spellings[1:])})" if len(spellings) > 1 else "")


def _text(path: Path) -> str:
    try:
        if path.is_dir():
            raise DataError(f"{path} is a folder: name one file in it")
        if path.suffix.casefold() not in {*_DELIMITERS, *_JSON}:
            raise DataError(f"{path}: name it .csv, .tsv or .jsonl, after what it holds")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{path} line {line} is not UTF-8 ({error.reason}): save the file as UTF-8"
        ) from error


def _from_table(path: Path, text: str, delimiter: str) -> Iterable[UserRow]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] = []
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            place = f"{path} row {number}"
            if not any(cell.strip() for cell in cells):
                continue
            if not header:
                header = _names(place, cells)
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"{place} has {len(cells)} cells, the header {len(header)}; "
                    "put texts that hold the separator in quotes"
                )
            yield _row(place, header, cells)
    except csv.Error as error:
        raise DataError(
            f"{path} row {number + 1} is no CSV: {error}; close every quote, and write those "
            "within a text twice"
        ) from error


def _from_json(path: Path, text: str) -> Iterable[UserRow]:
    for number, line in enumerate(io.StringIO(text, newline=None), start=1):
        if not line.strip():
            continue
        place = f"{path} row {number}"
        try:
            values = json.loads(line)
        except ValueError as error:
            raise DataError(f"{place} is no JSON: {error}") from error
        except RecursionError as error:
            raise DataError(f"{place} is nested too deeply: write one flat object") from error
        if not isinstance(values, dict):
            raise DataError(f"{place} is no JSON object")
        yield _row(place, _names(place, values), values.values())


def _names(place: str, columns: Iterable[str]) -> list[str]:
    names = [
        "_".join(_checked(place, column).casefold().replace("-", " ").split()) for column in columns
    ]
    if len(set(names)) < len(names):
        raise DataError(f"{place}: two columns have the same name")
    return names


def _row(place: str, names: Iterable[str], values: Iterable[Any]) -> UserRow:
    return UserRow(
        place, {name: _checked(place, value) for name, value in zip(names, values, strict=True)}
    )


def _checked(place: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if found := _NO_TEXT.search(value):
        raise DataError(
            f"{place} holds {found[0]!r}, which is no text: take it out, or save the file as UTF-8"
        )
    return value.strip()
