"""The words by which questions ask for an operation on amounts."""

from __future__ import annotations

import re

from rag_service.answering.terms import stems

CAGR = re.compile(
    r"\bCAGR(?: of| in)?\b|\bcompound(?:ed)? annual (?:growth(?: rate)?|rate of growth)"
    r"(?: of| in)?\b",
    re.I,
)
MEAN = re.compile(
    r"(?<!weighted[ -])\b(?:(?:\d+|two|three|four|five|six|seven|ten)[- ]years?\s+)?"
    r"(?:simple |arithmetic )?(?:average|mean)(?: value)?(?: of)?\b"
    r"(?! (?:price|number|shares?|grant|interest(?! expense)|rate|maturity|term|life|remaining|"
    r"cost(?! of (?:goods|sales|products|revenue))))",
    re.I,
)
GROWTH = re.compile(
    r"\b(?:year[- ]o(?:ver|n)[- ]year|yoy|y/y|annual)?\s*\bgrowth(?: rate)?(?: of| in)?\b"
    r"|\bgr[eo]wn?\b|\bgrowing\b|\b(?:year[- ]o(?:ver|n)[- ]year|yoy|y/y)\b",
    re.I,
)
CHANGE = re.compile(
    r"\bby how much\b|\b(?:(?:year[- ]o(?:ver|n)[- ]year|yoy|y/y|annual)\s+)?"
    r"\b(?<!\bnet )(?<!\bexchange rate )(?:change[ds]?|increase[ds]?|decrease[ds]?|rise[ns]?|rose|"
    r"falls?|fell|fallen|drop(?:ped)?|declined?|moved?|improved?|compares?|compared)\b"
    r"(?:\s+(?:of|in|between|with|to)\b)?(?:\s+or\s+(?:fall|rise|decrease|increase|decline)\b)?",
    re.I,
)
BY_PERCENT = re.compile(
    r"\b(?:by )?(?:(?:what|which|how many|how much)(?: in)?|the)?\s*per\s?cent(?:age)?\b"
    r"(?!\s*(?:of|points?)\b)",
    re.I,
)
"""Of a change or of growth: that it is wanted as a percentage."""
PART = (
    re.compile(
        r"(?P<part>.+?)\s+(?:as|to)\s+(?:an?\s+)?(?:share|percent(?:age)?|portion|part|fraction|"
        r"proportion|%)\s+(?:of|to)\s+(?P<whole>.+)",
        re.I,
    ),
    re.compile(
        r"(?<!\bper )(?:\b(?:share|percent(?:age)?|portion|part|fraction|proportion)|%)\s+of\s+"
        r"(?P<whole>.+?)\s+"
        r"(?:c[ao]mes? from|is|are|was|were|did)\s+(?P<part>.+)",
        re.I,
    ),
    re.compile(r"\bhow much of\s+(?P<whole>.+?)\s+(?:did|was|were|came from)\s+(?P<part>.+)", re.I),
)
SHARE_OF = re.compile(r"(?:\b(?:percent(?:age)?|portion|fraction|proportion)|%)\s+of\b", re.I)
PART_VERB = re.compile(r"\b(?:make|made|account(?:ed)?|represent(?:ed)?)\s*(?:up|for)?\b", re.I)
PER_EACH = re.compile(r"(?P<part>.+?)\s+per\s+(?P<unit>employee|worker)\b(?P<rest>.*)", re.I)
AVERAGE = re.compile(r"^\s*(?:the\s+)?(?:average|mean)(?:\s+of)?\s+", re.I)
CHANGE_IN = re.compile(r"^\s*(?:the\s+)?(?:change|increase)\s+in\s+", re.I)
OPENING = re.compile(r"\b(?:opening|beginning|prior[- ]year|previous[- ]year)\b", re.I)
WORD = re.compile(r"[\w&'’,-]+|%")
JOINING = frozenset({"and", "of", "on", "to", "per", "from", "as", "a", "%", "the", "less", "plus"})
COMBINED = re.compile(r"^.*?\b(?=(?:ratio|sum) of\b)", re.I)
YEARS_LONG = re.compile(
    r"\b(?:(?:the )?(?:last|latest|past|most recent|preceding|previous)\s+)?"
    r"(\d{1,5}|two|three|four|five|six|seven|ten)(?:[- ](?:fiscal|financial))?[- ]years?\b",
    re.I,
)
POINTS = re.compile(
    r"\b(?:(?:by )?how many\s+|in\s+|of\s+)?percentage[- ]points?\b(?:\s+of\b)?"
    r"|\b(?:by )?how many points\b",
    re.I,
)
APART = re.compile(r"\bdiffer(?:ed|ences?)?\b(?:\s+(?:in|between|of)\b)?", re.I)
"""Of one amount in two years."""
SUM_OF_YEARS = re.compile(
    r"\b(?:cumulative(?:ly)?|combined|aggregate|altogether|all told|in total|taken together)\b",
    re.I,
)
SPELLED = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "ten": 10}
RATIO_WORDS = frozenset(stems("ratio percentage percent unadjusted"))
