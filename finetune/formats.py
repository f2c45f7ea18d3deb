"""The four formats of training texts, loaded from a user's file and checked row by row.

| format | columns (other spellings) |
| --- | --- |
| pairs | anchor (question, query), positive (passage, context, answer) |
| triplets | those, and negative (hard_negative) |
| scored | a (text1, sentence1, question, query, anchor), b (text2, sentence2, passage), score |
| labelled | text (sentence, passage), label (class, category) |

Other columns do not matter. ``anchor`` and ``a`` are encoded as questions are, the others as
passages are.
"""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from finetune.user_rows import UserRow, columns_of, find_columns, read_rows, shown, text_of
from rag_service.core.errors import ConfigError, DataError

Format = Literal["pairs", "triplets", "scored", "labelled"]
FORMATS: tuple[Format, ...] = get_args(Format)

_ANCHOR = ("anchor", "question", "query")
_POSITIVE = ("positive", "passage", "context", "answer")
_SPELLINGS: Mapping[Format, Mapping[str, tuple[str, ...]]] = {
    "pairs": {"anchor": _ANCHOR, "positive": _POSITIVE},
    "triplets": {
        "anchor": _ANCHOR,
        "positive": _POSITIVE,
        "negative": ("negative", "hard_negative"),
    },
    "scored": {
        "a": ("a", "text_a", "text1", "sentence1", *_ANCHOR),
        "b": ("b", "text_b", "text2", "sentence2", *_POSITIVE[:3]),
        "score": ("score", "similarity", "relevance", "label"),
    },
    "labelled": {
        "text": ("text", "sentence", "passage"),
        "label": ("label", "class", "category"),
    },
}
_FEWEST = 2
"""Labels, and texts of each of two labels, without which no triplet can be formed."""


@dataclass(frozen=True, slots=True)
class TextData:
    """Texts of one format; ``columns`` are of equal length, in the order that losses expect."""

    format: Format
    columns: Mapping[str, tuple[Any, ...]]
    places: tuple[str, ...]
    """Where each row stands, for messages."""

    def fingerprint(self) -> str:
        """Digest of the rows in their order."""
        content = json.dumps([self.format, {name: list(v) for name, v in self.columns.items()}])
        return hashlib.sha256(content.encode()).hexdigest()[:16]

    def texts(self) -> list[tuple[str, str]]:
        """Every text with its row's place."""
        return [
            (value, place)
            for column in self.columns.values()
            for value, place in zip(column, self.places, strict=True)
            if isinstance(value, str)
        ]


def load_texts(path: Path, data_format: str) -> TextData:
    """Read a CSV, TSV or JSONL file of one format.

    Raises:
        ConfigError: there is no such format.
        DataError: the file cannot be read, lacks a column, or has a wrong row, which is named.
    """
    known = next((name for name in FORMATS if name == data_format), None)
    if known is None:
        raise ConfigError(f"no format {data_format!r}: choose {', '.join(FORMATS)}")
    rows = read_rows(path)
    found = find_columns(rows, _SPELLINGS[known], path, hint=_hint(rows, known))
    read = {name: _reader(name) for name in found}
    columns = {
        name: tuple(read[name](row, column) for row in rows) for name, column in found.items()
    }
    if known == "labelled":
        columns["label"] = _numbered(columns["label"], path)
    return TextData(known, columns, tuple(row.place for row in rows))


def _hint(rows: list[UserRow], asked: Format) -> str:
    """Formats that the columns do fit, the one with most columns first."""
    found = set(columns_of(rows))
    fitting = [
        name
        for name, wanted in _SPELLINGS.items()
        if name != asked and all(found & set(spellings) for spellings in wanted.values())
    ]
    fitting.sort(key=lambda name: -len(_SPELLINGS[name]))
    return f" for {asked}; they fit --format {fitting[0]}" if fitting else f" for {asked}"


def _reader(name: str) -> Callable[[UserRow, str], Any]:
    return {"score": _score, "label": _label}.get(name, text_of)


def _score(row: UserRow, column: str) -> float:
    value = row.values.get(column)
    try:
        score = math.nan if isinstance(value, bool) or value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        score = math.nan
    if not 0 <= score <= 1:
        raise DataError(f"{row.place}: {column} is {shown(value)}, expected a number from 0 to 1")
    return score


def _label(row: UserRow, column: str) -> str:
    value = row.values.get(column)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text_of(row, column)


def _numbered(labels: tuple[str, ...], path: Path) -> tuple[int, ...]:
    """Labels as numbers, in the order of their names."""
    counts = Counter(labels)
    if sum(count >= _FEWEST for count in counts.values()) < _FEWEST:
        raise DataError(
            f"{path}: labelled texts need at least {_FEWEST} labels with {_FEWEST} texts each; "
            f"found {', '.join(f'{name} ({count})' for name, count in counts.most_common(5))}"
        )
    number = {label: place for place, label in enumerate(sorted(counts))}
    return tuple(number[label] for label in labels)
