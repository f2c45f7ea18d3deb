"""Filings as EDGAR serves them: inline XBRL, older HTML, whole submissions."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ingest.edgar_html import prepare_html
from ingest.html_tables import grids_of
from ingest.read import Filing, ReadOptions, read_file, read_files
from ingest.submission import decode
from rag_service.core.errors import IngestError
from rag_service.core.types import Chunk, FilingFacts, TableCells
from tests.unit import edgar_files as edgar
from tests.unit.ingest_files import count_words


def read(path: Path, content: str | bytes, tokens: int = 220) -> Filing:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_file(path, ReadOptions(chunk_tokens=tokens), count_words)


def tables(filing: Filing) -> list[Chunk]:
    return [chunk for chunk in filing.chunks if chunk.cells is not None]


def text_of(filing: Filing) -> str:
    return "\n".join(chunk.text for chunk in filing.chunks)


@pytest.fixture(scope="module")
def annual(tmp_path_factory: pytest.TempPathFactory) -> Filing:
    return read(tmp_path_factory.mktemp("annual") / "hrwi-20230930.htm", edgar.annual_report())


def test_cover_facts(annual: Filing) -> None:
    assert annual.document.facts == FilingFacts(
        company="Harrow Instruments Corporation",
        ticker="HRWI",
        form="10-K",
        fiscal_year=2023,
        period_end="2023-09-30",
    )
    assert annual.warnings == ()


def test_hidden_facts_are_not_read(annual: Filing) -> None:
    text = text_of(annual)
    for hidden in ("0009999999", "FALSE", "2022-10-01", "hrwi-20230930"):
        assert hidden not in text
    assert "FORM 10-K" in text


def test_page_breaks_count_pages(annual: Filing) -> None:
    assert annual.document.pages == 6
    places = {chunk.section: (chunk.page_start, chunk.page_end) for chunk in annual.chunks}
    assert places == {
        "": (1, 1),
        "Item 1": (3, 4),
        "Item 1A": (4, 4),
        "Item 2": (4, 4),
        "Item 8": (6, 6),
        "Item 9A": (6, 6),
    }


def test_page_numbers_links_and_contents_are_left_out(annual: Filing) -> None:
    lines = text_of(annual).splitlines()
    assert not {"1", "2", "3", "i", "Table of Contents", "TABLE OF CONTENTS", "Page"} & set(lines)
    assert sum("Risk Factors" in line for line in lines) == 1


def test_a_paragraph_goes_on_over_the_page(annual: Filing) -> None:
    assert "Demand follows the budgets of research institutes, which are set once a year." in (
        text_of(annual)
    )


def test_tables_for_layout_are_text(annual: Filing) -> None:
    prose = "\n".join(chunk.text for chunk in annual.chunks if chunk.kind == "prose").splitlines()
    assert "• balances for laboratories." in prose
    assert "By: /s/ Jane Harrow" in prose
    assert "Item 1A. Risk Factors" in prose
    assert annual.document.tables == 2


def test_a_statement_keeps_title_unit_columns_and_rows(annual: Filing) -> None:
    chunk = tables(annual)[-1]
    assert chunk.cells == TableCells(
        title="CONSOLIDATED STATEMENTS OF INCOME",
        unit="(in millions)",
        columns=("2023", "2022", "2021"),
        rows=tuple((label, *values) for label, values in edgar.INCOME),
        captions=("Years Ended September 30,",),
    )
    assert "Gain (loss) on sale of businesses  (54)  12  —" in chunk.text.splitlines()
    assert "Years Ended September 30," in chunk.text.splitlines()


def test_each_chunk_of_a_long_table_has_its_headers(tmp_path: Path) -> None:
    rows = [edgar.row(f"Plant {n}", (f"{n + 100}", f"({n + 90})")) for n in range(60)]
    html = edgar.bold("Sales of plants") + edgar.table(
        edgar.header(("2023", "2022"), "(in millions)"), *rows
    )
    found = tables(read(tmp_path / "long.htm", html, 120))
    assert len(found) > 2
    for chunk in found:
        assert chunk.text.splitlines()[-len(chunk.cells.rows) - 1] == "2023  2022"  # type: ignore[union-attr]
    whole = [row for chunk in found if chunk.cells for row in chunk.cells.rows]
    assert whole == [(f"Plant {n}", f"{n + 100}", f"({n + 90})") for n in range(60)]


def test_notes_without_heading_tags(annual: Filing) -> None:
    assert {chunk.heading for chunk in annual.chunks if chunk.section == "Item 8"} >= {
        "CONSOLIDATED STATEMENTS OF INCOME",
        "Note 1. Basis of Presentation",
    }


def test_a_quarterly_report_names_the_parts_of_its_items(tmp_path: Path) -> None:
    filing = read(tmp_path / "tvp.htm", edgar.quarterly_report())
    facts = filing.document.facts
    assert (facts.company, facts.form, facts.period_end) == (
        "Tarn Valley Paper Company",
        "10-Q",
        "2024-06-30",
    )
    assert [chunk.section for chunk in filing.chunks] == [
        "",
        "Part I, Item 1",
        "Part I, Item 2",
        "Part II, Item 1",
        "Part II, Item 2",
        "Item 6",
    ]


def test_headers_that_span_columns(tmp_path: Path) -> None:
    (chunk,) = tables(read(tmp_path / "tvp.htm", edgar.quarterly_report()))
    assert chunk.cells == TableCells(
        title="CONDENSED CONSOLIDATED STATEMENTS OF OPERATIONS",
        unit="(in thousands)",
        columns=(
            "Three Months Ended June 30, 2024",
            "Three Months Ended June 30, 2023",
            "Six Months Ended June 30, 2024",
            "Six Months Ended June 30, 2023",
        ),
        rows=(
            ("Revenue", "$9,310", "$8,870", "$18,204", "$17,733"),
            ("Operating loss", "(120)", "(95)", "(310)", "(207)"),
        ),
    )


def test_a_submission_is_its_report_and_its_press_release(tmp_path: Path) -> None:
    filing = read(tmp_path / "0000999999-24-000005.txt", edgar.current_report())
    facts = filing.document.facts
    assert (facts.company, facts.form, facts.period_end) == (
        "Harrow Instruments Corporation",
        "8-K",
        "2024-03-05",
    )
    sections = [chunk.section for chunk in filing.chunks]
    assert sections[:2] == ["", "Item 2.02"]
    release = tables(filing)[-1]
    assert (release.page_start, release.cells) == (
        2,
        TableCells(
            "Harrow Instruments Reports Second Quarter Results",
            "(in millions)",
            ("2024", "2023"),
            (("Net sales", "$1,120", "$1,043"),),
        ),
    )
    assert "M_]C_X" not in text_of(filing)
    assert filing.warnings == ("2 documents of the submission are not read: GRAPHIC, EX-101.SCH",)


def test_older_html(tmp_path: Path) -> None:
    filing = read(tmp_path / "d10k.htm", edgar.OLD_HTML)
    assert filing.document.facts.company == "Tarn Valley Paper Company"
    assert filing.document.pages == 3
    text = text_of(filing).splitlines()
    assert "Our mills ran at 93% (2) of capacity—as in the year before. Prices rose." in text
    (table,) = tables(filing)
    assert (table.section, table.page_start) == ("Item 7", 2)
    assert table.heading == "Management’s Discussion and Analysis > Results of Operations"
    assert table.cells == TableCells(
        "Results of Operations",
        "(dollars in thousands)",
        ("2004", "2003"),
        (("Tons sold (1)", "412,300", "398,750 (2)"), ("Net loss", "$(1,204)", "$(980)")),
        ("Year ended December 31,",),
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Filing:
    return read(tmp_path_factory.mktemp("plain") / "0000999998-98-000123.txt", edgar.OLD_TEXT)


def test_plain_text_facts_come_from_the_printed_cover(plain: Filing) -> None:
    assert plain.document.facts == FilingFacts(
        company="Tarn Valley Paper Company", form="10-K", fiscal_year=1997, period_end="1997-12-31"
    )


def test_plain_text_pages_and_sections(plain: Filing) -> None:
    assert plain.document.pages == 5
    places = [(chunk.section, chunk.page_start, chunk.page_end) for chunk in plain.chunks]
    assert places == [("", 1, 1), ("Item 1", 3, 4), ("Item 1", 4, 4), ("Item 8", 5, 5)]


def test_plain_text_paragraphs_are_joined(plain: Filing) -> None:
    text = text_of(plain)
    assert (
        'Tarn Valley Paper Company (the "Company") makes coated papers & boards at three mills in '
        "Maine. The Company sells to printers and to publishers through merchants, and holds long "
        "term contracts with four of them. No customer"
    ) in text
    for left_out in ("TABLE OF CONTENTS", "<", "----", "....", "PRIVACY"):
        assert left_out not in text


def test_columns_of_spaces_are_tables(plain: Filing) -> None:
    sales, balance = (chunk.cells for chunk in tables(plain))
    assert sales == TableCells(
        "The following table shows the Company's sales by product",
        "(in thousands)",
        ("1997", "1996", "1995"),
        (
            ("Coated papers", "$412,300", "$398,750", "$377,120"),
            ("Freight and allowances paid to merchants", "(12,044)", "(11,870)", "(10,999)"),
            ("Other, net", "310", "--", "(125)"),
            ("Net sales", "$400,566", "$386,880", "$365,996"),
        ),
        ("Years Ended December 31,",),
    )
    assert balance == TableCells(
        "CONSOLIDATED BALANCE SHEETS",
        "(dollars in thousands)",
        ("December 31, 1997", "December 31, 1996"),
        (
            ("Current assets:", "", ""),
            ("Cash and cash equivalents", "$10,442", "$9,871"),
            ("Receivables, less allowances of $1,200 and $1,100", "55,870", "52,113"),
            ("", "$66,312", "$61,984"),
        ),
    )


def test_the_header_of_a_submission_fills_in_what_the_cover_lacks(tmp_path: Path) -> None:
    bare = edgar.current_report()
    for printed in (
        "FORM 8-K",
        "HARROW INSTRUMENTS CORPORATION",
        "March 5, 2024",
        "Exact name of ",
    ):
        bare = bare.replace(printed, "")
    facts = read(tmp_path / "bare.txt", bare).document.facts
    assert facts == FilingFacts(
        company="Harrow Instruments Corp", form="8-K", fiscal_year=2024, period_end="2024-03-05"
    )


def test_lines_above_a_statement_say_its_unit_and_its_columns_are_dates(tmp_path: Path) -> None:
    def over(*names: str) -> str:
        cells = '<td colspan="3"></td>'.join(f'<td colspan="9">{name}</td>' for name in names)
        return f'<tr><td colspan="3">&#160;</td><td colspan="3"></td>{cells}</tr>'

    html = "".join((
        edgar.bold("HARROW INSTRUMENTS CORPORATION"),
        edgar.bold("CONSOLIDATED STATEMENTS OF INCOME"),
        edgar.bold("(Amounts in Thousands Except Per Share Amounts)"), edgar.bold("(Unaudited)"),
        edgar.table(
            over("Thirteen Weeks Ended", "Thirty-Nine Weeks Ended"),
            edgar.header(("November 2,<br>2024", "October 28,<br>2023") * 2),
            edgar.row("SALES, Net of returns", ("$293,618", "$303,457", "$838,490", "$878,719")),
            "<tr><td colspan=3></td></tr>", edgar.row("OPERATING EXPENSES&#58;", ("",) * 4),
            edgar.row("Selling", ("71,986", "70,242", "206,454", "205,081")),
        ),
    ))  # fmt: skip
    (chunk,) = tables(read(tmp_path / "release.htm", html))
    assert chunk.cells is not None
    assert chunk.cells.title == "CONSOLIDATED STATEMENTS OF INCOME"
    assert chunk.cells.unit == "(Amounts in Thousands Except Per Share Amounts) (Unaudited)"
    assert chunk.cells.columns == (
        "Thirteen Weeks Ended November 2, 2024",
        "Thirteen Weeks Ended October 28, 2023",
        "Thirty-Nine Weeks Ended November 2, 2024",
        "Thirty-Nine Weeks Ended October 28, 2023",
    )
    assert chunk.cells.rows[1:] == (
        ("OPERATING EXPENSES:", "", "", "", ""),
        ("Selling", "71,986", "70,242", "206,454", "205,081"),
    )


def test_a_table_that_goes_on_over_the_page_keeps_its_headers(tmp_path: Path) -> None:
    html = (
        edgar.table(edgar.header(("2023", "2022")), *(edgar.row(f"A{n}", ("1", "2")) for n in "xy"))
        + edgar.page_break("7")
        + edgar.table(*(edgar.row(f"B{n}", ("3", "4")) for n in "xy"))
    )
    second = tables(read(tmp_path / "two.htm", html))[-1]
    assert second.cells is not None
    assert (second.page_start, second.cells.columns) == (2, ("2023", "2022"))


def test_other_columns_in_the_midst_of_a_table_begin_another() -> None:
    html = prepare_html(
        edgar.table(
            edgar.header(("2023", "2022")),
            edgar.row("Sales", ("10", "9")),
            edgar.row("Costs", ("7", "6")),
            edgar.header(("2021", "2020")),
            edgar.row("Sales", ("8", "5")),
            edgar.row("Costs", ("4", "3")),
        )
    )
    assert [(grid.columns, grid.rows) for grid in grids_of(html)] == [
        (("2023", "2022"), (("Sales", "10", "9"), ("Costs", "7", "6"))),
        (("2021", "2020"), (("Sales", "8", "5"), ("Costs", "4", "3"))),
    ]


def test_a_page_set_in_a_table(tmp_path: Path) -> None:
    inner = edgar.table(edgar.header(("2023", "2022")), edgar.row("Sales", ("10", "9")))
    html = (
        f"<table><tr><td>{edgar.bold('Item 7. Management’s Discussion and Analysis')}"
        f"{edgar.p(edgar.PROSE)}{inner}{edgar.p('Sales rose.')}</td></tr></table>"
    )
    filing = read(tmp_path / "nested.htm", html)
    assert [(chunk.kind, chunk.section) for chunk in filing.chunks] == [
        ("prose", "Item 7"),
        ("table", "Item 7"),
        ("prose", "Item 7"),
    ]
    assert filing.chunks[1].cells is not None
    assert filing.chunks[1].cells.rows == (("Sales", "10", "9"),)


def test_a_cell_that_spans_rows_moves_the_others() -> None:
    html = prepare_html(
        "<table><tr><td rowspan=2>Region</td><td colspan=2>Sales</td></tr>"
        "<tr><td>2023</td><td>2022</td></tr>"
        "<tr><td>North</td><td>12</td><td>11</td></tr><tr><td>South</td><td>7</td><td>6</td></tr>"
        "</table>"
    )
    (grid,) = grids_of(html)
    assert (grid.captions, grid.columns) == (("Region", "Sales"), ("2023", "2022"))
    assert grid.rows == (("North", "12", "11"), ("South", "7", "6"))


def test_words_in_columns_stay_rows() -> None:
    html = prepare_html(
        "<table><tr><td>Name</td><td>Age</td><td>Office</td></tr>"
        "<tr><td>Jane Harrow</td><td></td><td>Chief Executive Officer</td></tr>"
        "<tr><td>John Tarn</td><td>52</td><td>Treasurer</td></tr></table>"
    )
    (grid,) = grids_of(html)
    assert grid.rows[-2:] == (
        ("Jane Harrow", "", "Chief Executive Officer"),
        ("John Tarn", "52", "Treasurer"),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "utf-32"])
def test_encodings(encoding: str) -> None:
    text = "<p>Harrow’s sales — at € 5 – rose “again”.</p>"
    assert decode(text.encode(encoding)) == text


def test_a_few_bad_bytes_spoil_nothing_else() -> None:
    content = "sales — rose — again —".encode() + b" \x93 "
    assert decode(content) == "sales — rose — again — \ufffd "
    assert decode(b"<meta charset=iso-8859-1><p>Soci\xe9t\xe9 \x93quoted\x94</p>").endswith(
        "<p>Société “quoted”</p>"
    )
    assert decode(b"<meta charset=shift_jis>\x83n\x83\x8d\x81[").endswith("ハロー")


def test_deeply_nested_tags(tmp_path: Path) -> None:
    deep = 20_000
    html = "<div><b>" * deep + "Item 1. Business" + "</b></div>" * deep + edgar.p(edgar.PROSE)
    filing = read(tmp_path / "deep.htm", f"<html><body>{html}</body></html>")
    assert [chunk.section for chunk in filing.chunks] == ["Item 1"]
    assert edgar.PROSE in text_of(filing)


def test_deeply_nested_tables(tmp_path: Path) -> None:
    deep = 3_000
    html = "<table><tr><td>" * deep + edgar.PROSE + "</td></tr></table>" * deep
    assert edgar.PROSE in text_of(read(tmp_path / "deep.htm", html))


@pytest.mark.parametrize(
    "html",
    [
        "<html><body></body></html>",
        "<html></html>",
        "<p>&nbsp;</p>",
        f"<html>{edgar.HIDDEN}</html>",
    ],
)
def test_a_file_without_text_is_refused(tmp_path: Path, html: str) -> None:
    with pytest.raises(IngestError) as caught:
        read(tmp_path / "empty.htm", html)
    assert caught.value.reason == "no_text"


def test_tags_that_do_not_close(tmp_path: Path) -> None:
    html = "<body><p>One sentence here.<p><b>Item 2. Properties<p>Another one.<table><tr><td>x<td>1"
    text = text_of(read(tmp_path / "open.htm", html))
    for part in ("One sentence here.", "Item 2. Properties", "Another one.", "x 1"):
        assert part in text


def test_preformatted_text_keeps_its_columns(tmp_path: Path) -> None:
    html = (
        "<html><body><pre>\nNet sales by plant\n\n                 2023     2022\n"
        "North            $ 412    $ 398\nSouth              (88)      90\n</pre></body></html>"
    )
    (table,) = tables(read(tmp_path / "pre.htm", html))
    assert table.cells is not None
    assert table.cells.columns == ("2023", "2022")
    assert table.cells.rows == (("North", "$412", "$398"), ("South", "(88)", "90"))


def test_a_large_filing_is_read_within_the_limits_of_a_worker(tmp_path: Path) -> None:
    page = edgar.bold("Segments") + edgar.p(edgar.PROSE) * 4 + edgar.table(
        edgar.header(("2023", "2022", "2021")), *(edgar.row(*line) for line in edgar.INCOME * 3)
    ) + edgar.page_break("1")  # fmt: skip
    path = tmp_path / "large.htm"
    path.write_text(page * (3_000_000 // len(page)))
    start = time.monotonic()
    ((_, filing),) = read_files([path], ReadOptions(workers=1, memory_mb=2048), count_words)
    assert isinstance(filing, Filing)
    assert filing.document.tables == filing.document.pages > 100
    assert time.monotonic() - start < 120
