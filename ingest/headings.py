"""Item headings of SEC forms, told apart from contents lists and from cross references."""

from __future__ import annotations

import re

ITEM = re.compile(
    r"^(?:part\s+(?P<part>[ivx]+)\s*[,.:;—–-]*\s*)?"
    r"items?\s+(?P<number>\d{1,2}(?:\.\d{2})?\s?[abc]?)(?![\d(])[\s.:—–-]*(?P<title>.*)$",
    re.IGNORECASE | re.DOTALL,
)
PART = re.compile(r"^part\s+[ivx]+\s*[.:—–-]*(?:\s+financial information|\s+other information)?$",
                  re.IGNORECASE)  # fmt: skip
TITLES = re.compile(
    r"^(?:and\s+\d+[abc]?[.:\s—–-]*)?[“\"(\[]?(?:business|risk\s+factors|unresolved\s+staff|cybersecurity|propert"
    r"|legal\s+proceedings|mine\s+safety|submission\s+of|\[?\(?reserved|removed|market\s+for|selected\s+"
    r"(?:consolidated\s+)?financial|management[’'`]?s\s+discussion|quantitative\s+and|financial\s+"
    r"statements|consolidated\s+financial|changes\s+in|controls\s+and|other\s+information"
    r"|disclosures?\s+regarding|directors|executive\s+compensation|security\s+ownership|certain\s+"
    r"relationships|principal\s+account|exhibits?|form\s+10-k|summary|unregistered\s+sales"
    r"|defaults|entry\s+into|results\s+of\s+operations|regulation\s+fd|other\s+events"
    r"|departure\s+of|information\s+about|executive\s+officers|not\s+(?:applicable|required))",
    re.IGNORECASE,
)
REFERENCE = re.compile(
    r"\b(?:of|in) (?:this|our|the) (?:annual|quarterly|report|form)\b"
    r"|\bfor (?:a|further|more|additional)\b"
    r"|\b(?:see|refer|discussed|included|contained|incorporated|herein|above|below|which|is|are|was)\b",
    re.IGNORECASE,
)
MAX_WORDS = 34


def is_item_heading(text: str) -> bool:
    """Whether a line is the heading of an Item, such as ``Item 1A. Risk Factors``."""
    return item_of(text) is not None


def item_of(text: str) -> str | None:
    """``Item 7A`` for the heading of that Item, None for other text.

    A reference such as ``Item 7 of this report`` or ``Item 1A, “Risk Factors”`` is none: after
    the number comes nothing, or at once a title that SEC forms use.
    """
    if text[:1] not in "IiPp":
        return None
    match = ITEM.match(text)
    if match is None or len(text.split()) > MAX_WORDS:
        return None
    title = match["title"].strip()
    if title and not (title[0] in "[(" or (title[0].isupper() and TITLES.match(title))):
        return None
    if title and (title[-1] in '”"' or REFERENCE.search(title)):
        return None
    return "Item " + match["number"].replace(" ", "").upper()
