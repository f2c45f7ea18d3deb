"""How text in HTML is set: what tags and their styles say of size, weight and place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

WEIGHT = re.compile(r"font-weight\s*:\s*(\w+)", re.IGNORECASE)
ITALIC = re.compile(r"font-style\s*:\s*(\w+)|text-decoration[^:;]*:\s*([^;]+)", re.IGNORECASE)
FONT = re.compile(r"(?<![-\w])font\s*:\s*([^;]+)", re.IGNORECASE)
SIZE = re.compile(r"(?:font-size\s*:|(?<![-\w])font\s*:[^;]*?)\s*(\d+(?:\.\d+)?)\s*(pt|px)",
                  re.IGNORECASE)  # fmt: skip
RAISED = re.compile(r"vertical-align\s*:\s*(?:super|text-top)|;\s*top\s*:\s*-", re.IGNORECASE)
CENTRED = re.compile(r"text-align\s*:\s*(\w+)", re.IGNORECASE)
BOLD_WEIGHTS = frozenset({"bold", "bolder", "600", "700", "800", "900"})
FONT_SIZES = {"1": 7.5, "2": 10.0, "3": 12.0, "4": 13.5, "5": 18.0, "6": 24.0, "7": 36.0}
POINTS = {"pt": 1.0, "px": 0.75}


class Face(NamedTuple):
    """How text is set."""

    size: float = 10.0
    bold: bool = False
    italic: bool = False
    centred: bool = False
    linked: bool = False
    raised: bool = False
    level: int = 0
    item: bool = False
    verbatim: bool = False


def face_in(face: Face, tag: str, attributes: Mapping[str, str]) -> Face:
    """How text inside a tag is set, from how it is set around it."""
    style = attributes.get("style", "")
    if tag in {"b", "strong"}:
        return face._replace(bold=True) if not style else _styled(face._replace(bold=True), style)
    if tag in {"i", "em", "u"}:
        face = face._replace(italic=True)
    elif tag == "sup":
        face = face._replace(raised=True)
    elif tag == "pre":
        face = face._replace(verbatim=True)
    elif tag == "li":
        face = face._replace(item=True)
    elif tag == "font" and (size := attributes.get("size", "")) in FONT_SIZES:
        face = face._replace(size=FONT_SIZES[size])
    elif tag == "a" and attributes.get("href", "").startswith("#"):
        face = face._replace(linked=True)
    elif tag == "center" or attributes.get("align", "").lower() == "center":
        face = face._replace(centred=True)
    elif len(tag) == 2 and tag[0] == "h" and tag[1].isdigit():
        face = face._replace(level=int(tag[1]))
    elif tag in {"td", "th"}:
        face = face._replace(centred=False, item=False)
    return _styled(face, style) if style else face


def _styled(face: Face, style: str) -> Face:
    if match := WEIGHT.search(style):
        face = face._replace(bold=match[1].lower() in BOLD_WEIGHTS)
    if match := FONT.search(style):
        words = match[1].lower().split()
        face = face._replace(
            bold=not BOLD_WEIGHTS.isdisjoint(words), italic="italic" in words or face.italic
        )
    if match := SIZE.search(style):
        face = face._replace(size=float(match[1]) * POINTS[match[2].lower()])
    for match in ITALIC.finditer(style):
        word = (match[1] or match[2]).lower()
        if "italic" in word or "underline" in word:
            face = face._replace(italic=True)
        elif match[1]:
            face = face._replace(italic=False)
    if match := CENTRED.search(style):
        face = face._replace(centred=match[1].lower() == "center")
    return face._replace(raised=True) if RAISED.search(style) else face
