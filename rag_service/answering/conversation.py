"""A question that leans on earlier ones ("and in 2021?"), made whole from them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rag_service.answering.scope.index import FilingIndex
from rag_service.answering.scope.types import Period
from rag_service.answering.scope.understand import understand_scope
from rag_service.answering.terms import stems

Span = tuple[int, int]

_BESIDE = re.compile(r"\W*(?:(?:and|or|to|vs\.?|versus|with|against|in|for|of|the)\W+)*", re.I)
"""Between two names or two periods of one list."""
_FOLLOWS = re.compile(r"\s*(?:(?:and|also|but|so|then|now|ok(?:ay)?)\b[\s,]*)+", re.I)
_ABOUT = re.compile(r"\s*(?:what|how)\s+about\b\s*", re.I)
_ASKS = re.compile(
    r"(?:in |for |at |by |on |of |to |from )?(?:what|which|who|whom|whose|where|when|why|how|do|"
    r"does|did|is|are|was|were|has|have|had|can|could|will|would|compare|list|describe|explain|"
    r"discuss|summari[sz]e|name|give|show|tell|calculate|compute|find)\b",
    re.I,
)
_OWNED = re.compile(r"\b(?:its|their|(?:the|this|that)\s+(?:same\s+)?company['’]s)(?=\s)", re.I)
_ITSELF = re.compile(r"\b(?:they|(?:the|this|that)\s+(?:same\s+)?company)\b(?!['’])", re.I)
_THEN = re.compile(
    r"(?P<at>\b(?:in|of|for|during|at|since|by|from)\s+)?"
    r"\b(?:that|the\s+same)\s+(?:fiscal\s+|financial\s+)?(?:year|period|quarter)\b",
    re.I,
)
_NEXT = re.compile(
    r"\b(?:the\s+)?(?:following|next|subsequent)\s+(?:fiscal\s+|financial\s+)?year\b"
    r"|\b(?:the|a|one)\s+year\s+(?:after|later)\b",
    re.I,
)  # fmt: skip
_OF_MANY = re.compile(
    r"\b(?:which|what|any|all|each|every|other|most|many|these|those)\s+(?:other\s+)?"
    r"(?:compan(?:y|ies)|filings?|firms?|documents?|reports?)\b",
    re.I,
)
_NO_TOPIC = frozenset(
    stems(
        "instead well again before earlier later following next last previous prior one ones else "
        "other others thing likewise now thanks yes compare compared versus vs differ and or but "
        "period quarter time"
    )
)
_OF_A_TOPIC = frozenset(
    stems(
        "change changed changing grow growth increase decrease rise rose fall fell drop decline "
        "higher lower reason driver cause caused driven drove explain detail percent percentage"
    )
)
"""Words that say something of a quantity, and not which one."""


@dataclass(frozen=True, slots=True)
class _Turn:
    """A question's text, the companies and the periods that it names, and where they stand."""

    text: str
    companies: tuple[Span, ...]
    periods: tuple[Period, ...]
    topic: frozenset[str]
    """What it asks for, of whichever company and period."""

    @property
    def names(self) -> tuple[str, ...]:
        """The words that name its companies, each once."""
        return tuple(dict.fromkeys(self.text[start:end] for start, end in self.companies))

    @property
    def dates(self) -> tuple[Span, ...]:
        """The places of its periods."""
        return tuple((p.start, p.start + len(p.words)) for p in self.periods)


def whole_question(question: str, earlier: Sequence[str], filings: FilingIndex) -> str:
    """``question`` with the company, period or quantity that it leaves out.

    They are taken from the ``earlier`` questions, of which the oldest is first. One that leaves
    nothing out is given as it is.
    """
    whole = ""
    for asked in (*earlier, question):
        whole = _completed(_read(asked, filings), _read(whole, filings)) if whole else asked
    return whole


def _read(text: str, filings: FilingIndex) -> _Turn:
    scope = understand_scope(text, filings)
    named = {(match.start, match.end) for match in scope.companies}
    for stranger in scope.unknown:
        place = text.find(stranger)
        if place >= 0:
            named.add((place, place + len(stranger)))
    turn = _Turn(text, tuple(sorted(named)), scope.periods, frozenset())
    rest = _NEXT.sub(" ", _without(text, (*turn.companies, *turn.dates)))
    return replace(turn, topic=frozenset(stems(rest)) - _NO_TOPIC)


def _completed(turn: _Turn, before: _Turn) -> str:
    if not turn.topic and (turn.companies or turn.periods or _NEXT.search(turn.text)):
        return _exchanged(turn, before)
    if not any(character.isalnum() for character in turn.text):
        return turn.text
    if turn.topic <= _OF_A_TOPIC and not turn.companies:
        return f"{before.text.strip()} {turn.text.strip()}"
    return _carried_over(turn, before)


def _exchanged(turn: _Turn, before: _Turn) -> str:
    """The question ``before``, with the companies and the periods that ``turn`` names."""
    edits: list[tuple[Span, str]] = []
    added = ""
    for words, spans, joined in (
        (" and ".join(turn.names), before.companies, "for"),
        (_period(turn, before), before.dates, "in"),
    ):
        place = _last_list(before.text, spans)
        if words and place is not None:
            edits.append((place, words))
        elif words:
            added += f" {joined} {words}"
    text = before.text
    for (start, end), words in sorted(edits, reverse=True):
        text = text[:start] + words + text[end:]
    return _with(text, added)


def _carried_over(turn: _Turn, before: _Turn) -> str:
    """``turn`` with the companies and the periods that ``before`` names."""
    leans = not turn.companies and bool(before.companies) and not _OF_MANY.search(turn.text)
    same = bool(turn.companies) and set(turn.names) == set(before.names)
    follows = bool(_FOLLOWS.match(turn.text) or _ABOUT.match(turn.text))
    # The year before, of a question that names a year, is no year of its own.
    undated = all(period.basis == "prior" for period in turn.periods)
    when = _last_list(before.text, before.dates) if undated and (leans or same or follows) else None
    if not leans and when is None:
        return turn.text
    text, added = _asking(turn.text), ""
    if leans:
        names = " and ".join(before.names)
        text, owned = _OWNED.subn(lambda _: f"{names}'s", text, count=1)
        text, itself = (text, 0) if owned else _ITSELF.subn(lambda _: names, text, count=1)
        added += "" if owned or itself else f" for {names}"
    if when is not None:
        period = before.text[slice(*when)]
        text, put = _THEN.subn(lambda said: f"{said['at'] or 'in '}{period}", text, count=1)
        added += "" if put else f" {'as of' if before.periods[-1].day else 'in'} {period}"
    return _with(text, added)


def _period(turn: _Turn, before: _Turn) -> str:
    """The words for the period that ``turn`` names, by itself or as next to that of ``before``."""
    years = [year for period in before.periods for year in period.years]
    years += [int(period.day[:4]) for period in before.periods if period.day]
    fiscal = any(period.basis == "fiscal" for period in before.periods)
    kind = "fiscal " if fiscal else ""
    if years and _NEXT.search(turn.text):
        return f"{kind}{max(years) + 1}"
    place = _last_list(turn.text, turn.dates)
    if place is None:
        return ""
    said, last = turn.text[slice(*place)], turn.periods[-1]
    if years and last.basis == "prior":
        return f"{kind}{min(years) - 1}"
    if years and last.quarter and not last.years and last.basis != "latest":
        return f"{said} of {kind}{max(years)}"
    return said


def _last_list(text: str, spans: Sequence[Span]) -> Span | None:
    """From the first to the last of the spans that stand beside one another, at the end."""
    if not spans:
        return None
    start, end = spans[-1]
    for first, last in reversed(spans[:-1]):
        if last < start and not _BESIDE.fullmatch(text[last:start]):
            break
        start = min(start, first)
    return start, end


def _asking(text: str) -> str:
    """``text`` without its "and what about", as a question of its own."""
    text = _ABOUT.sub("", _FOLLOWS.sub("", text, count=1), count=1)
    return text if _ASKS.match(text) else f"What was {text}"


def _with(text: str, added: str) -> str:
    """``text`` with words added before its question mark, and a capital."""
    bare = text.strip()
    stop = bare[len(bare.rstrip("?.! ")) :].strip() or "?"
    bare = bare.rstrip("?.! ") + added + stop
    return bare[:1].upper() + bare[1:]


def _without(text: str, spans: Iterable[Span]) -> str:
    for start, end in spans:
        text = text[:start] + " " * (end - start) + text[end:]
    return text
