"""A user's CSV, TSV or JSONL file, row by row, with the place of each row for messages."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag_service.core.errors import DataError

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_JSON = {".jsonl", ".ndjson"}


@dataclass(frozen=True, slots=True)
class UserRow:
    """Values by column, whose names are in lower case with ``_`` for blanks and hyphens."""

    place: str
    """Such as ``pairs.csv row 7``: as a spreadsheet counts them, the header being row 1."""
    values: Mapping[str, Any]


def read_rows(path: Path) -> list[UserRow]:
    """All rows that are not empty.

    Raises:
        DataError: the file is missing, empty, not UTF-8, of another kind, or has a broken row.
    """
    kind = path.suffix.casefold()
    if kind not in _DELIMITERS and kind not in _JSON:
        raise DataError(f"{path}: name it .csv, .tsv or .jsonl, after what it holds")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path} is not UTF-8: {error}") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}") from error
    read = (
        _from_table(path, text, _DELIMITERS[kind])
        if kind in _DELIMITERS
        else _from_json(path, text)
    )
    rows = list(read)
    if not rows:
        raise DataError(f"{path} holds no rows")
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
    raise DataError(f"{path} has the columns {', '.join(found)}; expected {expected}{hint}")


def columns_of(rows: Iterable[UserRow]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.values))


def text_of(row: UserRow, column: str) -> str:
    """The cell's text. Raises DataError naming the row if it is empty or no text."""
    value = row.values.get(column)
    if value is None or value == "":
        raise DataError(f"{row.place}: {column} is empty")
    if not isinstance(value, str):
        raise DataError(f"{row.place}: {column} is no text: {value!r}")
    if not value.strip():
        raise DataError(f"{row.place}: {column} is empty")
    return value.strip()


def _spelled(spellings: Sequence[str]) -> str:
    return spellings[0] + (f" (or {', '.join(spellings[1:])})" if len(spellings) > 1 else "")


def _from_table(path: Path, text: str, delimiter: str) -> Iterable[UserRow]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [_name(cell) for cell in cells]
                if len(set(header)) < len(header):
                    raise DataError(f"{path} row {number}: two columns have the same name")
                continue
            if len(cells) != len(header):
                raise DataError(
                    f"{path} row {number} has {len(cells)} cells, the header {len(header)}; "
                    "put texts that hold the separator in quotes"
                )
            yield UserRow(f"{path} row {number}", dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise DataError(f"{path} row {number + 1} is no CSV: {error}") from error


def _from_json(path: Path, text: str) -> Iterable[UserRow]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{path} row {number}"
        try:
            values = json.loads(line)
        except ValueError as error:
            raise DataError(f"{place} is no JSON: {error}") from error
        if not isinstance(values, dict):
            raise DataError(f"{place} is no JSON object")
        yield UserRow(place, {_name(name): value for name, value in values.items()})


def _name(column: str) -> str:
    return "_".join(column.strip().casefold().replace("-", " ").split())
