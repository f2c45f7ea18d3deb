"""A world to read in: a drawn filing with its pages, one that means harm, and two releases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

from rag_service.core.ids import document_id
from rag_service.core.types import Chunk, Document, FilingFacts, ModelCard
from tests.fakes.answering import DIMS, ScriptedGenerator, World
from tests.fakes.filings import filing
from tests.unit import ingest_files

DRAWN = "HARROW_2023_10K.pdf"
COMPANY = "Harrow Instruments Corporation"
FIGURE = "What were net sales of Harrow in 2023?"
PROSE = "How does Harrow treat foreign currency?"
HOSTILE = "Marlow.html"
HARM = '<img src=x onerror="document.body.innerHTML=1"> <script>alert(1)</script> of marlow fabrics'


class WaitingGenerator(ScriptedGenerator):
    """Writes nothing, for as long as somebody waits for it."""

    async def stream(self, *args: Any, **options: Any) -> AsyncGenerator[str, None]:
        try:
            await asyncio.sleep(60)
            yield ""
        finally:
            self.ended = True


def reading_world(home: Path, generator: ScriptedGenerator | None = None) -> World:
    """Release r0001 is live and has every filing, r0002 none of the drawn one."""
    world = World(home, generator)
    for model in ("ma", "mb"):
        world.registry._cards[model] = ModelCard(model, model, "", DIMS, 512, "", "", "")
    page, chunk = _hostile()
    chunks = [*filing("Alder Mills", 2023), chunk]
    world.add_release("ma", chunks, live=True)
    world.add_release("mb", chunks)
    world.chunks.replace(page, [chunk], "r0001")
    drawn = ingest_files.filing(home.parent / DRAWN)
    world.ingestion.run([drawn])
    return world


def _hostile() -> tuple[Document, Chunk]:
    """A filing without pictures of its pages, whose every text is markup."""
    facts = FilingFacts('<b onclick="alert(1)">Marlow</b>', "", "10-K", 2021, "2021-12-31")
    page = Document(document_id(HARM.encode()), HOSTILE, facts, 1, 1, 0, "2024-01-01T00:00:00Z")
    chunk = replace(
        filing("Birchwater", 2021)[-1],
        chunk_id=f"{page.document_id}.{'0' * 16}",
        document_id=page.document_id,
        document=page.name,
        text=HARM,
        facts=facts,
        page_start=1,
        page_end=1,
    )
    return page, chunk
