"""Whether chunks know the Item that they stand in, on pages whose Items were read by eye."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rag_service.core.errors import DataError
from rag_service.core.types import Chunk


@dataclass(frozen=True, slots=True)
class PageItems:
    """The Items that a page's text belongs to, in order; ``""`` is what precedes the first."""

    file: str
    page: int
    items: tuple[str, ...]


def read_page_items(path: Path) -> list[PageItems]:
    """Pages from JSON Lines. Raises DataError with the number of a bad line."""
    pages = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            record = json.loads(line)
            items = tuple(map(str, record["items"]))
            pages.append(PageItems(record["file"], int(record["page"]), items))
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{path}:{number} is no page with Items ({error!r})") from error
    return pages


def items_right(page: PageItems, chunks: Sequence[Chunk]) -> bool:
    """Whether the chunks of a page name just its Items."""
    found = {chunk.section for chunk in chunks if chunk.page_start <= page.page <= chunk.page_end}
    return found == set(page.items)
