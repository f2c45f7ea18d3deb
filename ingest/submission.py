"""What EDGAR wraps around a filing: encodings, the documents of one submission, its header."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Literal

from ingest.cover import Line, read_cover
from rag_service.core.types import FilingFacts

DOCUMENT = re.compile(r"<DOCUMENT>(.*?)(?:</DOCUMENT>|\Z)", re.DOTALL | re.IGNORECASE)
TYPE = re.compile(r"<TYPE>\s*([^\s<]+)", re.IGNORECASE)
TEXT = re.compile(r"<TEXT>(.*?)(?:</TEXT>|\Z)", re.DOTALL | re.IGNORECASE)
PART_OF_FILING = re.compile(r"EX-(?:13|99)", re.IGNORECASE)
"""Exhibits that say what the filing leaves out: the annual report, the press release."""
TAGGED = re.compile(
    r"<(?:!doctype\s+html|html|body|div|span|font|p|br|tr|td|h[1-6]|ul|b)\b[^>]*>", re.IGNORECASE
)
DECLARED = re.compile(rb"(?:charset|encoding)\s*=\s*[\"']?([\w-]+)", re.IGNORECASE)
BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
HEAD = 4096
CONFORMED = {
    "form": re.compile(r"CONFORMED SUBMISSION TYPE:\s*(\S+)"),
    "period": re.compile(r"CONFORMED PERIOD OF REPORT:\s*((?:19|20)\d{6})\b"),
    "company": re.compile(r"COMPANY CONFORMED NAME:[ \t]*(\S.*)"),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One document of a submission: its type, such as ``EX-99.1``, and how it is written."""

    type: str
    kind: Literal["html", "text"]
    text: str


@dataclass(frozen=True, slots=True)
class Submission:
    """The documents that make up a filing, and what stands beside them.

    ``header`` has the lines of a cover that say what EDGAR's header states, ``left_out`` the
    types of the documents that are not read.
    """

    parts: tuple[Part, ...]
    header: tuple[Line, ...] = ()
    left_out: tuple[str, ...] = ()


def open_submission(content: bytes) -> Submission:
    """A file's documents; a file without EDGAR's wrapping is one.

    Of a whole submission its report is read, and the exhibits that hold the annual report or
    press releases; other exhibits, pictures and data files are not.
    """
    text = decode(content).replace("\0", "")
    wrapped = list(DOCUMENT.finditer(text))
    if not wrapped:
        return Submission((Part("", _kind(text), text),))
    bodies = [match[1] for match in wrapped]
    names = [named[1].upper() if (named := TYPE.search(body)) else "" for body in bodies]
    main = next((at for at, name in enumerate(names) if not name.startswith("EX-")), 0)
    order = [main, *(at for at in range(len(bodies)) if at != main)]
    read = [at for at in order if at == main or PART_OF_FILING.match(names[at])]
    parts = tuple(_part(names[at], bodies[at]) for at in read)
    left_out = tuple(names[at] for at in order if at not in read)
    return Submission(parts, _header(text[: wrapped[0].start()]), left_out)


def _part(name: str, body: str) -> Part:
    inner = TEXT.search(body)
    text = inner[1] if inner else TYPE.sub("", body)
    return Part(name, _kind(text), text)


def decode(content: bytes) -> str:
    """Text of bytes in whatever encoding: by its mark, as UTF-8, as declared, as Windows-1252."""
    for mark, encoding in BOMS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    declared = DECLARED.search(content[:HEAD])
    name = declared[1].decode("ascii").lower() if declared else ""
    if name and not name.startswith(("utf", "ascii", "us-ascii", "iso-8859-1")):
        try:
            return content.decode(name)
        except (LookupError, UnicodeDecodeError):
            name = ""
    text = content.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    # A few bad bytes among many good letters do not make the whole another encoding.
    if bad < sum(character > "\x7f" for character in text) - bad:
        return text
    return content.decode("cp1252", errors="replace")


def with_header(cover: FilingFacts, header: Sequence[Line], lines: Sequence[Line]) -> FilingFacts:
    """The cover's facts, what they lack filled in from the submission's header."""
    if not header:
        return cover
    stated = asdict(read_cover([*header, *lines]))
    if cover.period_end:
        # A period that is not the header's own has another fiscal year.
        stated["fiscal_year"] = cover.fiscal_year
    missing = {fact: stated[fact] for fact, value in asdict(cover).items() if not value}
    return replace(cover, **missing)


def _kind(text: str) -> Literal["html", "text"]:
    """Whether HTML's tags are used; those of EDGAR's plain text are others."""
    return "html" if TAGGED.search(text) else "text"


def _header(text: str) -> tuple[Line, ...]:
    found = {
        name: match[1].strip() for name, rule in CONFORMED.items() if (match := rule.search(text))
    }
    lines: list[Line] = []
    if form := found.get("form"):
        lines.append((f"FORM {form.replace('405', '')}",))
    if period := found.get("period"):
        try:
            end = date(int(period[:4]), int(period[4:6]), int(period[6:]))
        except ValueError:
            pass
        else:
            lines.append((f"For the period ended {end:%B} {end.day}, {end.year}",))
    if company := found.get("company"):
        lines += [(company,), ("(Exact name of registrant)",)]
    return tuple(lines)
