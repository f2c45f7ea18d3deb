"""A question's terms in the words of filings: what else to search for, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rag_service.answering.glossary_file import Entry, Statement, load_entries
from rag_service.answering.terms import stems
from rag_service.core.errors import ConfigError

MOST_TERMS = 16
MOST_TEXTS = 4
_LABELS_OF_NAMED, _LABELS_OF_COMPONENT = 3, 2
_WEIGHT_OF_NAMED, _WEIGHT_OF_COMPONENT = 1.0, 0.6
_LATER_LABEL = 0.8
"""Each further label of an entry counts so much less than the one before it."""
_TITLES: Mapping[Statement, str] = {
    "income": "consolidated statements of income",
    "balance": "consolidated balance sheets",
    "cash flow": "consolidated statements of cash flows",
    "equity": "consolidated statements of shareholders' equity",
    "comprehensive": "consolidated statements of comprehensive income",
}
_SHORT = re.compile(r"[A-Z]{1,2}")
"""Names such as AR, which only in capitals are no part of other words."""


@dataclass(frozen=True, slots=True)
class Term:
    """A phrase of filings to search for beside the question; ``weight`` in (0, 1]."""

    text: str
    weight: float
    entry: str
    said: str
    """The name in the glossary by which the question asks for the entry."""


@dataclass(frozen=True, slots=True)
class Expansion:
    """What a question asks for, in the words of filings.

    ``terms`` are for full text, the weightiest first. ``texts`` are for the encoder: one for each
    statement that lines asked for stand on, or for each entry of prose.
    """

    terms: tuple[Term, ...] = ()
    texts: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    """Keys of the entries that the question names, in its order."""
    components: tuple[str, ...] = ()
    """Keys of the entries that those are computed from."""
    statements: tuple[Statement, ...] = ()
    sections: tuple[str, ...] = ()


class Glossary:
    """Entries, and the way from a question's words to them; made once."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self.entries = entries
        self._names: dict[tuple[str, ...], tuple[str, str]] = {}
        for entry in entries.values():
            for name in (*entry.means, *entry.asked):
                self._names.setdefault(tuple(stems(name)), (entry.key, name))
        self._names.pop((), None)
        self._longest = max(map(len, self._names), default=0)

    def named(self, question: str) -> list[tuple[Entry, str]]:
        """The entries that ``question`` names, each once, with the name that stands there."""
        words = stems(question)
        found: dict[str, str] = {}
        place = 0
        while place < len(words):
            length = 1
            for longest in range(min(self._longest, len(words) - place), 0, -1):
                key, name = self._names.get(tuple(words[place : place + longest]), ("", ""))
                if key and _is_written(name, question):
                    found.setdefault(key, name)
                    length = longest
                    break
            place += length
        return [(self.entries[key], name) for key, name in found.items()]


def load_glossary(path: Path | None = None) -> Glossary:
    """The shipped glossary, with a user's own file added to it.

    Raises:
        ConfigError: names the file, the entry, and what is wrong there.
    """
    entries = load_entries(path)
    where = str(path) if path is not None else "the shipped glossary"
    taken: dict[tuple[str, ...], tuple[str, str]] = {}
    for entry in entries.values():
        for name in (*entry.means, *entry.asked):
            words = tuple(stems(name))
            if not words:
                raise ConfigError(
                    f"{where}: [{entry.key}]: {name!r} is made of words that say nothing by "
                    "themselves: add one that does"
                )
            other, same = taken.setdefault(words, (entry.key, name))
            if other != entry.key:
                raise ConfigError(
                    f"{where}: [{entry.key}]: {name!r} stands in [{other}] already, as {same!r}: "
                    "leave it to one of them"
                )
    return Glossary(entries)


def expand(question: str, glossary: Glossary) -> Expansion:
    """The words of filings for what ``question`` asks.

    What the question itself says is not said again among the terms.
    """
    named = glossary.named(question)
    if not named:
        return Expansion()
    said = {entry.key: name for entry, name in named}
    components: dict[str, str] = {}
    for entry, name in named:
        for key in _components(entry, glossary.entries):
            if key not in said:
                components.setdefault(key, name)
    parts = [glossary.entries[key] for key in components]
    terms = [
        *_terms((entry for entry, _ in named), said, _WEIGHT_OF_NAMED, _LABELS_OF_NAMED),
        *_terms(parts, components, _WEIGHT_OF_COMPONENT, _LABELS_OF_COMPONENT),
    ]
    asked = " ".join(stems(question))
    fresh: dict[str, Term] = {}
    for term in sorted(terms, key=lambda term: -term.weight):
        words = " ".join(stems(term.text))
        if words and f" {words} " not in f" {asked} ":
            fresh.setdefault(words, term)
    every = [*(entry for entry, _ in named), *parts]
    return Expansion(
        terms=tuple(fresh.values())[:MOST_TERMS],
        texts=tuple(_texts(every))[:MOST_TEXTS],
        entries=tuple(said),
        components=tuple(components),
        statements=tuple(dict.fromkeys(e.statement for e in every if e.statement)),
        sections=tuple(dict.fromkeys(e.section for e in every if e.section)),
    )


def _components(entry: Entry, entries: Mapping[str, Entry]) -> list[str]:
    """What an entry is computed from, and what that is in turn, each once."""
    found: dict[str, None] = {}
    waiting = list(entry.computed_from)
    while waiting:
        key = waiting.pop(0)
        if key not in found:
            found[key] = None
            waiting += entries[key].computed_from
    return list(found)


def _terms(
    entries: Iterable[Entry], said: Mapping[str, str], weight: float, most: int
) -> list[Term]:
    return [
        Term(label, round(weight * _LATER_LABEL**place, 3), entry.key, said[entry.key])
        for entry in entries
        for place, label in enumerate(entry.labels[:most])
    ]


def _texts(entries: list[Entry]) -> list[str]:
    """One short text a statement, with the first label of each line, then one an entry of prose."""
    lines: dict[Statement, list[str]] = {}
    prose = []
    for entry in entries:
        if entry.statement:
            named = lines.setdefault(entry.statement, [])
            if entry.labels[0] != _TITLES[entry.statement]:
                named.append(entry.labels[0])
        elif entry.section or not entry.computed_from:
            prose.append("; ".join(entry.labels[:_LABELS_OF_NAMED]))
    return [
        *(
            ": ".join(filter(None, (_TITLES[statement], "; ".join(dict.fromkeys(x)))))
            for statement, x in lines.items()
        ),
        *prose,
    ]


def _is_written(name: str, question: str) -> bool:
    """Whether a name of two capitals stands in the question as it is; others may in any case."""
    return not _SHORT.fullmatch(name) or bool(re.search(rf"\b{name}\b", question))
