"""What holds for chunks and ids whatever the passages are and whatever counts the tokens."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, example, given, settings
from hypothesis import strategies as st

from ingest.chunks import make_chunks
from ingest.options import ReadOptions
from ingest.outline import Passage
from ingest.parse import Parsed
from ingest.read import read_file
from ingest.splitting import TokenCounts, split_text
from ingest.tables import Grid
from rag_service.adapters.package_weights import cached
from rag_service.adapters.token_counter import TokenCounter
from rag_service.core import ids
from rag_service.core.settings import load_settings
from rag_service.core.types import Chunk, FilingFacts
from tests.unit import ingest_files as files
from tests.unit.ingest_files import count_words

Count = Callable[[Sequence[str]], list[int]]
DOCUMENT = "0123456789abcdef"
FACTS = FilingFacts(company="Harrow Instruments", form="10-K", fiscal_year=2023)
ATOM = 16
"""Words of at most so many tokens are never cut."""

quick = settings(
    derandomize=True,
    deadline=None,
    max_examples=12,
    database=None,
    # Looking for the smallest failing passages takes minutes.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def count_quarters(texts: Sequence[str]) -> list[int]:
    """A token for four characters; what is left over at the end of a text costs nothing."""
    return [len(text) // 4 + 2 for text in texts]


@pytest.fixture(scope="module", params=["words", "quarters", "WordPiece"])
def count(request: pytest.FixtureRequest) -> Count:
    match request.param:
        case "words":
            return count_words
        case "quarters":
            return count_quarters
    folder = cached("minilm", load_settings().cache)
    if folder is None:
        pytest.skip("the weights of MiniLM are not pulled: ragloop models pull minilm")
    return TokenCounter(folder)


# What stands in filings, and what stands in files that are broken or hostile.
ODD = (
    "net", "sales", "rose", "fell,", "by", "U.S.", "e.g.,", "$1,234", "(56)%", "—", "•",
    "Größe", "naïve", "売上高", "المبيعات", "\u202eabc", "a\u200bb", "soft\u00adhyphen", "😀😀",
    "e\u0301" * 40, "\x01\x02", "\ufffd", "x" * 130, "https://example.org/" + "a1-" * 60,
    "," * 300, "売" * 200, "9" * 150,
)  # fmt: skip
words = st.one_of(
    st.sampled_from(ODD),
    st.sampled_from(ODD[:10]),
    st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1, max_size=12),
)
spaces = st.sampled_from([" ", " ", " ", ". The ", "; ", "\n", "\u00a0", " \t "])


@st.composite
def texts(draw: st.DrawFn, most: int = 12) -> str:
    """Some words, printed over and over so that a text grows long from few choices."""
    parts = draw(st.lists(st.tuples(words, spaces), min_size=1, max_size=most))
    text = "".join(word + space for word, space in parts) * draw(st.sampled_from([1, 1, 4, 30]))
    return text.strip()


names = st.one_of(
    st.sampled_from(["", "Business", "Note 7 — Debt > Covenants", "x" * 90]),
    texts(most=4).map(lambda text: " ".join(text.split())),
)
figures = st.sampled_from(["1,234", "(56)", "—", "$ 7.5", "12.3%", "", "", "1" * 40])
lines = texts(most=4).map(lambda text: " ".join(text.split()))


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    width = draw(st.sampled_from([0, 1, 2, 3, 3, 12, 60]))
    cells = draw(st.lists(figures, min_size=4, max_size=8))
    labels = draw(st.lists(st.one_of(lines, st.just("")), min_size=1, max_size=6))
    rows = [
        (label, *(cells[(number + place) % len(cells)] for place in range(width)))
        for number, label in enumerate(labels * draw(st.sampled_from([1, 1, 5])))
    ]
    columns = tuple(draw(st.lists(names, min_size=width, max_size=width)) if width < 4 else
                    [f"Column {place}" for place in range(width)])  # fmt: skip
    captions = tuple(draw(st.lists(lines, max_size=2)))
    unit = draw(st.sampled_from(["", "(in millions)"]))
    full = tuple(filter(any, rows)) or (("Other", *[""] * width),)
    return Grid(unit, captions, columns, full)


@st.composite
def passages(draw: st.DrawFn, kinds: str = "hpt") -> list[Passage]:
    """Headings, prose and tables in reading order."""
    page, item, heading = 1, 1, ""
    found: list[Passage] = []
    for _ in range(draw(st.integers(1, 7))):
        kind = draw(st.sampled_from(kinds))
        page += draw(st.sampled_from([0, 0, 0, 1, 3]))
        item += draw(st.sampled_from([0, 0, 0, 1]))
        heading = draw(st.one_of(st.just(heading), names))
        section = f"Item {item}"
        if kind == "h":
            text = draw(lines)
            found.append(Passage("heading", text, page, page, section, text))
        elif kind == "p":
            text = draw(texts())
            inside = [at for at, character in enumerate(text) if not character.isspace()][1:]
            ends = st.sets(st.sampled_from(inside), max_size=3) if inside else st.just(set[int]())
            first, breaks = page, []
            for at in sorted(draw(ends)):
                page += draw(st.sampled_from([1, 1, 2]))
                breaks.append((at, page))
            found.append(
                Passage("prose", text, first, page, section, heading, page_breaks=tuple(breaks))
            )
        else:
            grid = draw(grids())
            above = [p.text for p in found[-1:] if p.kind == "heading"]
            title = draw(st.one_of(st.sampled_from(["", *above]), names))
            text = "\n".join("  ".join(row) for row in grid.rows)
            found.append(Passage("table", text, page, page, section, heading, grid, title))
    return found


def chunks_of(
    found: Sequence[Passage],
    count: Count = count_words,
    limit: int = 96,
    facts: FilingFacts = FACTS,
    document: str = DOCUMENT,
) -> tuple[Chunk, ...]:
    return make_chunks(Parsed(Path("a.pdf"), document, 1, facts, tuple(found), ()), limit, count)


def row_text(row: Sequence[str]) -> str:
    return "  ".join(filter(None, row))


def text_of(passage: Passage) -> list[str]:
    """What a passage has to say, each part once."""
    grid = passage.grid
    if grid is None:
        return [passage.text]
    captions = [caption for caption in grid.captions if caption != passage.title]
    header = [passage.title, grid.unit, *captions, *grid.columns]
    return [*header, *map(row_text, grid.rows)]


def said(found: Sequence[Passage]) -> str:
    """All text of passages; a heading that is also the title of its table stands once."""
    texts: list[str] = []
    headings: list[Passage] = []
    for passage in found:
        if headings and headings[-1].section != passage.section:
            texts.extend(heading.text for heading in headings)
            headings = []
        if passage.kind == "heading":
            headings.append(passage)
            continue
        texts.extend(h.text for h in headings if not passage.grid or h.text != passage.title)
        texts.extend(text_of(passage))
        headings = []
    return "".join([*texts, *(heading.text for heading in headings)])


def without_repeats(chunks: Sequence[Chunk], found: Sequence[Passage]) -> str:
    """All text of chunks but for headers of tables where they are printed again."""
    tables = [p.grid for p in found if p.grid]
    texts: list[str] = []
    left = 0
    for chunk in chunks:
        lines = chunk.text.split("\n")
        if chunk.cells is not None:
            if left:
                lines = lines[-len(chunk.cells.rows) :]
            else:
                left = len(tables.pop(0).rows)
            left -= len(chunk.cells.rows)
        titles = [whole(p.title) for p in found]
        texts.extend(line for line in lines if not is_shortened(line, titles))
    return "".join(texts)


def is_shortened(line: str, titles: Sequence[str]) -> bool:
    start = whole(line.removesuffix(" …"))
    return line.endswith(" …") and any(title.startswith(start) for title in titles)


def is_cut(chunk: Chunk) -> bool:
    """Whether a chunk holds the end of a row that fits none."""
    return chunk.cells is not None and chunk.text.split("\n")[-1] != row_text(chunk.cells.rows[-1])


def moved(chunks: Sequence[Chunk]) -> bool:
    """Whether a chunk of a table lacks a part of its header."""
    tables = [(chunk.text.split("\n"), chunk.cells) for chunk in chunks if chunk.cells]
    return any(
        line and line not in lines
        for lines, cells in tables
        for line in (cells.title, cells.unit, "  ".join(cells.captions), row_text(cells.columns))
    )


def whole(text: str) -> str:
    return "".join(text.split())


def is_within(inner: Sequence[str], outer: Sequence[str]) -> bool:
    """Whether ``inner`` stands in ``outer`` in this order, other things between."""
    rest = iter(outer)
    return all(any(word == other for other in rest) for word in inner)


@given(found=passages("hp"))
@quick
def test_prose_is_in_the_chunks_once_and_in_order(count: Count, found: list[Passage]) -> None:
    chunks = chunks_of(found, count)
    assert whole("".join(c.text for c in chunks)) == whole("".join(p.text for p in found))
    short = [w for p in found for w in p.text.split() if count([w])[0] <= ATOM]
    assert is_within(short, [word for chunk in chunks for word in chunk.text.split()])


@given(found=passages("hpttt"))
@quick
def test_no_text_of_a_table_is_lost_or_told_twice(count: Count, found: list[Passage]) -> None:
    chunks = chunks_of(found, count)
    told, wanted = whole(without_repeats(chunks, found)), whole(said(found))
    if any(map(is_cut, chunks)):
        told = whole("".join(chunk.text for chunk in chunks))
        assert is_within(wanted, told) or (moved(chunks) and Counter(wanted) <= Counter(told))
    else:
        # Lines of a header that is too long to repeat stand before the others, each once.
        assert told == wanted or (moved(chunks) and Counter(told) == Counter(wanted))


@given(found=passages("hpttt"))
@quick
def test_every_row_is_once_in_cells_and_whole_in_text(count: Count, found: list[Passage]) -> None:
    chunks = chunks_of(found, count)
    rows = [row for chunk in chunks if chunk.cells for row in chunk.cells.rows]
    assert rows == [row for p in found if p.grid for row in p.grid.rows]
    for chunk in chunks:
        assert (chunk.kind == "table") == (chunk.cells is not None)
        if is_cut(chunk):
            assert chunk.cells is not None
            (row,) = chunk.cells.rows
            assert count([row_text(row)])[0] > 0.4 * 0.7 * 96 - 8
        elif chunk.cells:
            assert chunk.text.endswith("\n".join(map(row_text, chunk.cells.rows)))


@given(found=passages("hpttt"), limit=st.sampled_from([64, 96, 220]))
@quick
def test_every_chunk_keeps_the_limit(count: Count, found: list[Passage], limit: int) -> None:
    chunks = chunks_of(found, count, limit)
    assert all(chunk.text.strip() for chunk in chunks)
    assert max(count([chunk.embedded_text for chunk in chunks])) <= limit


@given(found=passages("hpt"), company=names)
@quick
def test_a_long_company_name_leaves_room_for_text(
    count: Count, found: list[Passage], company: str
) -> None:
    chunks = chunks_of(found, count, 64, replace(FACTS, company=company))
    assert max(count([chunk.embedded_text for chunk in chunks])) <= 64


@given(text=texts(most=20), limit=st.integers(16, 60))
@example(text="0" * 17, limit=16)
@quick
def test_parts_keep_the_limit(count: Count, text: str, limit: int) -> None:
    counts = TokenCounts(count)
    parts = split_text(text, limit, counts)
    assert whole("".join(parts)) == whole(text)
    assert max(map(counts.of, parts), default=0) <= limit


@given(found=passages("hp"))
@quick
def test_a_chunk_names_the_pages_of_its_text(count: Count, found: list[Passage]) -> None:
    chunks = chunks_of(found, count)
    printed = [
        (page, passage.section)
        for passage in found
        for page, character in zip(pages_of(passage), passage.text, strict=True)
        if not character.isspace()
    ]
    at = 0
    for chunk in chunks:
        inside = printed[at : at + len(whole(chunk.text))]
        at += len(inside)
        pages = [page for page, _ in inside]
        assert (chunk.page_start, chunk.page_end) == (min(pages), max(pages))
        told = zip(pages_of(chunk), chunk.text, strict=True)
        assert [page for page, character in told if not character.isspace()] == pages
        assert bool(chunk.page_breaks) == (chunk.page_start < chunk.page_end)
        assert {section for _, section in inside} == {chunk.section}


def pages_of(part: Passage | Chunk) -> list[int]:
    """The page of each character of its text."""
    starts = [(0, part.page_start), *part.page_breaks, (len(part.text), 0)]
    return [page for (at, page), (end, _) in pairwise(starts) for _ in range(at, end)]


@given(text=texts(), heading=st.sampled_from(["Net Sales", "Größe:", "Item 1. Business"]))
@quick
def test_a_heading_stays_with_the_beginning_of_a_long_text(
    count: Count, text: str, heading: str
) -> None:
    text += " The sales of net rose." * 60
    found = [
        Passage("heading", heading, 1, 1, "Item 1", heading),
        Passage("prose", text, 2, 2, "Item 1", heading),
    ]
    first, *others = chunks_of(found, count)
    assert first.text.startswith(f"{heading}\n")
    assert (first.page_start, first.page_end) == (1, 2)
    assert all(chunk.page_start == 2 for chunk in others)


@given(found=passages("hpttt"))
@quick
def test_pages_never_go_back(count: Count, found: list[Passage]) -> None:
    chunks = chunks_of(found, count)
    assert all(a.page_start <= b.page_start for a, b in pairwise(chunks))
    tables = iter([p for p in found if p.grid for _ in p.grid.rows])
    for chunk in chunks:
        assert 1 <= chunk.page_start <= chunk.page_end <= found[-1].page_end
        for _ in chunk.cells.rows if chunk.cells else ():
            passage = next(tables)
            assert chunk.page_start <= passage.page_start <= passage.page_end <= chunk.page_end
            assert chunk.section == passage.section


@given(found=passages("hppt"))
@quick
def test_ids_are_unique_and_the_same_again(found: list[Passage]) -> None:
    chunks = chunks_of([*found, *found])
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks)
    assert chunks == chunks_of([*found, *found])
    assert {ids.document_of(chunk.chunk_id) for chunk in chunks} == {DOCUMENT}


@given(found=passages("hppt"), other=passages("hppt"))
@quick
def test_ids_do_not_hang_on_other_documents(found: list[Passage], other: list[Passage]) -> None:
    alone = chunks_of(found)
    beside = chunks_of(other, document="f" * 16)
    assert chunks_of(found) == alone
    assert not {chunk.chunk_id for chunk in alone} & {chunk.chunk_id for chunk in beside}


@given(found=passages("hppt"), place=st.integers(0, 6))
@quick
def test_other_content_has_other_ids(found: list[Passage], place: int) -> None:
    assume(place < len(found))
    before = chunks_of(found)
    passage = found[place]
    if passage.grid is None:
        changed = replace(passage, text=f"{passage.text} unheard-of")
    else:
        rows = (*passage.grid.rows, ("unheard-of",))
        changed = replace(passage, grid=replace(passage.grid, rows=rows))
    after = chunks_of([*found[:place], changed, *found[place + 1 :]])
    old = {chunk.chunk_id: chunk.embedded_text for chunk in before}
    new = {chunk.chunk_id: chunk.embedded_text for chunk in after}
    assert old.keys() != new.keys()
    assert all(old[chunk_id] == new[chunk_id] for chunk_id in old.keys() & new.keys())


def test_texts_that_differ_in_where_a_nul_stands_have_ids_of_their_own() -> None:
    found = [
        Passage("prose", "one\x00two", 1, 1, "Item 1", "three"),
        Passage("prose", "one", 1, 1, "Item 2", "two\x00three"),
    ]
    chunks = chunks_of(found)
    assert len({chunk.chunk_id for chunk in chunks}) == len(chunks) == 2


@given(st.binary(max_size=64), st.binary(max_size=64))
@quick
def test_document_ids_are_those_of_the_bytes(one: bytes, two: bytes) -> None:
    assert ids.document_id(one) == ids.document_id(bytes(bytearray(one)))
    assert (ids.document_id(one) == ids.document_id(two)) == (one == two)


def test_another_process_gives_the_same_ids(tmp_path: Path) -> None:
    path = files.filing(tmp_path / "filing.pdf")
    here = [c.chunk_id for c in read_file(path, ReadOptions(), count_words).chunks]
    assert here
    for seed in ("1", "2"):
        there = subprocess.run(
            [sys.executable, "-c", PRINT_IDS, str(path)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert there.stdout.split() == here


PRINT_IDS = """
import sys
from pathlib import Path
from ingest.read import ReadOptions, read_file
words = lambda texts: [len(text.split()) + 2 for text in texts]
for chunk in read_file(Path(sys.argv[1]), ReadOptions(), words).chunks:
    print(chunk.chunk_id)
"""
