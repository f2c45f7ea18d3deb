"""An HTML page that puts each page's picture beside what was extracted from it.

The page is one file that loads nothing: pictures and style stand in it, and it has no script.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Iterable, Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from ingest.inspection import Inspection
from ingest.numbers import is_figure
from ingest.outline import Passage
from ingest.pictures import Picture
from rag_service.core.types import Chunk, TableCells

PAGES = "<!-- pages -->\n"
"""Where the template's pages go."""


def write_report(
    inspection: Inspection, pictures: Iterable[Picture | str] | None, target: Path
) -> None:
    """Write the page to ``target``; its folder is made if it is missing.

    ``pictures`` has one entry for each of the inspection's pages, a text where there is none;
    they are taken one at a time. None leaves the column of pictures out.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    half_made = target.with_name(f".{os.getpid()}.part")
    try:
        # A file's name may be no UTF-8.
        with half_made.open("w", encoding="utf-8", errors="replace") as stream:
            stream.writelines(_report(inspection, pictures))
        half_made.replace(target)
    finally:
        half_made.unlink(missing_ok=True)


def _report(inspection: Inspection, pictures: Iterable[Picture | str] | None) -> Iterator[str]:
    template = files("ingest").joinpath("report.html").read_text(encoding="utf-8")
    before, after = template.split(PAGES)
    name = inspection.filing.document.name
    where = f", page {inspection.page}" if inspection.page else ""
    head = "\n".join((_cover(inspection), _warnings(inspection), _outline(inspection)))
    yield Template(before).substitute(title=escape(f"{name}{where}"), head=head)
    shown = iter(pictures) if pictures is not None else None
    for page in inspection.pages:
        yield _page(inspection, page, next(shown) if shown is not None else None)
    yield after


def _cover(inspection: Inspection) -> str:
    document = inspection.filing.document
    facts = document.facts
    stated = {
        "Company": facts.company,
        "Ticker": facts.ticker,
        "Form": facts.form,
        "Fiscal year": str(facts.fiscal_year or ""),
        "Period end": facts.period_end,
    }
    size = f"{_count(document.pages, 'page')}, {_count(document.chunks, 'chunk')}"
    size += f", {_count(document.tables, 'table')}"
    part = f"Page {inspection.page} of {size}" if inspection.page else size
    listed = "".join(
        f"<div><dt>{name}</dt>"
        + (f"<dd>{escape(value)}</dd>" if value else '<dd class="none">not stated</dd>')
        + "</div>"
        for name, value in stated.items()
    )
    return (
        f"<h1>{escape(document.name)}</h1>\n"
        f'<p class="quiet">{part}; document {document.document_id}</p>\n'
        f'<dl class="facts">{listed}</dl>'
    )


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _warnings(inspection: Inspection) -> str:
    if not inspection.warnings:
        return ""
    listed = "".join(f"<li>{escape(warning)}</li>" for warning in inspection.warnings)
    return f'<section class="warnings"><h2>Warnings</h2><ul>{listed}</ul></section>'


def _outline(inspection: Inspection) -> str:
    """Parts and Items, each with its headings folded away below it."""
    branches: list[tuple[Passage | None, list[Passage]]] = []
    for heading in inspection.headings:
        if heading.level <= 1:
            branches.append((heading, []))
        else:
            if not branches:
                branches.append((None, []))
            branches[-1][1].append(heading)
    if not branches:
        return ""
    unfold = bool(inspection.page)
    listed = "\n".join(_branch(top, below, inspection, unfold) for top, below in branches)
    return f'<nav class="outline" aria-label="Outline"><h2>Outline</h2><ul>\n{listed}\n</ul></nav>'


def _branch(top: Passage | None, below: list[Passage], inspection: Inspection, unfold: bool) -> str:
    if top is None:
        title = "On this page" if inspection.page else "Before the first Item"
    else:
        title = _link(top, inspection)
    kind = ' class="part"' if top is not None and top.level == 0 else ""
    if not below:
        return f'<li{kind}><div class="leaf">{title}</div></li>'
    listed = "".join(
        f'<li style="--depth: {min(heading.level, 8)}">{_link(heading, inspection)}</li>'
        for heading in below
    )
    return (
        f"<li{kind}><details{' open' if unfold else ''}><summary>{title}"
        f'<span class="at">{_count(len(below), "heading")}</span></summary>'
        f"<ul>{listed}</ul></details></li>"
    )


def _link(heading: Passage, inspection: Inspection) -> str:
    page = max(heading.page_start, inspection.pages[0])
    text = escape(" ".join(heading.text.split()))
    return f'<a href="#p{page}">{text}</a><span class="at">p. {heading.page_start}</span>'


def _page(inspection: Inspection, page: int, picture: Picture | str | None) -> str:
    first = inspection.pages[0]
    parts: list[str] = []
    for chunk in inspection.chunks:
        if max(chunk.page_start, first) == page:
            parts.append(_chunk(chunk))
        elif chunk.page_start < page <= chunk.page_end:
            parts.append(
                f'<p class="carried">goes on from page {chunk.page_start}: '
                f'<a href="#c{chunk.position}">{escape(chunk.heading or chunk.section)} '
                f"#{chunk.position + 1}</a></p>"
            )
    if not parts:
        parts.append('<p class="carried">nothing is taken from this page</p>')
    others = [("previous", page - 1), ("next", page + 1)]
    links = "".join(
        f'<a href="#p{other}">{name}</a>' for name, other in others if other in inspection.pages
    )
    return (
        f'<section class="page" id="p{page}">\n<header><h2>Page {page}</h2>'
        f'<nav>{links}<a href="#top">outline</a></nav></header>\n'
        f"<div{'' if picture is None else ' class=both'}>\n"
        f'{_figure(picture, page)}<div class="extract">\n{"".join(parts)}</div>\n'
        "</div>\n</section>\n"
    )


def _figure(picture: Picture | str | None, page: int) -> str:
    match picture:
        case None:
            return ""
        case Picture():
            source = f"data:image/jpeg;base64,{b64encode(picture.jpeg).decode()}"
            shown = (
                f'<img src="{source}" alt="Page {page} as it is printed" width="{picture.width}" '
                f'height="{picture.height}" loading="lazy">'
            )
        case _:
            shown = f"<p>{escape(picture)}</p>"
    return f'<figure class="picture">{shown}</figure>\n'


def _chunk(chunk: Chunk) -> str:
    span = f"page {chunk.page_start}"
    if chunk.page_end > chunk.page_start:
        span = f"pages {chunk.page_start}–{chunk.page_end}"
    heading = f'<p class="heading">{escape(chunk.heading)}</p>\n' if chunk.heading else ""
    return (
        f'<article class="chunk" id="c{chunk.position}">\n'
        f'<header><span class="kind">{chunk.kind}</span><span>#{chunk.position + 1}</span>'
        f"<span>{escape(chunk.section or 'before the first Item')}</span><span>{span}</span>"
        f"<code>{escape(chunk.chunk_id)}</code></header>\n{heading}"
        f'<p class="context">{escape(chunk.context)}</p>\n'
        f"{_prose(chunk.text) if chunk.cells is None else _table(chunk.cells, chunk.text)}"
        "</article>\n"
    )


def _prose(text: str) -> str:
    paragraphs = "".join(f"<p>{escape(line)}</p>" for line in text.splitlines() if line.strip())
    return f'<div class="text">{paragraphs}</div>\n'


def _table(cells: TableCells, text: str) -> str:
    title = f"<b>{escape(cells.title)}</b>" if cells.title else ""
    unit = f"<span>{escape(cells.unit)}</span>" if cells.unit else ""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in cells.columns)
    named = any(cells.columns)
    rows = "".join(_row(row) for row in cells.rows)
    return (
        '<figure class="table">'
        + (f"<figcaption>{title}{unit}</figcaption>" if title or unit else "")
        + '<div class="scroll"><table>\n'
        + (f"<thead><tr><td></td>{names}</tr></thead>\n" if named else "")
        + f"<tbody>{rows}</tbody>\n</table></div></figure>\n"
        + ("" if named else '<p class="unnamed">no names of columns were found</p>\n')
        + '<details class="embedded"><summary>as embedded</summary>'
        f"<pre>{escape(text)}</pre></details>\n"
    )


def _row(row: tuple[str, ...]) -> str:
    label, *values = row
    if not any(values):
        return f'<tr class="group"><th colspan="{len(row)}" scope="row">{escape(label)}</th></tr>'
    shown = "".join(
        f"<td{' class=figure' if not value or is_figure(value) else ''}>{escape(value)}</td>"
        for value in values
    )
    return f'<tr><th scope="row">{escape(label)}</th>{shown}</tr>'
