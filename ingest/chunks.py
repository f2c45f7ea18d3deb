"""Passages to chunks under a token limit: prose packed, tables cut between rows."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from ingest.drafts import Draft, Line, parts, within
from ingest.outline import Passage
from ingest.parse import Parsed
from ingest.splitting import TokenCounts, learn_parts
from rag_service.core import ids
from rag_service.core.errors import ConfigError
from rag_service.core.types import Chunk, FilingFacts, Kind, TableCells

SMALL = 0.3
"""A chunk below this share of the limit is joined to a neighbour if it can be."""
MAX_CONTEXT_SHARE = 0.3
HEADER_SHARE, MAX_HEADER_SHARE = 0.6, 0.75
"""Of a chunk's room, for what every chunk of a table begins with: in any case, and at most,
where it leaves enough for the longest row."""
MIN_TITLE = 4
"""Words that a title is cut to at the shortest."""


@dataclass(slots=True)
class _Packer:
    """Passages of one filing become drafts in reading order."""

    facts: FilingFacts
    limit: int
    counts: TokenCounts
    drafts: list[Draft] = field(default_factory=list)
    waiting: list[Passage] = field(default_factory=list)
    """Headings that go with what follows them."""


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
    drafts = within(packer.drafts, limit, counts)
    return _with_ids(parsed, [draft for draft in drafts if draft.text.strip()])


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
    facts, heading = packer.facts, passage.heading
    while True:
        context = _context(facts, passage.section, heading)
        tokens = packer.counts.of(context)
        if tokens <= MAX_CONTEXT_SHARE * packer.limit:
            break
        if heading:
            # The note or statement stands first, and is what must stay.
            heading = heading.rpartition(" ")[0].rstrip(" >")
        elif facts.company:
            facts = replace(facts, company=facts.company.rpartition(" ")[0])
        else:
            break
    room = packer.limit - tokens - packer.counts.line - packer.counts.overhead
    if room < 16:
        raise ConfigError(
            f"RAGLOOP_CHUNK_TOKENS={packer.limit} leaves {room} tokens for text: set it higher"
        )
    return context, room


def _add(packer: _Packer, passage: Passage) -> None:
    if packer.waiting and packer.waiting[-1].section != passage.section:
        _flush(packer)
    if passage.kind == "heading":
        packer.waiting.append(passage)
    elif passage.kind == "table":
        _add_table(packer, passage)
    else:
        _add_prose(packer, passage)


def _add_prose(packer: _Packer, passage: Passage) -> None:
    context, room = _fitting_context(packer, passage)
    headings, packer.waiting = packer.waiting, []
    lines = [_line(heading) for heading in headings] + [_line(passage)]
    start = min(line.origin for line in lines)
    counts = packer.counts
    tokens = _total(lines, counts)
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
        last.lines.extend(lines)
        last.tokens += counts.line + tokens
    elif tokens <= room:
        packer.drafts.append(_draft(passage, "prose", lines, tokens, context))
    else:
        packer.drafts.extend(_prose(packer, passage, lines, context, room))


def _line(passage: Passage) -> Line:
    page = passage.page_start
    return Line(passage.text, ((0, page), *passage.page_breaks), page)


def _total(lines: Sequence[Line], counts: TokenCounts) -> int:
    return sum(counts.of(line.text) + counts.line for line in lines)


def _draft(passage: Passage, kind: Kind, lines: list[Line], tokens: int, context: str) -> Draft:
    return Draft(kind, lines, tokens, passage.section, passage.heading, context)


def _prose(
    packer: _Packer, passage: Passage, lines: Sequence[Line], context: str, room: int
) -> Iterator[Draft]:
    """Lines that are too much for a chunk; those above the last one stay with its beginning."""
    counts = packer.counts
    above, text = list(lines[:-1]), lines[-1:]
    if _total(above, counts) > SMALL * room:
        above, text = [], lines
    stays = "\n".join([context, *(line.text for line in above)])
    for part in parts(text, packer.limit - counts.overhead, counts, stays):
        together = [*above, part]
        yield _draft(passage, "prose", together, _total(together, counts), context)
        above = []


def _add_table(packer: _Packer, passage: Passage) -> None:
    grid = passage.grid
    if grid is None:
        raise ValueError("a table passage has a grid")
    context, room = _fitting_context(packer, passage)
    counts = packer.counts
    place = ((0, passage.page_start),), passage.page_start
    lead = [_line(p) for p in packer.waiting if " ".join(p.text.split()) != passage.title]
    packer.waiting = []
    rows = [Line(_row_text(row), *place) for row in grid.rows]
    sizes = [counts.of(row.text) + counts.line for row in rows]
    lines = _header_lines(passage)
    free = max(HEADER_SHARE * room, min(MAX_HEADER_SHARE * room, room - max(sizes, default=0)))
    repeated = _repeated(lines, passage.title, free, counts)
    lead.extend(Line(line, *place) for line in lines if line not in repeated)
    header = [Line(line, *place) for line in repeated]
    if _total(lead, counts) > 0.3 * room:
        packer.drafts.extend(_prose(packer, passage, lead, context, room))
        lead = []
    used, first = _total(header, counts), _total(lead, counts)
    for start, end in _cuts(sizes, room - used, first):
        tokens = first + used + sum(sizes[start:end])
        draft = _draft(passage, "table", [*lead, *header, *rows[start:end]], tokens, context)
        draft.cells = TableCells(
            passage.title, grid.unit, grid.columns, grid.rows[start:end], grid.captions
        )
        draft.lead = len(lead)
        packer.drafts.append(draft)
        lead, first = [], 0


def _repeated(lines: Sequence[str], title: str, room: float, counts: TokenCounts) -> list[str]:
    """The lines of a table's header that all its chunks carry, within ``room`` tokens.

    The names of the columns, which stand last, come first, since rows cannot be read without
    them, and the title after all others; where it is too long it is cut after a word.
    """
    kept: dict[str, str] = {}
    for line in sorted(lines, key=lambda line: (line == title, line != lines[-1], len(line))):
        short = _shortened(line, room, counts) if line == title else line
        cost = counts.of(short) + counts.line
        if short and cost <= room:
            kept[line] = short
            room -= cost
    return [kept[line] for line in lines if line in kept]


def _shortened(title: str, room: float, counts: TokenCounts) -> str:
    """A title's first words if the whole does not fit; ``""`` if too few of them would."""
    words = title.split(" ")

    def cost(number: int) -> int:
        first = title if number == len(words) else f"{' '.join(words[:number])} …"
        return counts.of(first) + counts.line

    number = bisect_right(range(1, len(words) + 1), room, key=cost)
    if number == len(words):
        return title
    return f"{' '.join(words[:number])} …" if number >= MIN_TITLE else ""


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


def _with_ids(parsed: Parsed, drafts: Sequence[Draft]) -> tuple[Chunk, ...]:
    seen: Counter[tuple[str, str, int]] = Counter()
    used: set[str] = set()
    chunks = []
    for position, draft in enumerate(drafts):
        key = (draft.text, draft.context, draft.origin)
        tries = (ids.chunk_id(parsed.document_id, *key, n) for n in count(seen[key]))
        chunk_id = next(found for found in tries if found not in used)
        used.add(chunk_id)
        seen[key] += 1
        chunks.append(
            Chunk(
                chunk_id=chunk_id,
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
                page_breaks=draft.page_breaks,
            )
        )
    return tuple(chunks)
