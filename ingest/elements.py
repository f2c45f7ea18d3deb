"""Pieces of a filing: unstructured's elements with what Ragloop knows beside them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from types import ModuleType
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


def load_classes() -> ModuleType:
    """unstructured's module of the classes of elements; the first call takes seconds."""
    # unstructured reports its use over the network unless told not to before its import.
    os.environ["DO_NOT_TRACK"] = "1"
    os.environ["UNSTRUCTURED_DISABLE_NOTICE"] = "1"
    from unstructured.documents import elements

    module: ModuleType = elements
    return module


def text_element(kind: str, text: str, page: int, depth: int | None = None) -> Text:
    """An element of unstructured's class ``kind``, such as ``NarrativeText``."""
    classes = load_classes()
    metadata = classes.ElementMetadata(page_number=page, category_depth=depth)
    element: Text = getattr(classes, kind)(text=text, metadata=metadata)
    return element
