"""Pieces of a filing: unstructured's elements with what Ragloop knows beside them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingest.tables import Grid

if TYPE_CHECKING:
    from unstructured.documents.elements import Element, Text

Rank = tuple[float, int, int]
"""How much a heading stands out: size, capitals, emphasis. Greater stands above."""


@dataclass(slots=True)
class Piece:
    """One element in reading order, on page ``page`` (from 1), with its cells if it is a table."""

    element: Element
    page: int
    grid: Grid | None = None
    rank: Rank | None = None
    title: str = ""
    """A table's title."""


def text_element(kind: str, text: str, page: int, depth: int | None = None) -> Text:
    """An element of unstructured's class ``kind``, such as ``NarrativeText``."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    from unstructured.documents import elements as classes

    metadata = classes.ElementMetadata(page_number=page, category_depth=depth)
    element: Text = getattr(classes, kind)(text=text, metadata=metadata)
    return element
