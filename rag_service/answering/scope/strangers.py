"""Names in a question that seem to be of companies which the store does not have."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rag_service.answering.scope.ordinary import ACRONYMS, PLACES, STRICT_LEGAL, is_ordinary
from rag_service.answering.scope.words import Word, tells_case

_JOINING = frozenset(["and", "or", "vs", "versus", "with", "than", "to", "against"])
_MOST_WORDS = 4
_FEWEST_LETTERS = 3
_WITHIN = ("", "&", "-", "‑", ".", "'", "’")


def strangers(words: Sequence[Word], taken: Collection[int], known: bool) -> list[str]:
    """Names among the ``words`` whose places are not ``taken`` by periods and known companies.

    Beside a ``known`` company other names are mostly of its products and regions: there only a
    legal form, or a word that puts the name on a par with it, makes a company of it.
    """
    found: dict[str, None] = {}
    cased = tells_case(list(words))
    place = 0
    while place < len(words):
        end = place
        while (
            end < len(words)
            and end not in taken
            and (end == place or not _ends(words[end - 1], words[end]))
            and _belongs(words[end], cased)
        ):
            end += 1
        legal = end < len(words) and _is_legal(words, end, taken)
        name = words[place:end]
        alike = cased and _is_name(name) and (not known or _par(words, place, end, taken))
        if name and (legal or alike):
            found[_spoken(name)] = None
        elif not name and legal and place and not cased:
            found[words[place - 1].text] = None
        place = max(end, place + 1)
    return list(found)


def _belongs(word: Word, cased: bool) -> bool:
    return (
        word.capital
        and cased
        and not (word.begins and is_ordinary(word.folded))
        and word.folded not in STRICT_LEGAL
        and not word.text[0].isdigit()
    )


def _ends(last: Word, word: Word) -> bool:
    """Whether no name goes on from ``last`` to ``word``."""
    return last.owns or word.begins or word.before.strip(" ") not in _WITHIN


def _is_name(name: Sequence[Word]) -> bool:
    """Whether it has a word that means nothing but a name, and is no abbreviation or place."""
    if not 0 < len(name) <= _MOST_WORDS:
        return False
    if name[0].begins and len(name) == 1 and not name[0].owns:
        return False
    own = [
        w
        for w in name
        if not is_ordinary(w.folded) and w.folded not in PLACES and w.folded not in ACRONYMS
    ]
    if any(w.folded in PLACES for w in name) and not name[-1].owns:
        return False
    if not own:
        # General Electric's: ordinary words, but owning something.
        return len(name) > 1 and name[-1].owns and not any(w.folded in PLACES for w in name)
    return any(len(w.text) >= _FEWEST_LETTERS for w in own)


def _is_legal(words: Sequence[Word], place: int, taken: Collection[int]) -> bool:
    return (
        place not in taken
        and words[place].folded in STRICT_LEGAL
        and place > 0
        and place - 1 not in taken
        and not is_ordinary(words[place - 1].folded)
        and words[place].before.strip(" ,") == ""
    )


def _par(words: Sequence[Word], first: int, end: int, taken: Collection[int]) -> bool:
    """Whether a word such as ``versus`` puts the name beside what is taken."""
    before = first > 1 and words[first - 1].folded in _JOINING and first - 2 in taken
    listed = first > 0 and words[first].before.strip(" ") in (",", "&", "/") and first - 1 in taken
    after = end + 1 < len(words) and words[end].folded in _JOINING and end + 1 in taken
    return before or listed or after


def _spoken(name: Sequence[Word]) -> str:
    return "".join([name[0].text, *(word.before + word.text for word in name[1:])])
