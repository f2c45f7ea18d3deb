"""``ragloop inspect``: what ingestion understood of one file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rag_service.cli.output import JsonFlag, emit, progress_bar
from rag_service.core.errors import InvalidRequest
from rag_service.core.settings import load_settings

if TYPE_CHECKING:
    from ingest.inspection import Inspection

MOST_LINES = 150
"""Of an outline; deeper levels of headings are only counted where it would be longer."""
MOST_CHARS = 70
"""Of a title and of column names, in the list of tables."""
BEFORE = "before the first Item"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a document's text must not tell a terminal."""


def register(app: typer.Typer) -> None:
    app.command()(inspect)


def inspect(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="A PDF, HTML or text file.")],
    page: Annotated[int | None, typer.Option(help="Only what touches this page.")] = None,
    html: Annotated[
        Path | None,
        typer.Option(
            help="Where the page that shows the pictures beside the extract goes; by default "
            "RAGLOOP_HOME/inspect."
        ),
    ] = None,
    no_html: Annotated[bool, typer.Option("--no-html", help="Do not write that page.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Show what ingestion understands of one file, without indexing it."""
    from rag_service.inspection import inspect_file, write_html

    if html is not None and no_html:
        raise InvalidRequest("--html and --no-html do not go together: give one of them")
    settings = load_settings()
    with progress_bar() as progress:
        inspection = inspect_file(settings, path, page)
        written = None if no_html else write_html(settings, inspection, html, progress)
    document = inspection.as_dict() | {"html": str(written) if written else None}

    def render(console: Console) -> None:
        for part in _whole(document) if page is None else _one_page(document, inspection):
            console.print(part)
        if written:
            console.print(_text(f"\nbeside its pages: {written}"), soft_wrap=True)

    emit(document, as_json, render)


def _whole(document: dict[str, Any]) -> Iterator[Text | Table]:
    yield from _head(document)
    yield from _outline(document["outline"])
    if document["tables"]:
        yield _title("Tables")
        yield _tables(document["tables"])
    yield _title("Chunks")
    yield _counts(document["chunks"])


def _one_page(document: dict[str, Any], inspection: Inspection) -> Iterator[Text | Table]:
    yield from _head(document)
    yield from _outline(document["outline"], cut=False)
    for table in document["tables"]:
        yield _title(f"Table, p. {_span(table)}: {table['title'] or 'without a title'}")
        for line in (table["unit"], *table["captions"]):
            if line:
                yield _text(line, "dim")
        yield _grid(table)
    for whole, chunk in zip(inspection.chunks, document["chunks"], strict=True):
        about = f"Chunk {whole.position + 1}, {chunk['kind']}, p. {_span(chunk)}"
        yield _title(", ".join(filter(None, (about, chunk["section"]))))
        yield _text(f"{chunk['chunk_id']}\n{chunk['context']}", "dim")
        yield _text(chunk["text"])
    if not document["chunks"]:
        yield _text("\nnothing is taken from this page")


def _head(document: dict[str, Any]) -> Iterator[Text | Table]:
    pages = document["pages"]
    size = f"{pages} page{'' if pages == 1 else 's'}"
    yield Text.assemble((_clean(document["document"]), "bold"), f"  {size}")
    facts = Table.grid(padding=(0, 2))
    for name, value in document["cover"].items():
        stated = _text(str(value)) if value else Text("not stated", "yellow")
        facts.add_row(Text(name.replace("_", " "), "dim"), stated)
    yield facts
    for warning in document["warnings"]:
        yield _text(f"warning: {warning}", "yellow")


def _outline(headings: Sequence[dict[str, Any]], *, cut: bool = True) -> Iterator[Text]:
    """An indented line a heading; of those too deep, and of the cover's, a count if ``cut``."""
    if not headings:
        return
    yield _title("Outline")
    levels = [h["level"] for h in headings if h["section"]]
    depths = [d for d in set(levels) if sum(level <= d for level in levels) <= MOST_LINES]
    depth = max(depths, default=1)
    lines: list[tuple[str, int, int]] = []
    hidden: list[int] = []
    for heading in headings:
        level, text = heading["level"], heading["text"]
        if cut and (level > depth or (level > 1 and not heading["section"])):
            if not lines:
                lines.append((BEFORE, 0, heading["page"]))
                hidden.append(0)
            hidden[-1] += 1
        else:
            lines.append((text, level, heading["page"]))
            hidden.append(0)
    for (text, level, page), below in zip(lines, hidden, strict=True):
        more = f", {below} more below" if below else ""
        line = Text("  " * level).append(_clean(text), "bold" if level < 2 else "")
        yield line.append(f"  p. {page}{more}", "dim")


def _tables(found: Sequence[dict[str, Any]]) -> Table:
    tables = _columns(("page", "right"), ("rows", "right"), ("title", "left"), ("columns", "left"))
    for table in found:
        names = " | ".join(filter(None, table["columns"]))
        texts = [shorten(text, MOST_CHARS, placeholder=" …") for text in (table["title"], names)]
        tables.add_row(_span(table), str(len(table["rows"])), *map(_text, texts))
    return tables


def _counts(chunks: Sequence[dict[str, Any]]) -> Table:
    """How many chunks each section has, and of which kind."""
    sections: dict[str, list[dict[str, Any]]] = {}
    for chunk in chunks:
        sections.setdefault(chunk["section"], []).append(chunk)
    numbers = ("pages", "prose", "table", "all")
    counts = _columns(("section", "left"), *((name, "right") for name in numbers))
    for section, own in sections.items():
        first = min(chunk["page_start"] for chunk in own)
        last = max(chunk["page_end"] for chunk in own)
        tabular = sum(chunk["kind"] == "table" for chunk in own)
        counts.add_row(
            _text(section or BEFORE),
            _span({"page_start": first, "page_end": last}),
            *(str(count) for count in (len(own) - tabular, tabular, len(own))),
        )
    return counts


def _grid(table: dict[str, Any]) -> Table:
    grid = _columns(("", "left"), *((_clean(name), "right") for name in table["columns"]))
    for row in table["rows"]:
        grid.add_row(*(_text(cell) for cell in row))
    return grid


def _columns(*columns: tuple[str, Any]) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    for name, justify in columns:
        table.add_column(Text(name), justify=justify, overflow="fold")
    return table


def _title(text: str) -> Text:
    return Text("\n").append(_clean(text), "bold")


def _text(text: str, style: str = "") -> Text:
    return Text(_clean(text), style)


def _clean(text: str) -> str:
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _span(part: dict[str, Any]) -> str:
    first, last = part["page_start"], part["page_end"]
    return str(first) if first == last else f"{first}–{last}"
