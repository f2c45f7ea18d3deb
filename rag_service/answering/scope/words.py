"""A text cut to words that keep their place, and the letters by which names are compared."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from rag_service.answering.scope.ordinary import LEGAL, is_ordinary

_WORD = re.compile(r"([^\W_]+(?:&[^\W_]+)*)(['’][sS](?![^\W_])|(?<=[sS])['’](?![^\W_]))?")
_STOP = re.compile(r"[.?!:;]['\")\]”’]*\s|\n|[“\"(]\s*$")
_SHORT_FORMS = frozenset(
    {"inc", "corp", "co", "ltd", "vs", "no", "jr", "sr", "mr", "ms", "dr", "st", "approx",
     "est", "fig", "u", "s"}
)  # fmt: skip
_LONG_ENOUGH = 4
"""Letters from which on a capital tells a name; shorter words are small in titles, too."""


_VERBS = frozenset(
    {"is", "are", "was", "were", "be", "been", "do", "does", "did", "has", "have", "had",
     "can", "will", "its"}
)  # fmt: skip
"""Short words that titles write with a capital."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word as written, folded for comparing, with the text between it and the one before."""

    text: str
    folded: str
    start: int
    end: int
    before: str
    owns: bool
    """It is in the possessive; ``end`` is then behind the s."""
    begins: bool
    """It is the first of its sentence, where any word has a capital."""

    @property
    def capital(self) -> bool:
        """It is written with a capital somewhere, as names are."""
        return self.text != self.text.lower()


def words_of(text: str) -> list[Word]:
    """The words of ``text`` in order."""
    found: list[Word] = []
    end = 0
    for match in _WORD.finditer(text):
        before = text[end : match.start()]
        begins = not found or bool(_STOP.search(before) and not _goes_on(found[-1], before))
        word = match[1]
        found.append(
            Word(word, fold(word), match.start(), match.end(), before, bool(match[2]), begins)
        )
        end = match.end()
    return found


def fold(word: str) -> str:
    """Lower case without accents."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word).casefold()
    return "".join(character for character in plain if not unicodedata.combining(character))


def tells_case(words: list[Word]) -> bool:
    """True where capitals mean something: not all are capitals, nor all small, nor a title."""
    inside = [w for w in words if not w.begins and w.text.replace("&", "").isalpha()]
    if not any(word.capital for word in inside):
        return False
    if any(word.text in _VERBS for word in inside):
        return True
    # Names have a capital in any case, and tell nothing.
    long = [w for w in inside if len(w.text) >= _LONG_ENOUGH and is_ordinary(w.folded)]
    return len(long) <= 4 * sum(not word.capital for word in long)


def name_words(name: str) -> tuple[str, ...]:
    """The words of a company's name, folded, without ``and`` and without its legal form."""
    name = re.sub(r"\s*/\s*[A-Za-z]{2,3}\s*/?\s*$", "", name)
    words = [word.folded for word in words_of(name)]
    words = [word for word in words if word != "and"]
    while len(words) > 1 and words[0] == "the":
        words.pop(0)
    while len(words) > 1:
        if words[-1] in LEGAL:
            words.pop()
        elif len(words) > 2 and tuple(words[-2:]) in {("l", "p"), ("n", "v"), ("s", "a")}:
            del words[-2:]
        else:
            break
    # Amazon.com is Amazon.
    if len(words) > 1 and words[-1] == "com":
        words.pop()
    return tuple(words)


def _goes_on(last: Word, before: str) -> bool:
    """Whether the full stop behind ``last`` only shortens it."""
    return before.startswith(".") and (len(last.text) == 1 or last.folded in _SHORT_FORMS)
