"""What a row's label says its line is, without what is printed around the name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rag_service.answering.numeric.aliases import aliases, without_aliases
from rag_service.answering.terms import stems
from rag_service.core.types import TableCells

_FOOTNOTE = re.compile(r"\s*\((?:\d{1,2}|[a-z]|note \d+\w?)\)|[*†‡]+", re.I)
_LEADER = re.compile(r"\s*[.…_]{3,}.*$")
_NETTED = re.compile(
    r",?\s+(?:[-–—]+\s*)?(?:less|net of)\s+(?:accumulated|allowances?|reserves?)\b.*$", re.I
)
_NETTED_SUM = re.compile(r",?\s+(?:less|net of|including|excluding)\b[^,]*?\$\s?[\d,.]*.*$", re.I)
_CURRENT_PART = re.compile(
    r",?\s+(?:less|net of|excluding)\s+(?:the\s+)?(?:current|amounts? due).*$", re.I
)
_QUALIFIED = re.compile(
    r"\b(?:adjusted|non-?gaap|pro forma|underlying|normali[sz]ed|core|comparable|segment|"
    r"before|excluding|other)\b",
    re.I,
)
"""Of a label: it is not simply what its abbreviation says."""
_USED_UP = re.compile(
    r"(?P<what>depreciation(?:,? (?:depletion,? )?(?:and |& )?amortization)(?: expense)?)\s+"
    r"(?:of|on|for|related to)\s+(?P<of>.+)",
    re.I,
)
_USED_UP_TOO = re.compile(r"^(?:less:?\s+)?(?:depreciation|amortization|depletion)\b(?!.*\b(?:debt|"
                          r"discount|premium|financing|issuance|content|stock|compensation|"
                          r"pension|deferred)\b)", re.I)  # fmt: skip
_LONG_LIVED = frozenset(
    stems("property plant equipment and intangible intangibles assets long-lived fixed tangible "
          "other leasehold improvements buildings software acquired capitalized definite-lived "
          "finite-lived identifiable")
)  # fmt: skip
"""What depreciation and amortization together are always of."""


def plain_label(label: str) -> str:
    """A label without leaders, footnote marks, and what is netted in it."""
    label = _FOOTNOTE.sub("", _LEADER.sub("", label))
    label = _NETTED.sub(", net", _CURRENT_PART.sub("", label))
    label = _NETTED_SUM.sub("", label)
    return " ".join(label.strip(" :*$—–-").split())


def name_of(label: str, cells: TableCells) -> str:
    """``label`` without abbreviations of it, unless that makes it the label of another row."""
    name = without_aliases(label)
    if name == label:
        return label
    others = [other for row in cells.rows if (other := plain_label(row[0])) != label]
    return label if any(without_aliases(other) == name for other in others) else name


def other_readings(label: str, name: str, cells: TableCells) -> Iterator[frozenset[str]]:
    """What else the label, whose plain name is ``name``, says that its line is, in words."""
    if name != label and not _QUALIFIED.search(name):
        yield from (frozenset(stems(alias)) for alias in aliases(label))
    tail = _USED_UP.fullmatch(name)
    if tail is None or not frozenset(stems(tail["of"])) <= _LONG_LIVED:
        return
    labels = [row[0] for row in cells.rows if plain_label(row[0]) != label]
    if not any(_USED_UP_TOO.search(other) for other in labels):
        yield frozenset(stems(tail["what"]))
