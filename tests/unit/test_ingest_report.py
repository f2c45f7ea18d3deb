"""What is shown of one file: its parts by page, its pages' pictures, and the page beside them."""

from __future__ import annotations

import io
import os
import re
import signal
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from ingest import pictures
from ingest.inspection import inspect_filing
from ingest.pictures import Picture, draw_pages
from ingest.read import Filing, ReadOptions, read_file
from ingest.report import write_report
from rag_service.core.errors import InvalidRequest
from tests.unit import ingest_files as files
from tests.unit import inspect_files
from tests.unit.ingest_files import count_words

OPTIONS = ReadOptions(chunk_tokens=120)
DOT = Picture(b"\xff\xd8 a picture", 10, 20)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files.filing(tmp_path_factory.mktemp("filing") / "HARROW_2023_10K.pdf")


@pytest.fixture(scope="module")
def filing(path: Path) -> Filing:
    return read_file(path, OPTIONS, count_words)


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._in_style = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False

    def handle_data(self, data: str) -> None:
        if not self._in_style:
            self.text += data

    def values(self, attribute: str) -> list[str]:
        return [value for _, found in self.tags if (value := found.get(attribute))]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)


def report(
    filing: Filing, target: Path, shown: Sequence[Picture | str] | None, page: int = 0
) -> Page:
    write_report(inspect_filing(filing, page), shown, target)
    return Page(target.read_text(encoding="utf-8"))


def test_a_page_keeps_what_touches_it_and_nothing_else(filing: Filing) -> None:
    whole, one = inspect_filing(filing), inspect_filing(filing, 5)
    assert list(whole.pages) == [1, 2, 3, 4, 5, 6]
    assert list(one.pages) == [5]
    for name in ("headings", "tables", "chunks"):
        touching = [p for p in getattr(whole, name) if p.page_start <= 5 <= p.page_end]
        assert list(getattr(one, name)) == touching
        assert len(touching) < len(getattr(whole, name))
    assert one.chunks


@pytest.mark.parametrize("page", [-1, 7, 10**30])
def test_a_page_that_is_not_there_says_how_many_there_are(filing: Filing, page: int) -> None:
    with pytest.raises(InvalidRequest, match=r"HARROW_2023_10K\.pdf has 6 pages") as refused:
        inspect_filing(filing, page)
    assert str(page) in refused.value.message


def test_the_outline_has_levels_sections_and_pages(filing: Filing) -> None:
    outline = inspect_filing(filing).as_dict()["outline"]
    found = {heading["text"]: heading for heading in outline}
    assert found["Item 1. Business"] == {
        "level": 1, "text": "Item 1. Business", "section": "Item 1", "page": 3,
    }  # fmt: skip
    assert found["Overview"]["level"] == 2
    assert found["Overview"]["section"] == "Item 1"
    assert [heading["page"] for heading in outline] == sorted(h["page"] for h in outline)


def test_chunks_and_tables_are_given_whole(filing: Filing) -> None:
    document = inspect_filing(filing).as_dict()
    assert [c["chunk_id"] for c in document["chunks"]] == [c.chunk_id for c in filing.chunks]
    assert len(document["tables"]) == filing.document.tables
    income = next(
        t for t in document["tables"] if t["title"] == "Consolidated Statements of Income"
    )
    assert income["unit"] == "(in millions, except per share amounts)"
    assert income["columns"] == ["2023", "2022", "2021"]
    assert len(income["rows"]) == len(files.INCOME)
    cells = next(c["cells"] for c in document["chunks"] if c["kind"] == "table")
    assert set(cells) == {"title", "unit", "columns", "rows"}
    assert all(c["cells"] is None for c in document["chunks"] if c["kind"] == "prose")


def test_every_page_stands_beside_its_chunks(filing: Filing, tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.html"
    page = report(filing, target, [DOT] * 6)
    assert page.count("img") == 6
    assert all(source.startswith("data:image/jpeg;base64,/9gg") for source in page.values("src"))
    ids = page.values("id")
    assert [i for i in ids if re.fullmatch(r"p\d+", i)] == [f"p{n}" for n in range(1, 7)]
    assert [i for i in ids if re.fullmatch(r"c\d+", i)] == [
        f"c{chunk.position}" for chunk in filing.chunks
    ]
    for chunk in filing.chunks:
        assert chunk.chunk_id in page.text
        assert chunk.context in page.text
    assert {"Harrow Instruments Corporation", "HRWI", "2023-09-30"} <= set(
        re.findall(r"HRWI|2023-09-30|Harrow Instruments Corporation", page.text)
    )
    assert list(target.parent.iterdir()) == [target]


def test_links_lead_to_pages_and_chunks_that_are_shown(filing: Filing, tmp_path: Path) -> None:
    for number in (0, 1, 5):
        shown = [DOT] * (6 if number == 0 else 1)
        page = report(filing, tmp_path / "report.html", shown, number)
        links = page.values("href")
        assert links
        assert {link.removeprefix("#") for link in links} <= set(page.values("id"))


def test_a_chunk_that_goes_on_is_shown_once_and_named_on_its_next_page(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text("Item 1. Business\n\nWe sell things to everyone we know.\n")
    filing = read_file(tmp_path / "long.txt", OPTIONS, count_words)
    chunk = type(filing.chunks[0])
    spanning = [
        chunk(
            f"d.{n}", "d", "long.txt", f"text {n}", "", "prose", "Item 1", "Sales",
            start, end, n, filing.document.facts,
        )
        for n, (start, end) in enumerate([(1, 2), (2, 2)])
    ]  # fmt: skip
    document = filing.document
    two = Filing(filing.path, type(document)("d", "long.txt", document.facts, 2, 2, 0, ""),
                 tuple(spanning))  # fmt: skip
    whole = report(two, tmp_path / "whole.html", None)
    assert whole.text.count("text 0") == 1
    assert "goes on from page 1: Sales #1" in whole.text
    assert "#c0" in whole.values("href")
    second = report(two, tmp_path / "second.html", None, 2)
    assert second.text.count("text 0") == second.text.count("text 1") == 1
    assert "goes on" not in second.text


def test_a_table_is_a_table_with_its_title_unit_names_and_figures(
    filing: Filing, tmp_path: Path
) -> None:
    target = tmp_path / "report.html"
    page = report(filing, target, [DOT], 4)
    text = target.read_text()
    assert page.count("table") == len([c for c in inspect_filing(filing, 4).chunks if c.cells])
    assert (
        "<figcaption><b>Consolidated Statements of Income</b>"
        "<span>(in millions, except per share amounts)</span></figcaption>"
    ) in text
    assert '<th scope="col">2023</th><th scope="col">2022</th><th scope="col">2021</th>' in text
    assert (
        '<tr><th scope="row">Gain on sale of businesses</th><td class=figure>(54)</td>'
        "<td class=figure>(12)</td><td class=figure>—</td></tr>"
    ) in text


def test_a_page_without_a_picture_says_why_in_its_place(filing: Filing, tmp_path: Path) -> None:
    page = report(filing, tmp_path / "report.html", ["cannot be drawn: <b>odd</b>"], 3)
    assert "cannot be drawn: <b>odd</b>" in page.text
    assert page.count("img") == 0


def test_what_a_report_may_load_is_nothing(filing: Filing, tmp_path: Path) -> None:
    page = report(filing, tmp_path / "report.html", [DOT] * 6)
    (policy,) = [a["content"] for t, a in page.tags if a.get("http-equiv")]
    assert policy is not None
    allowed = dict(rule.split(maxsplit=1) for rule in policy.split("; "))
    assert allowed["default-src"] == "'none'"
    assert allowed["img-src"] == "data:"
    assert set(allowed) == {"default-src", "img-src", "style-src", "base-uri", "form-action"}
    assert not {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.tags}
    assert "url(" not in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize("kind", ["pdf", "html"])
def test_markup_in_a_filing_stays_text(tmp_path: Path, kind: str) -> None:
    name = tmp_path / f"<script>x<.{kind}"
    source = inspect_files.hostile_pdf(name) if kind == "pdf" else inspect_files.hostile_html(name)
    page = report(read_file(source, OPTIONS, count_words), tmp_path / "report.html", None)
    assert page.count("script") == page.count("img") == page.count("i") == 0
    assert page.text.count(inspect_files.SCRIPT) >= 3
    assert page.text.count(source.name) >= 2
    assert not [a for _, found in page.tags for a in found if a.startswith("on")]


def test_a_file_without_pages_to_draw_has_no_column_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "filing.txt").write_text("Item 1. Business\n\nWe sell things to everyone.\n")
    filing = read_file(tmp_path / "filing.txt", OPTIONS, count_words)
    page = report(filing, tmp_path / "report.html", None)
    assert page.count("article") == len(filing.chunks) > 0
    assert page.count("img") == 0
    assert "both" not in page.values("class")


def test_a_report_that_fails_leaves_the_old_one(filing: Filing, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")

    def failing() -> Iterator[Picture | str]:
        yield DOT
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write_report(inspect_filing(filing), failing(), target)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_pages_are_drawn_as_jpeg(path: Path) -> None:
    drawn = list(draw_pages(path, [4, 1], OPTIONS))
    assert len(drawn) == 2
    for picture in drawn:
        assert isinstance(picture, Picture)
        with Image.open(io.BytesIO(picture.jpeg)) as image:
            assert image.format == "JPEG"
            assert image.size == (picture.width, picture.height) == (935, 1210)
            dark = sum(image.convert("L").histogram()[:100])
            assert 500 < dark < 0.2 * 935 * 1210
    assert drawn[0] != drawn[1]


def test_a_page_of_any_size_gives_a_picture_of_bounded_size(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "large.pdf"), pagesize=(14400, 14400))
    canvas.drawString(100, 100, "corner")
    canvas.showPage()
    canvas.setPageSize((14400, 1))
    canvas.drawString(0, 0, "line")
    canvas.showPage()
    canvas.save()
    large, thin = draw_pages(tmp_path / "large.pdf", [1, 2], OPTIONS)
    assert isinstance(large, Picture)
    assert isinstance(thin, Picture)
    assert (large.width, large.height) == (2000, 2000)
    assert (thin.width, thin.height) == (2000, 1)


def test_a_page_that_cannot_be_loaded_is_named_and_stops_no_other(path: Path) -> None:
    missing, drawn = draw_pages(path, [99, 1], OPTIONS)
    assert isinstance(missing, str)
    assert missing.startswith("this page cannot be drawn: ")
    assert "process" not in missing
    assert isinstance(drawn, Picture)


def test_a_drawing_process_that_dies_takes_one_page_with_it(path: Path) -> None:
    drawn = draw_pages(path, [1, 2, 3], OPTIONS)
    assert isinstance(next(drawn), Picture)
    signal_artist(signal.SIGKILL)
    assert next(drawn) == "this page cannot be drawn: its process ended with status -9"
    assert isinstance(next(drawn), Picture)
    drawn.close()
    assert artists() == []


def test_a_drawing_process_that_hangs_is_given_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = draw_pages(path, [1, 2, 3], OPTIONS)
    assert isinstance(next(drawn), Picture)
    signal_artist(signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr(pictures, "PAGE_SECONDS", 1.0)
        assert next(drawn) == "this page cannot be drawn: it was not done after 1 s"
    assert isinstance(next(drawn), Picture)
    assert list(drawn) == []
    assert artists() == []


def test_a_file_that_loses_every_process_is_left_undrawn(path: Path) -> None:
    drawn = draw_pages(path, range(1, 7), OPTIONS)
    assert isinstance(next(drawn), Picture)
    signal_artist(signal.SIGKILL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "MAX_LOST", 1)
        assert "status -9" in str(next(drawn))
        rest = list(drawn)
    assert rest == ["not drawn: 1 of the pages before it could not be drawn"] * 4


def test_pictures_have_the_time_of_one_file(path: Path) -> None:
    (late,) = draw_pages(path, [1], ReadOptions(seconds=0))
    assert isinstance(late, str)
    assert "RAGLOOP_PARSE_SECONDS" in late


def signal_artist(number: signal.Signals) -> None:
    (pid,) = artists()
    os.kill(pid, number)


def artists() -> list[int]:
    """Children of this process that draw pages."""
    found = [
        int(pid)
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    ]
    return [
        pid
        for pid in found
        if b"ingest.picture_worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
