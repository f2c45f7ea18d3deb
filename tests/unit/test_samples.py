import re
from pathlib import Path

import pypdfium2
import pytest

from ingest.samples.blocks import Paragraph
from ingest.samples.books import Books
from ingest.samples.companies.roster import COMPANIES
from ingest.samples.debt import maturities
from ingest.samples.filing import Filing, open_filing
from ingest.samples.generate import write_sample_filings
from ingest.samples.mdna import part_two_front
from ingest.samples.part_one import part_one
from ingest.samples.profile import FILING_YEARS, Company
from ingest.samples.statements import build_books

BOOKS = {company.key: build_books(company) for company in COMPANIES}
YEARS = [
    pytest.param(books, id=f"{key}-{books.year}")
    for key, by_year in BOOKS.items()
    for books in by_year.values()
]
FILINGS = [
    pytest.param(open_filing(company, BOOKS[company.key], year), id=f"{company.key}-{year}")
    for company in COMPANIES
    for year in FILING_YEARS
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_sample_filings(folder)
    return folder


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[str, list[str]]:
    return {path.stem: _page_texts(path) for path in folder.glob("*.pdf")}


def test_bytes_are_the_same_on_a_second_run(folder: Path, tmp_path: Path) -> None:
    for path in write_sample_filings(tmp_path):
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_a_second_run_replaces_the_files_and_leaves_nothing_else(tmp_path: Path) -> None:
    first = write_sample_filings(tmp_path / "new" / "folder")
    first[0].write_bytes(b"damaged")

    again = write_sample_filings(tmp_path / "new" / "folder")

    assert again == first
    assert first[0].read_bytes().startswith(b"%PDF-")
    assert sorted(path.name for path in first) == sorted(
        path.name for path in (tmp_path / "new" / "folder").iterdir()
    )


def test_two_filings_of_eight_companies_of_three_sectors(pages: dict[str, list[str]]) -> None:
    assert len(pages) == 16
    assert "HALVERSEN_2023_10K" in pages
    sectors = [company.sector for company in COMPANIES]
    assert {sector: sectors.count(sector) for sector in set(sectors)} == {
        "pumps": 3,
        "retail": 3,
        "packaging": 2,
    }


def test_filings_are_as_long_as_a_short_annual_report(pages: dict[str, list[str]]) -> None:
    assert all(12 <= len(texts) <= 24 for texts in pages.values())


@pytest.mark.parametrize("books", YEARS)
def test_balance_sheet_balances(books: Books) -> None:
    balance = books.balance
    assert balance.total_assets == balance.total_liabilities + balance.equity


@pytest.mark.parametrize("books", YEARS)
def test_segments_add_up_to_sales_and_to_operating_income(books: Books) -> None:
    income = books.income
    apart = income.corporate + income.amortization + income.restructuring + income.impairment
    assert sum(income.segment_sales) == income.sales
    assert sum(income.segment_profit) - apart == income.operating_income


@pytest.mark.parametrize("books", YEARS)
def test_cash_flow_ties_to_the_change_in_cash(books: Books) -> None:
    assert books.cash.opening_cash == books.opening.cash
    assert books.opening.cash + books.cash.change == books.balance.cash
    assert books.cash.net_income == books.income.net_income
    assert books.balance.cash > 0


@pytest.mark.parametrize("books", YEARS)
def test_provision_for_taxes_is_the_sum_of_its_bridge(books: Books) -> None:
    assert sum(amount for _, amount in books.income.tax_steps) == books.income.tax


@pytest.mark.parametrize("books", YEARS)
def test_price_of_an_acquisition_is_allocated_in_full(books: Books) -> None:
    bought = books.purchase
    assets = bought.receivables + bought.inventories + bought.plant
    assert assets + bought.intangibles + bought.goodwill - bought.payables == bought.price


@pytest.mark.parametrize("filing", FILINGS)
def test_debt_maturities_add_up_to_principal(filing: Filing) -> None:
    due = maturities(filing)
    assert sum(due) == sum(filing.now.balance.debts)
    assert due[0] == filing.now.balance.current_debt


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.key)
@pytest.mark.parametrize(
    "caption", ["Inventories", "Deferred income taxes", "Operating income", "Total assets"]
)
def test_prior_year_figures_agree_across_filings(
    company: Company, caption: str, pages: dict[str, list[str]]
) -> None:
    title = "BALANCE SHEETS" if caption != "Operating income" else company.wording.statement
    newer = _amounts(_statement(pages[f"{company.key}_2023_10K"], title), caption)
    older = _amounts(_statement(pages[f"{company.key}_2022_10K"], title), caption)
    assert newer[1] == older[0]


@pytest.mark.parametrize("filing", FILINGS)
def test_cover_states_who_reports_for_which_year(
    filing: Filing, pages: dict[str, list[str]]
) -> None:
    cover = _flat(pages[f"{filing.company.key}_{filing.year}_10K"][0])
    for fact in (
        "SECURITIES AND EXCHANGE COMMISSION",
        "FORM 10-K",
        f"For the fiscal year ended {filing.year_end}",
        f"Commission file number: {filing.company.commission_file}",
        filing.company.name.upper(),
        filing.company.state,
        filing.company.irs_number,
        filing.company.ticker,
        filing.company.exchange,
    ):
        assert fact in cover


@pytest.mark.parametrize("filing", FILINGS)
def test_items_stand_in_the_order_of_the_form(filing: Filing, pages: dict[str, list[str]]) -> None:
    body = _flat(" ".join(pages[f"{filing.company.key}_{filing.year}_10K"][2:]))
    items = ["1", "1A", "2", "3", "5", "7", "7A", "8", "9A", "10", "15"]
    places = [body.index(f"ITEM {item}. ") for item in items]
    assert places == sorted(places)


@pytest.mark.parametrize("filing", FILINGS)
def test_contents_name_the_page_where_an_item_begins(
    filing: Filing, pages: dict[str, list[str]]
) -> None:
    texts = pages[f"{filing.company.key}_{filing.year}_10K"]
    listed = re.findall(r"Item (\w+)\. [^.]*?[ .]{4,}(\d+)", _flat(texts[1]))
    assert len(listed) >= 12
    for item, folio in listed:
        # Cover and contents come before page 1.
        assert f"ITEM {item}." in texts[int(folio) + 1]


@pytest.mark.parametrize("key", [company.key for company in COMPANIES])
def test_nothing_is_drawn_outside_the_margins(key: str, folder: Path) -> None:
    with pypdfium2.PdfDocument(folder / f"{key}_2023_10K.pdf") as document:
        for page in document:
            width, height = page.get_size()
            text = page.get_textpage()
            boxes = [text.get_charbox(index) for index in range(text.count_chars())]
            assert min(box[0] for box in boxes) > 50
            assert min(box[1] for box in boxes) > 30
            assert max(box[2] for box in boxes) < width - 50
            assert max(box[3] for box in boxes) < height - 30


@pytest.mark.parametrize("company", COMPANIES, ids=lambda company: company.key)
def test_most_of_the_prose_is_the_filings_own(company: Company) -> None:
    own = _sentences(company, 2023)
    others = set().union(*(_sentences(other, 2023) for other in COMPANIES if other != company))

    assert len(own & others) < 0.33 * len(own)
    assert len(own & _sentences(company, 2022)) < 0.6 * len(own)


def _sentences(company: Company, year: int) -> set[str]:
    filing = open_filing(company, BOOKS[company.key], year)
    blocks = [*part_one(filing), *part_two_front(filing)]
    texts = [_flat(block.text) for block in blocks if isinstance(block, Paragraph)]
    return {part for text in texts for part in text.split(". ") if len(part) > 40}


def _page_texts(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def _statement(texts: list[str], title: str) -> str:
    head = re.compile(rf"CONSOLIDATED (STATEMENTS OF )?{title}")
    return next(text for text in texts[2:] if head.search(text[:300]))


def _amounts(text: str, caption: str) -> list[str]:
    found = re.search(rf"^{caption}[\s$]+([\d,.]+)[\s$]+([\d,.]+)", text, re.MULTILINE)
    assert found, f"no row {caption!r}"
    return [found.group(1), found.group(2)]


def _flat(text: str) -> str:
    return " ".join(text.split())
