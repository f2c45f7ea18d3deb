"""The company that a filter names, as people write names: whatever the case and the legal form."""

from __future__ import annotations

from difflib import get_close_matches

from rag_service.answering.scope.index import Company, FilingIndex
from rag_service.answering.scope.words import name_words
from rag_service.core.errors import InvalidRequest

_ALIKE = 0.5
_MOST_TOLD = 5


def company_named(name: str, index: FilingIndex) -> Company:
    """The company whose name on the cover is ``name``, or begins with it, or whose ticker it is.

    Raises:
        InvalidRequest: none is, or several are; the message names those that may be meant.
    """
    squeezed = "".join(name_words(name))
    aliases = index.aliases.get(squeezed, [])
    for found in (
        [alias.company for alias in aliases if alias.kind == "whole"],
        index.tickers.get(squeezed, []),
        [alias.company for alias in aliases if alias.kind == "part"],
    ):
        if len(found) == 1:
            return index.companies[found[0]]
        if found:
            raise InvalidRequest(f"the company {name[:100]!r} may be {_told(found, index)}")
    near = _near(name, index)
    hint = f"did you mean {_told(near, index)}" if near else "`ragloop documents list` names them"
    raise InvalidRequest(f"no filing is of a company {name[:100]!r}: {hint}")


def _near(name: str, index: FilingIndex) -> list[int]:
    """Companies whose names have one of these words, or look much the same."""
    words = name_words(name)
    near = [
        alias.company
        for word in ("".join(words), *words)
        for known in (word, *index.nearly(word))
        for alias in index.aliases.get(known, [])
    ]
    spelt = {" ".join(company.words): at for at, company in enumerate(index.companies)}
    alike = get_close_matches(" ".join(words), spelt, _MOST_TOLD, _ALIKE)
    return list(dict.fromkeys([*near, *(spelt[words] for words in alike)]))[:_MOST_TOLD]


def _told(companies: list[int], index: FilingIndex) -> str:
    return " or ".join(repr(index.companies[at].name) for at in companies)
