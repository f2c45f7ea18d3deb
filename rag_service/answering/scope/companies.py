"""The companies of the store that a question names, and how sure that is."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rag_service.answering.scope.index import Alias, FilingIndex
from rag_service.answering.scope.ordinary import (
    ACRONYMS,
    LEGAL,
    PLACES,
    STRICT_LEGAL,
    is_ordinary,
)
from rag_service.answering.scope.reading import Found, Reading
from rag_service.answering.scope.tickers import marked_tickers, plain_ticker
from rag_service.answering.scope.types import CompanyMatch, Confidence, Named
from rag_service.answering.scope.words import Word, tells_case

_AMOUNT = re.compile(r"\d+[kmb]")
_STRENGTH = {"whole": 0, "part": 1, "initials": 2, "word": 3}
_SAID: dict[str, Named] = {
    "whole": "name", "part": "part of the name", "initials": "initials", "word": "part of the name",
}  # fmt: skip
_FUSED_LETTERS = 5
_MOST_OF_ONE_WORD = 3
"""Companies; a word that more of them have in their names, such as American, names none."""
_DETERMINERS = frozenset(
    {"the", "a", "an", "this", "that", "any", "each", "every", "our", "its", "their"}
)  # fmt: skip


def find_companies(text: str, words: Sequence[Word], index: FilingIndex) -> list[Found]:
    """The companies that are named, in order, and tickers of unknown ones."""
    reading = Reading(text, words, tells_case(list(words)))
    found = marked_tickers(reading, index)
    taken = {place for match in found for place in range(match.first, match.last + 1)}
    place = 0
    while place < len(words):
        match = None if place in taken else _named(reading, place, taken, index)
        if match is not None:
            found.append(match)
            taken.update(range(match.first, match.last + 1))
            place = match.last
        place += 1
    sure = {c for match in found if match.kind != "word" for c in match.companies}
    if sure:
        # A word from the middle of a name means little beside a name.
        found = [match for match in found if match.kind != "word"]
    return sorted(found, key=lambda match: match.first)


def match_of(
    found: Found, company: int, text: str, words: Sequence[Word], index: FilingIndex
) -> CompanyMatch:
    """What ``found`` says of one of its companies."""
    start = words[found.first].start
    end = words[found.last].start + len(words[found.last].text)
    return CompanyMatch(
        company=index.companies[company].name,
        words=text[start:end],
        named=found.named,
        confidence=found.confidence,
        start=start,
        end=end,
    )


def _named(reading: Reading, place: int, taken: set[int], index: FilingIndex) -> Found | None:
    """The longest name that begins at ``place``."""
    word = reading.words[place]
    parts = [word.folded]
    ends = [place]
    # A name may be written in more pieces than it has words: J.P. Morgan.
    for other in range(place + 1, min(place + index.most_words + 4, len(reading.words))):
        following = reading.words[other]
        between = following.before.strip(" ")
        if other in taken or following.begins or len(between) > 2 or set(between) & set("?!;:()"):
            break
        if following.folded == "and":
            continue
        parts.append(following.folded)
        ends.append(other)
    for length in range(len(parts), 0, -1):
        aliases = index.aliases.get("".join(parts[:length]))
        if aliases:
            match = _judged(reading, place, ends[length - 1], tuple(parts[:length]), aliases)
            if match is not None:
                return match
    return plain_ticker(reading, place, index) or _misspelt(reading, place, index)


def _judged(
    reading: Reading, first: int, last: int, parts: tuple[str, ...], aliases: list[Alias]
) -> Found | None:
    """The best of what ``parts`` may name, if they are written so that they do."""
    best = min(_STRENGTH[alias.kind] for alias in aliases)
    same = [alias for alias in aliases if _STRENGTH[alias.kind] == best]
    alias = same[0]
    confidence = _confidence(reading, first, last, parts, alias)
    if confidence is None:
        return None
    if len(same) > 1:
        if alias.kind == "word" and len(same) > _MOST_OF_ONE_WORD:
            return None
        confidence = "likely"
    end = last
    if _legal_follows(reading.words, last):
        end = last + 1
    return Found(
        first, end, tuple(a.company for a in same), _SAID[alias.kind], confidence, alias.kind
    )  # fmt: skip


def _confidence(
    reading: Reading, first: int, last: int, parts: tuple[str, ...], alias: Alias
) -> Confidence | None:
    words = reading.words[first : last + 1]
    if parts != alias.words and len(parts) > 1 and not _may_be_split(parts):
        return None
    if len(parts) == 1 and _AMOUNT.fullmatch(parts[0]):
        return _not_amount(reading, first)
    capital = all(w.capital for w in words if w.folded not in ("of", "and", "the"))
    alone = _stands_alone(reading, first, last)
    if alias.kind == "initials":
        return "likely" if capital and reading.cased and words[0].text.isupper() else None
    if alias.kind == "word":
        word = words[0]
        written_so = capital and not word.text.isupper()
        named = written_so and (word.owns or (reading.cased and not word.begins))
        # The European Union is not Union Pacific.
        led = first > 0 and reading.words[first - 1].folded in PLACES
        return "likely" if named and alone and not led else None
    if _legal_follows(reading.words, last) and alias.kind == "whole":
        return "confident"
    if not alone and (_is_joined(reading.words, first, last) or alias.kind == "part"):
        return None if _is_joined(reading.words, first, last) else "likely"
    # Written in one, Bestbuy is no ordinary word.
    if alias.plain and (len(parts) == len(alias.words)):
        return _confidence_of_ordinary(reading, first, words, capital, alone)
    return "confident" if alone or len(parts) > 1 else "likely"


def _confidence_of_ordinary(
    reading: Reading, first: int, words: Sequence[Word], capital: bool, alone: bool
) -> Confidence | None:
    """Of a name such as Target or Best Buy, which may be no name at all."""
    # The best buy is a thing, and so may the Visa program be.
    spoken_of = first > 0 and reading.words[first - 1].folded in _DETERMINERS
    if len(words) > 1:
        if capital and reading.cased:
            return "confident"
        return None if reading.cased or spoken_of else "likely"
    if spoken_of:
        alone = False
    word = words[0]
    written_so = capital and not word.text.isupper()
    if word.owns:
        return "confident" if written_so and alone else "likely"
    if not written_so:
        return None
    if word.begins:
        return "likely" if alone else None
    if not reading.cased:
        return None
    return "confident" if alone else "likely"


def _stands_alone(reading: Reading, first: int, last: int) -> bool:
    """Whether no other name stands right beside, of which these words may be just a part."""
    words = reading.words
    before = first > 0 and _touches(words[first].before) and _is_name(reading, words[first - 1])
    if before and words[first - 1].begins:
        before = not is_ordinary(words[first - 1].folded) and _hyphen(words[first].before)
    after = (
        last + 1 < len(words)
        and not words[last].owns
        and not words[last + 1].begins
        and _touches(words[last + 1].before)
        and words[last + 1].folded not in LEGAL
        and _is_name(reading, words[last + 1], ordinary=last == first)
    )
    return not before and not after


def _is_name(reading: Reading, word: Word, ordinary: bool = True) -> bool:
    """Whether ``word`` may belong to a name: it has a capital for no other reason."""
    return (
        word.capital
        and (reading.cased or not is_ordinary(word.folded))
        and (ordinary or not is_ordinary(word.folded))
        and word.text.isalpha()
        and word.folded not in ACRONYMS
        and word.folded not in PLACES
        and not (word.begins and is_ordinary(word.folded))
    )


def _is_joined(words: Sequence[Word], first: int, last: int) -> bool:
    """Whether a hyphen or an ampersand ties these words to their neighbour's name."""
    before = words[first].before if first else ""
    after = words[last + 1].before if last + 1 < len(words) and not words[last].owns else ""
    return _hyphen(before) or _hyphen(after)


def _hyphen(between: str) -> bool:
    return between in ("-", "‑", "&") or between.strip(" ") == "&"


def _touches(between: str) -> bool:
    return between.strip(" ") in ("", "-", "‑", "&") and "\n" not in between


def _may_be_split(parts: tuple[str, ...]) -> bool:
    """Whether words that together spell a name may be that name, as in J.P. Morgan."""
    return len("".join(parts)) >= _FUSED_LETTERS and not all(is_ordinary(p) for p in parts)


def _not_amount(reading: Reading, place: int) -> Confidence | None:
    """``3M`` is a name; ``$3M`` is an amount, and so is ``3m``, unless nothing has a capital."""
    word = reading.words[place]
    if reading.text[: word.start].rstrip().endswith(("$", "€", "£", "USD")):
        return None
    if word.text.isupper():
        return "confident"
    return None if any(other.capital for other in reading.words) else "likely"


def _legal_follows(words: Sequence[Word], last: int) -> bool:
    """Whether the next word says that the ones before are a company."""
    if last + 1 >= len(words) or words[last].owns:
        return False
    following = words[last + 1]
    if following.begins or following.before.strip(" ,&") not in ("", "and"):
        return False
    if following.folded in STRICT_LEGAL:
        return True
    return following.capital and following.folded in LEGAL and not following.owns


def _misspelt(reading: Reading, place: int, index: FilingIndex) -> Found | None:
    word = reading.words[place].folded
    if is_ordinary(word) or word in PLACES:
        return None
    near = index.nearly(word)
    companies = dict.fromkeys(
        alias.company
        for name in near
        for alias in index.aliases[name]
        if alias.kind in ("whole", "part") and not alias.plain
    )
    if not companies:
        return None
    return Found(place, place, tuple(companies), "misspelt name", "likely", "near")
