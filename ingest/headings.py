"""What a line says it heads: a Part, an Item, a note, a statement; cross references say nothing."""

from __future__ import annotations

import re
from typing import NamedTuple

ITEM = re.compile(
    r"^(?:part\s+(?P<part>[ivx]+)\s*[,.:;—–-]*\s*)?"
    r"items?\s+(?P<number>\d{1,2}(?:\.\d{2})?\s?[abc]?)(?![\d(])[\s.:—–-]*(?P<title>.*)$",
    re.IGNORECASE | re.DOTALL,
)
ITEM_MARK = re.compile(
    r"^(?:part\s+[ivx]+[\s,.:—–-]*)?items?\s+\d{1,2}(?:\.\d\d)?\s?[abc]?[\s.:—–-]*",
    re.IGNORECASE,
)
# Some exports set the last letter of a heading apart, so a numeral may be torn.
PART = re.compile(
    r"^part\s+(?P<number>[ivx](?:\s?[ivx]){0,3})\s*[.:—–-]*"
    r"(?:\s*(?:financial|other)\s+information)?$",
    re.IGNORECASE,
)
TITLES = re.compile(
    r"^(?:and\s+\d+[abc]?[.:\s—–-]*)?[“\"(\[]?(?:business|risk\s+factors|unresolved\s+staff|cybersecurity|propert"
    r"|legal\s+proceedings|mine\s+safety|submission\s+of|\[?\(?reserved|removed|market\s+for|selected\s+"
    r"(?:consolidated\s+)?financial|management[’'`]?s\s+discussion|quantitative\s+and|financial\s+"
    r"statements|consolidated\s+financial|changes\s+in|controls\s+and|other\s+information"
    r"|disclosures?\s+regarding|directors|executive\s+compensation|security\s+ownership|certain\s+"
    r"relationships|principal\s+account|exhibits?|form\s+10-k|summary|unregistered\s+sales"
    r"|defaults|entry\s+into|results\s+of\s+operations|regulation\s+fd|other\s+events"
    r"|departure\s+of|information\s+about|executive\s+officers|not\s+(?:applicable|required)"
    r"|termination\s+of|completion\s+of|creation\s+of|costs\s+associated|material\s+(?:impairments?"
    r"|modification)|notice\s+of|non-?reliance|amendments?\s+to|temporary\s+suspension"
    r"|shareholder\s+director|triggering\s+events|bankruptcy|\[?condensed\s+consolidated|interim"
    r"|unaudited|purchases\s+of)",
    re.IGNORECASE,
)
REFERENCE = re.compile(
    r"\b(?:of|in) (?:this|our|the) (?:annual|quarterly|report|form|accompanying)\b"
    r"|\bfor (?:a|further|more|additional)\b"
    r"|\b(?:see|refer|discussed|included|contained|incorporated|herein|above|below|which|is|are|was"
    r"|were|has|have)\b",
    re.IGNORECASE,
)
NOTE = re.compile(
    r"^note\s+(?P<number>\d{1,2}[a-c]?|[A-Z])(?![\w,;(])\s*(?P<mark>[.:)—–-]*)\s*(?P<title>.*)$",
    re.IGNORECASE | re.DOTALL,
)
NUMBERED = re.compile(
    r"^\(?(?P<number>\d{1,2})(?:[.)]|(?=\s*[—–-]\s))\s*[—–-]?\s*(?P<title>[A-Z“\"].*)$", re.DOTALL
)
NOTES = re.compile(
    r"^\W*(?:(?:condensed|combined|selected|unaudited)\W+)*notes\s+to\b(?:\s+(?:the|unaudited|interim"
    r"|audited|condensed|consolidated|combined|company|parent|company[’']s|basic))*"
    r"\s+(?:financial\s+(?:statements|information)|accounts)\b(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
WORD = re.compile(r"[a-z]+")
STATEMENT_KINDS = frozenset(
    {"income", "operations", "earnings", "loss", "losses", "equity", "deficit", "capital", "flows",
     "position", "condition", "sheet", "sheets", "investments", "activities", "assets"}
)  # fmt: skip
STATEMENT_WORDS = STATEMENT_KINDS | {
    "statement", "statements", "balance", "of", "and", "in", "for", "at", "as", "condensed",
    "consolidated", "consolidating", "combined", "unaudited", "interim", "parenthetical",
    "restated", "comprehensive", "financial", "changes", "retained", "cash", "stockholders",
    "shareholders", "shareowners", "stockholder", "shareholder", "members", "partners", "owners",
    "s", "common", "redeemable", "noncontrolling", "non", "controlling", "interest", "interests",
    "net", "total", "other", "accumulated", "profit", "or", "the",
}  # fmt: skip
STATEMENT = re.compile(
    r"(?<![\w-])(?:\(?unaudited\)?|interim|condensed|consolidat(?:ed|ing)|combined|comprehensive|income"
    r"|earnings|operations|cash|balance|(?:stock|share)(?:holders?|owners)|equity|changes|statements?)\b",
    re.IGNORECASE,
)
"""How the name of a financial statement begins."""
WHOSE = frozenset({"of", "for", "at", "as", "the"})
COMPANY_WORDS = frozenset({"and", "of", "the", "&"})
AFTER_NOTES = re.compile(
    r"\W*(?:(?:unaudited|continued)\W*)*(?:(?:of|for)\s+.{1,70})?$", re.IGNORECASE
)
END_MATTER = re.compile(
    r"^(?:signatures?$|power\s+of\s+attorney$|(?:exhibit\s+index|index\s+to\s+exhibits)\b"
    r"|exhibits?\s+\d{1,3}(?:\.\d{1,3})*(?:\.?[a-z])?\W*$|exhibits?\s+\d{1,3}(?:\.\d{1,3})*\s+[A-Z]"
    r"|(?:financial\s+statement\s+)?schedule\s+[ivx]+\b|consent\s+of\s+independent"
    r"|report\s+of\s+(?:the\s+)?(?:independent|management)|management[’'`]s\s+(?:annual\s+)?report"
    r"|independent\s+(?:registered\s+public\s+accounting\s+firm|auditors?)[’'`]?s?\s+report)",
    re.IGNORECASE,
)
INDEX = re.compile(r"^index\s+to\s+.*\b(?:statements?|schedules?|information)\b", re.IGNORECASE)
CONTINUED = re.compile(
    r"[\s,.:;—–-]*[(\[]?\s*\b(?:continued|cont[’'.]?d)\b\.?\s*[)\]]?[\s.:]*$", re.IGNORECASE
)
CONTINUED_CHARS = 40
MAX_CHARS = 400
MAX_WORDS = 34
MAX_NOTE_WORDS = 24


class Note(NamedTuple):
    """The number of a note and its title, which may stand on a line of its own."""

    number: str
    title: str


def is_item_heading(text: str) -> bool:
    """Whether a line is the heading of an Item, such as ``Item 1A. Risk Factors``."""
    return item_of(text) is not None


def is_section_heading(text: str) -> bool:
    """Whether a line heads a Part, an Item or a note by its words alone, whatever its type."""
    first = text[:1]
    if first in "Nn":
        return note_of(text) is not None
    return is_part_heading(text) or item_of(text) is not None


def is_part_heading(text: str) -> bool:
    """Whether a line is the heading of a Part alone."""
    return text[:1] in "Pp" and len(text) <= MAX_CHARS and PART.match(text) is not None


def item_of(text: str) -> str | None:
    """``Item 7A`` for the heading of that Item, None for other text.

    A reference such as ``Item 7 of this report`` or ``Item 1A, “Risk Factors”`` is none: after
    the number comes nothing, or at once a title that SEC forms use.
    """
    if text[:1] not in "IiPp" or len(text) > MAX_CHARS:
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


def part_of(text: str) -> int:
    """1 to 4 for the heading of that Part, or for an Item's heading that names it; 0 for others."""
    if text[:1] not in "Pp" or len(text) > MAX_CHARS:
        return 0
    match = PART.match(text) or ITEM.match(text)
    numeral = (match[1] if match else None) or ""
    return {"I": 1, "II": 2, "III": 3, "IV": 4}.get("".join(numeral.split()).upper(), 0)


def note_of(text: str) -> Note | None:
    """The note that a line such as ``NOTE 5. Acquisitions`` heads, None for other text.

    ``Note 5`` alone heads one only in capitals: else it is the end of a sentence.
    """
    if text[:1] not in "Nn" or len(text) > MAX_CHARS:
        return None
    match = NOTE.match(text)
    if match is None or len(text.split()) > MAX_NOTE_WORDS:
        return None
    title = " ".join(match["title"].split())
    if not title:
        alone = text.startswith("NOTE") and "." not in text
        return Note(match["number"].upper(), "") if alone else None
    if not match["mark"] and (match["number"].isalpha() or len(title) < 3):
        return None
    return Note(match["number"].upper(), title) if _is_title(title) else None


def numbered_note_of(text: str) -> Note | None:
    """The note that ``5. Leases`` would head among notes."""
    if text[:1] not in "0123456789(" or len(text) > MAX_CHARS:
        return None
    match = NUMBERED.match(text)
    if match is None or len(text.split()) > MAX_NOTE_WORDS:
        return None
    title = " ".join(match["title"].split())
    return Note(match["number"], title) if _is_title(title) else None


def _is_title(title: str) -> bool:
    if not (title[0].isupper() or title[0] in '“"(['):
        return False
    name = CONTINUED.sub("", title)
    if title[-1] in ",;" or REFERENCE.search(name):
        return False
    return title[-1] != "." or len(title.split()) <= 12


def is_notes_heading(text: str) -> bool:
    """Whether a line is the heading that all notes stand below."""
    match = NOTES.match(text[:MAX_CHARS])
    return match is not None and AFTER_NOTES.match(match["rest"]) is not None


def statement_of(text: str) -> str:
    """The financial statement that a line names, empty for other text.

    The name of the company may stand before it, or beside it in a cell of its own; whose it is
    or when may follow.
    """
    if len(text) > MAX_CHARS:
        return ""
    text = without_continued(text.partition("  ")[0])
    match = STATEMENT.search(text)
    if match is None or not _is_company(text[: match.start()]):
        return ""
    name = text[match.start() :]
    words = WORD.findall(name.lower())
    known = next((i for i, word in enumerate(words) if word not in STATEMENT_WORDS), len(words))
    own = words[:known]
    if len(words) > 22 or (known < len(words) and (known < 3 or own[-1] not in WHOSE)):
        return ""
    named = "statement" in " ".join(own) or "balance sheet" in " ".join(own)
    return name if named and not STATEMENT_KINDS.isdisjoint(own) else ""


def _is_company(text: str) -> bool:
    words = text.split()
    return len(words) <= 8 and all(word[0].isupper() or word in COMPANY_WORDS for word in words)


def is_end_matter(text: str) -> bool:
    """Whether a heading begins a report, a schedule, an exhibit or the signatures."""
    return END_MATTER.match(text) is not None


def without_continued(text: str) -> str:
    """A heading without the word that says that it was printed before."""
    text = " ".join(text.split())
    end = len(text) - CONTINUED_CHARS
    return CONTINUED.sub("", text) if end <= 0 else text[:end] + CONTINUED.sub("", text[end:])
