"""The part of a question that names what is asked for, without the words of asking."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rag_service.answering.numeric.formulas import formula_in
from rag_service.answering.numeric.items import item_words
from rag_service.answering.numeric.table_values import STATEMENT_NAME
from rag_service.answering.terms import stems

_SENTENCE = re.compile(
    r"(?<=[?!])[\"”’)]*\s+|(?<=[.;])\s+(?=[\"“(]?[A-Z])|(?<=[a-z\d)%]{3}[.;])\s+|(?<=[.;])\s{2,}"
)
_LOOSE_ENDS = re.compile(r"(?<=[?!.;])(?:\s*[.,;])+")
_WORD_OF_ASKING = (
    r"(?:by how much|by how many|by what|what|which|how|(?:tell|give|show) (?:me|us)"
    r"|calculate|compute|determine|work out|derive|estimate"
    r"|(?:find|report|provide|state|name|identify) (?:the|its|their|me|out))\b"
)
_AT_CLAUSE = re.compile(
    rf"(?:^|[,:;—–]\s|\()\s*(?:(?:please|then|and|so|in|by|for|at|of|to|from)\s+)*"
    rf"(?P<asks>{_WORD_OF_ASKING})",
    re.I,
)
_ANYWHERE = re.compile(rf"\b(?P<asks>{_WORD_OF_ASKING})", re.I)
_HOW_TO_ANSWER = re.compile(
    r"^\W*(?:please\s+)?(?:answer|round|express|use|using|show|quote|assume|suppose|imagine|"
    r"consider|pretend|act|acting|speaking|you|your|i|we|my|our|he|she|they|it|this|that|as an?|"
    r"hello|hi|thanks?|do not|don['’]t|only|keep|format|respond|reply|return|write|note|"
    r"(?:give|state|report|present|provide|put)(?:\s+(?:it|me|us|only|just|(?:the|your|a|an)\s+"
    r"(?:final\s+)?(?:answer|result|figure|response|value|number|percentage|amount)))?"
    r"(?=\s*(?:$|[^\w\s]|in\b|as\b|to\b|with\b|rounded\b)))\b",
    re.I,
)
_PERSONA = re.compile(
    r"^\W*(?:and\s+|so\s+|now\s+)*(?:(?:as|being|acting as|act as|playing|speaking as)\s+"
    r"(?:if\s+)?(?:an?|the|my|our|you)"
    r"|you|you['’]re|your|i|i['’]m|i['’]d|we|we['’]re|my|our|he|she|they|imagine|suppos\w+|"
    r"assum\w+|pretend"
    r"|please|explain|describe|list|say|confirm|check|hello|hi|hey|thanks?"
    r"|from (?:an?|the) .*(?:perspective|point of view|standpoint)"
    r"|for (?:my|our) \w+|(?:can|could|would|will) you|going|judging|based|looking|relying|using|"
    r"with (?:that|this) in mind|task|question|q)\b",
    re.I,
)
_CONTEXT = re.compile(
    r"^\W*(?:(?:and|so|then)\s+)*(?:(?:(?:when|while|by|in|on|upon)\s+)?(?:\w+ly\s+)?\w{3,}ing\b"
    r"|here(?:['’]s| is| are)\b|in (?:agreement|accordance|accord|line|keeping) with\b)",
    re.I,
)
"""A clause that says how one comes to the question."""
_NARROWS = re.compile(
    r"\b(?:segments?|divisions?|business units?|subsidiar\w+|regions?|product lines?|brands?|"
    r"exclud\w+|without|focus\w*|ignor\w+|restrict\w*|limit\w*|adjust\w*|pro forma)\b",
    re.I,
)
"""What a sentence around the question may say of the amount itself."""
_PICKS_OUT = re.compile(r"\b(?:includ\w+|only|alone|just|solely)\b", re.I)
_OF_SOURCE = (
    r"(?:the|its|their|his|only|solely|primarily|mainly|just|details?|information|data|figures?|"
    r"numbers|amounts|lines?|line items?|that|which|is|are|was|were|be|can|shown|given|reported|"
    r"provided|available|contained|found|disclosed|presented|stated|listed|set out|in|on|of|from|"
    r"by|at|to|within|with|company['’]s|firm['’]s|consolidated|audited|published|most recent|"
    r"latest|year[- ]end|(?:FY\s?)?(?:19|20)\d{2}|FY\d{2}|fiscal|year|form|annual|attached|"
    r"accompanying|here|'s|’s)"
)
_SOURCES = (
    rf"(?:(?:{STATEMENT_NAME})|10-?Ks?|annual (?:reports?|filings?)|filings?|financial statements?)"
)
_STATEMENT = re.compile(
    r"(?:\b(?:(?:when|while|by)\s+)?(?:(?:primarily|solely|only|mainly|just)\s+)?"
    r"(?:going|judging|judged|based|looking|look|relying|rely|using|use|utili[sz]ing|consulting|"
    r"reading|drawing|referring|refer|according|taken|taking|as (?:shown|reported|stated|presented|"
    r"disclosed|given)|(?:shown|reported|stated|presented|disclosed|found|given)|with|in|on|from|"
    rf"per|within|of|by)\b(?:\s+{_OF_SOURCE})*\s+)?(?:\b(?:the|its)\s+)?(?:consolidated\s+)?"
    rf"\b{_SOURCES}\b(?:\s*(?:,|and|&|or)\s*(?:(?:on|in|from)\s+)?(?:(?:the|its)\s+)?(?:consolidated\s+)?"
    rf"{_SOURCES}\b)*(?:\s+at hand)?(?:\s+alone\b)?\s*[,:]?",
    re.I,
)
_MONTHS = "january february march april may june july august september october november december"
_NOISE = frozenset(
    stems(
        """work result find give need know tell determine derive figure number level many high low
        big large great strong good come came went go do make made carry carried hold held book
        books balance show shown stand stood record recorded earn earned generate generated achieve
        achieved bring brought spend spent incur incurred reported disclose disclosed recognize
        recognized post posted compare compared relative against versus vs approximately roughly
        exactly according annual yearly close period firm business whole entire answer question
        information detail primarily look see using assume analyst based usd gaap unadjusted overall
        consolidated yes any there been if not while hand hands full-year twelve months month day
        across before earlier later still provide formula defined calculated consider expect
        measure reach reached size sum latest recent last prior previous current-year one
        terms sheet filing 10-k its did does was were
        wa doe ha 10k fy please following ending closing year-end line-item"""
    )
) | frozenset(stems(_MONTHS))
_KEPT = frozenset(stems("sum number spend terms current before day one"))
NOISE = _NOISE - _KEPT
"""Words of asking, which say nothing of what is asked for."""


@dataclass(frozen=True, slots=True)
class Asking:
    """What a question asks: ``text`` names it, ``around`` is all of the sentences that ask."""

    text: str
    around: str


def asking(question: str) -> Asking:
    """The part of ``question`` that asks, without who asks, where to look and how to answer.

    That is what stands from the question word on, in the sentences that ask, and what stands
    before it if that says anything. If no such sentence says anything, all do.
    """
    question = _LOOSE_ENDS.sub(" ", _STATEMENT.sub(" ", question)).strip()
    sentences = [s for s in _SENTENCE.split(question) if s.strip(" .,;:")]
    chosen = [s for s in sentences if s.rstrip(' "”’)').endswith("?")]
    asked = [s for s in sentences if _cut(s) is not None]
    chosen = chosen or [s for s in asked if not _HOW_TO_ANSWER.match(s)] or asked
    chosen = chosen or [s for s in sentences if not _HOW_TO_ANSWER.match(s)] or sentences
    narrowing = [s for s in sentences if s not in chosen and _NARROWS.search(s)]
    around = " ".join(chosen)
    for text in (" ".join([*narrowing, *map(_asked, chosen)]), " ".join([*narrowing, *chosen])):
        if content(text):
            return Asking(text, around)
    return Asking(" ".join(s for s in sentences if content(s)), around)


def _cut(sentence: str) -> int | None:
    """Where ``sentence`` begins to ask, if it has a word of asking."""
    match = _AT_CLAUSE.search(sentence) or _ANYWHERE.search(sentence)
    return match.start("asks") if match else None


def _asked(sentence: str) -> str:
    """``sentence`` without the clauses before its question that only say who asks."""
    cut = _cut(sentence) or 0
    clauses = re.split(r"[,:;—–]\s|\(", sentence[:cut])
    kept = [clause for clause in clauses if content(clause) and not _is_aside(clause)]
    return " ".join([*kept, sentence[cut:]])


def _is_aside(clause: str) -> bool:
    """True if it says nothing of the amount that is asked for."""
    if _PERSONA.match(clause):
        return True
    words = frozenset(stems(clause))
    names = item_words(words) or formula_in(words)[0]
    narrows = _NARROWS.search(clause) or _PICKS_OUT.search(clause)
    return bool(_CONTEXT.match(clause)) and not names and not narrows


def content(text: str) -> frozenset[str]:
    """The words of ``text`` that say what is asked for: no words of asking.

    Words of a line's or a measure's name stay, such as the goods of ``cost of goods sold``.
    """
    words = frozenset(stems(text))
    return (words - NOISE) | formula_in(words)[1] | item_words(words)
