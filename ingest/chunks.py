"""Passages to chunks under a token limit: prose packed, tables cut between rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from ingest.outline import Passage
from ingest.parse import Parsed
from ingest.splitting import TokenCounts, learn_parts, split_text
from rag_service.core import ids
from rag_service.core.errors import ConfigError
from rag_service.core.types import Chunk, FilingFacts, Kind, TableCells

SMALL = 0.3
"""A chunk below this share of the limit is joined to a neighbour if it can be."""
MAX_CONTEXT_SHARE = 0.3
MAX_HEADER_SHARE = 0.6


@dataclass(slots=True)
class Draft:
    """A chunk before it has its id."""

    kind: Kind
    lines: list[str]
    tokens: int
    page_start: int
    page_end: int
    section: str
    heading: str
    context: str
    cells: TableCells | None = None

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(slots=True)
class _Packer:
    """Passages of one filing become drafts in reading order."""

    facts: FilingFacts
    limit: int
    counts: TokenCounts
    drafts: list[Draft] = field(default_factory=list)
    waiting: list[Passage] = field(default_factory=list)
    """Headings that go with what follows them."""
    fresh: bool = True
    """Whether the next prose begins a chunk of its own."""


def make_chunks(
    parsed: Parsed, limit: int, count_tokens: Callable[[Sequence[str]], list[int]]
) -> tuple[Chunk, ...]:
    """Chunks of a filing, each at most ``limit`` tokens with its context line.

    Raises:
        ConfigError: the limit leaves no room for text.
    """
    counts = TokenCounts(count_tokens)
    passages = parsed.passages
    contexts = {(p.section, p.heading) for p in passages}
    counts.learn(_texts(passages))
    counts.learn(_context(parsed.facts, section, heading) for section, heading in contexts)
    learn_parts((p.text for p in passages if p.grid is None), limit // 2, counts)
    packer = _Packer(parsed.facts, limit, counts)
    for passage in passages:
        _add(packer, passage)
    _flush(packer)
    return _with_ids(parsed, _within(packer.drafts, limit, counts))


def _texts(passages: Iterable[Passage]) -> Iterable[str]:
    for passage in passages:
        if passage.grid is None:
            yield passage.text
            continue
        yield from (_row_text(row) for row in passage.grid.rows)
        yield from _header_lines(passage)


def _context(facts: FilingFacts, section: str, heading: str) -> str:
    year = f"FY{facts.fiscal_year} " if facts.fiscal_year else ""
    return " | ".join(
        filter(None, (facts.company, f"{year}{facts.form}".strip(), section, heading))
    )


def _row_text(row: Sequence[str]) -> str:
    return "  ".join(filter(None, row))


def _header_lines(passage: Passage) -> list[str]:
    grid = passage.grid
    if grid is None:
        return []
    captions = [caption for caption in grid.captions if caption != passage.title]
    lines = [passage.title, grid.unit, "  ".join(captions), "  ".join(filter(None, grid.columns))]
    return [line for line in lines if line]


def _fitting_context(packer: _Packer, passage: Passage) -> tuple[str, int]:
    """A passage's context line and what is left for text, in tokens."""
    heading = passage.heading
    while True:
        context = _context(packer.facts, passage.section, heading)
        tokens = packer.counts.of(context)
        if tokens <= MAX_CONTEXT_SHARE * packer.limit or not heading:
            break
        heading = heading.partition(" > ")[2] or heading.rpartition(" ")[0]
    room = packer.limit - tokens - packer.counts.line - packer.counts.overhead
    if room < 16:
        raise ConfigError(
            f"RAGLOOP_CHUNK_TOKENS={packer.limit} leaves {room} tokens for text: set it higher"
        )
    return context, room


def _add(packer: _Packer, passage: Passage) -> None:
    if passage.kind == "heading":
        if packer.waiting and packer.waiting[-1].section != passage.section:
            _flush(packer)
        packer.waiting.append(passage)
    elif passage.kind == "table":
        _add_table(packer, passage)
    else:
        _add_prose(packer, passage)


def _add_prose(packer: _Packer, passage: Passage) -> None:
    context, room = _fitting_context(packer, passage)
    headings, packer.waiting = packer.waiting, []
    pieces = [heading.text for heading in headings]
    start = min([passage.page_start, *(heading.page_start for heading in headings)])
    counts = packer.counts
    tokens = _total([*pieces, passage.text], counts)
    last = packer.drafts[-1] if packer.drafts else None
    joins = (
        last is not None
        and last.kind == "prose"
        and last.section == passage.section
        and last.tokens + counts.line + tokens <= room
        and (last.page_end == start or last.tokens < SMALL * room)
        and (not headings or last.tokens < SMALL * room or tokens < SMALL * room / 2)
        and (last.heading == passage.heading or last.tokens < SMALL * room or bool(headings))
    )
    if joins and last is not None:
        if last.tokens < tokens:
            last.heading, last.context = passage.heading, context
        last.lines.extend([*pieces, passage.text])
        last.tokens += counts.line + tokens
        last.page_end = max(last.page_end, passage.page_end)
        return
    text = "\n".join([*pieces, passage.text])
    if tokens <= room:
        packer.drafts.append(_draft(passage, "prose", [text], tokens, start, context))
        return
    for part in split_text(text, room, counts):
        packer.drafts.append(_draft(passage, "prose", [part], counts.of(part), start, context))


def _total(lines: Sequence[str], counts: TokenCounts) -> int:
    return sum(counts.of(line) + counts.line for line in lines)


def _draft(
    passage: Passage, kind: Kind, lines: list[str], tokens: int, start: int, context: str
) -> Draft:
    return Draft(
        kind, lines, tokens, start, passage.page_end, passage.section, passage.heading, context
    )


def _add_table(packer: _Packer, passage: Passage) -> None:
    grid = passage.grid
    if grid is None:
        raise ValueError("a table passage has a grid")
    context, room = _fitting_context(packer, passage)
    counts = packer.counts
    above = [p for p in packer.waiting if " ".join(p.text.split()) != passage.title]
    packer.waiting = []
    header = _header_lines(passage)
    lead = [heading.text for heading in above]
    while header and _total(header, counts) > MAX_HEADER_SHARE * room:
        # The names of the columns are what rows cannot be read without: they go last.
        lead.append(header.pop(0))
    used = _total(header, counts)
    lead_tokens = _total(lead, counts)
    if lead_tokens > 0.3 * room:
        text = "\n".join(lead)
        parts = [text] if lead_tokens <= room else split_text(text, room, counts)
        packer.drafts.extend(
            _draft(passage, "prose", [part], counts.of(part), above[0].page_start if above
                   else passage.page_start, context) for part in parts
        )  # fmt: skip
        lead, lead_tokens, above = [], 0, []
    texts = [_row_text(row) for row in grid.rows]
    sizes = [counts.of(text) + counts.line for text in texts]
    for first, end in _cuts(sizes, room - used, lead_tokens):
        draft = _draft(
            passage, "table", [*lead, *header, *texts[first:end]],
            lead_tokens + used + sum(sizes[first:end]), passage.page_start, context,
        )  # fmt: skip
        if lead and above:
            draft.page_start = min(draft.page_start, above[0].page_start)
        draft.cells = TableCells(passage.title, grid.unit, grid.columns, grid.rows[first:end])
        packer.drafts.append(draft)
        lead, lead_tokens = [], 0


def _cuts(sizes: Sequence[int], room: int, first_extra: int) -> list[tuple[int, int]]:
    """Runs of rows of even size, each within ``room``."""
    total = sum(sizes) + first_extra
    share = min(room, math.ceil(total / max(1, math.ceil(total / room))) + max(sizes, default=0))
    cuts: list[tuple[int, int]] = []
    first, used = 0, first_extra
    for index, size in enumerate(sizes):
        if index > first and used + size > share:
            cuts.append((first, index))
            first, used = index, 0
        used += size
    cuts.append((first, len(sizes)))
    return cuts


def _flush(packer: _Packer) -> None:
    """Headings that nothing follows become text of their own."""
    headings, packer.waiting = packer.waiting, []
    for heading in headings:
        _add_prose(packer, heading)


def _within(drafts: Sequence[Draft], limit: int, counts: TokenCounts) -> list[Draft]:
    """Drafts whose whole is longer than the sum of its parts, cut once more.

    A tokenizer may take a token more where two lines meet; only drafts near the limit are
    counted again.
    """
    near = [
        draft
        for draft in drafts
        if draft.tokens + counts.of(draft.context) + counts.overhead + draft.text.count("\n") + 1
        > limit - 2
    ]
    counts.learn(f"{draft.context}\n{draft.text}" for draft in near)
    kept: list[Draft] = []
    checked = set(map(id, near))
    for draft in drafts:
        whole = f"{draft.context}\n{draft.text}"
        if id(draft) in checked and counts.of(whole) + counts.overhead > limit:
            kept.extend(_cut(draft, limit, counts))
        else:
            kept.append(draft)
    return kept


def _cut(draft: Draft, limit: int, counts: TokenCounts) -> list[Draft]:
    if draft.cells is not None and len(draft.cells.rows) > 1:
        halves = _halves(draft, draft.cells)
        return [kept for half in halves for kept in _within([half], limit, counts)]
    room = limit - counts.of(draft.context) - counts.overhead
    for margin in range(2, room):
        parts = split_text(draft.text, room - margin, counts)
        wholes = [f"{draft.context}\n{part}" for part in parts]
        if max(map(counts.of, wholes)) + counts.overhead <= limit:
            break
    return [replace(draft, lines=[part], tokens=counts.of(part)) for part in parts]


def _halves(draft: Draft, cells: TableCells) -> list[Draft]:
    """A table's draft as two, both under its header."""
    count = len(cells.rows)
    header, rows = draft.lines[:-count], draft.lines[-count:]
    return [
        replace(
            draft,
            lines=[*header, *rows[part]],
            tokens=draft.tokens,
            cells=replace(cells, rows=cells.rows[part]),
        )
        for part in (slice(count // 2), slice(count // 2, count))
    ]


def _with_ids(parsed: Parsed, drafts: Sequence[Draft]) -> tuple[Chunk, ...]:
    seen: Counter[tuple[str, str, int]] = Counter()
    chunks = []
    for position, draft in enumerate(drafts):
        key = (draft.text, draft.context, draft.page_start)
        chunks.append(
            Chunk(
                chunk_id=ids.chunk_id(parsed.document_id, *key, seen[key]),
                document_id=parsed.document_id,
                document=parsed.path.name,
                text=draft.text,
                context=draft.context,
                kind=draft.kind,
                section=draft.section,
                heading=draft.heading,
                page_start=draft.page_start,
                page_end=draft.page_end,
                position=position,
                facts=parsed.facts,
                cells=draft.cells,
            )
        )
        seen[key] += 1
    return tuple(chunks)
