"""The glossary as a file: reading it, and a user's own beside it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from rag_service.core.errors import ConfigError

Statement = Literal["income", "balance", "cash flow", "equity", "comprehensive", ""]
STATEMENTS: tuple[Statement, ...] = get_args(Statement)
LONGEST_NAME = 100
"""Characters; longer ones are no words that anybody asks by."""
_LISTS = ("means", "asked", "printed", "computed_from")
_FIELDS = (*_LISTS, "statement", "section", "interchangeable", "mode")
_MODES = ("add", "replace", "remove")
_SHIPPED = "the shipped glossary"


@dataclass(frozen=True, slots=True)
class Entry:
    """What has several names. `glossary.toml` tells what each field is."""

    key: str
    means: tuple[str, ...]
    asked: tuple[str, ...] = ()
    printed: tuple[str, ...] = ()
    computed_from: tuple[str, ...] = ()
    statement: Statement = ""
    section: str = ""
    interchangeable: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """What filings print for it, the commonest first."""
        return self.printed or self.means


Entries = Mapping[str, Entry]


@cache
def shipped() -> Entries:
    """The entries that come with the program."""
    file = files("rag_service.answering").joinpath("glossary.toml")
    return _merged({}, _parsed(file.read_bytes(), _SHIPPED), _SHIPPED)


def load_entries(path: Path | None = None) -> Entries:
    """The shipped entries, with those of a user's own file added.

    Raises:
        ConfigError: names the file, the entry, and what is wrong there.
    """
    if path is None:
        return shipped()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"RAGLOOP_GLOSSARY: {path} cannot be read: {error.strerror or error}"
        ) from error
    return _merged(shipped(), _parsed(content, str(path)), str(path))


def _parsed(content: bytes, where: str) -> dict[str, Any]:
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        raise ConfigError(f"{where}: byte {error.start} is not UTF-8") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{where}: not TOML: {error}") from error


def _merged(known: Entries, tables: Mapping[str, Any], where: str) -> Entries:
    entries = dict(known)
    for key, table in tables.items():
        if not isinstance(table, dict):
            raise ConfigError(
                f"{where}: {key} stands outside an entry: put it under a line such as [revenue]"
            )
        mode, entry = _entry(key, table, where)
        if mode == "remove":
            if entries.pop(key, None) is None:
                raise _wrong(where, key, 'mode is "remove", but there is no entry of that name')
            continue
        old = entries.get(key) if mode == "add" else None
        entries[key] = _added(old, entry, table) if old is not None else entry
        if not entries[key].means:
            raise _wrong(where, key, "means is missing: list its names, such as means = ['capex']")
    _check_components(entries, tables, where)
    return MappingProxyType(entries)


def _entry(key: str, table: Mapping[str, Any], where: str) -> tuple[str, Entry]:
    unknown = [field for field in table if field not in _FIELDS]
    if unknown:
        raise _wrong(where, key, f"{unknown[0]!r} is no field: use {', '.join(_FIELDS)}")
    mode = table.get("mode", "add")
    if mode not in _MODES:
        raise _wrong(where, key, f"mode is {mode!r}: use {', '.join(_MODES)}")
    statement = table.get("statement", "")
    if statement not in STATEMENTS:
        known = ", ".join(filter(None, STATEMENTS))
        raise _wrong(where, key, f"statement is {statement!r}: use {known}")
    section = table.get("section", "")
    if not isinstance(section, str):
        raise _wrong(where, key, f'section is {section!r}: use text such as "Item 1"')
    interchangeable = table.get("interchangeable", False)
    if not isinstance(interchangeable, bool):
        raise _wrong(where, key, f"interchangeable is {interchangeable!r}: use true or false")
    lists = {field: _names(table.get(field, []), field, key, where) for field in _LISTS}
    return mode, Entry(key, **lists, statement=statement, section=section,
                       interchangeable=interchangeable)  # fmt: skip


def _names(value: Any, field: str, key: str, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _wrong(where, key, f'{field} is {value!r}: use a list such as ["capex"]')
    for name in value:
        if not any(character.isalnum() for character in name):
            raise _wrong(where, key, f"{field} has {name!r}, which has no letter")
        if len(name) > LONGEST_NAME:
            raise _wrong(
                where, key, f"{field} has a name of {len(name)} characters; at most {LONGEST_NAME}"
            )
    return tuple(dict.fromkeys(value))


def _added(old: Entry, new: Entry, table: Mapping[str, Any]) -> Entry:
    """``old`` with the words of ``new``, and its other fields where they are set."""
    return Entry(
        key=old.key,
        means=_both(old.means, new.means),
        asked=_both(old.asked, new.asked),
        printed=_both(old.printed, new.printed),
        computed_from=_both(old.computed_from, new.computed_from),
        statement=new.statement if "statement" in table else old.statement,
        section=new.section if "section" in table else old.section,
        interchangeable=(
            new.interchangeable if "interchangeable" in table else old.interchangeable
        ),
    )


def _both(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*new, *old)))


def _check_components(entries: Entries, tables: Mapping[str, Any], where: str) -> None:
    """Every component is an entry, and nothing is computed from itself."""
    for key, entry in entries.items():
        for component in entry.computed_from:
            if component not in entries:
                blamed = key if key in tables else component
                raise _wrong(
                    where, blamed, f"[{key}] is computed from {component!r}, which is no entry"
                )
    done: set[str] = set()
    for key in entries:
        _check_cycle(entries, key, (), done, where)


def _check_cycle(
    entries: Entries, key: str, above: tuple[str, ...], done: set[str], where: str
) -> None:
    if key in above:
        chain = " from ".join((*above[above.index(key) :], key))
        raise _wrong(where, key, f"computed_from goes in a circle: {chain}")
    if key not in done:
        for component in entries[key].computed_from:
            _check_cycle(entries, component, (*above, key), done, where)
        done.add(key)


def _wrong(where: str, key: str, what: str) -> ConfigError:
    return ConfigError(f"{where}: [{key}]: {what}")
