"""What the benchmark of answers counts as grounded, right and quoted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.options import ReadOptions
from ingest.read import read_file
from ingest.samples.companies.roster import COMPANIES
from ingest.samples.draw import draw_filing
from ingest.samples.filing import open_filing
from ingest.samples.generate import compose
from ingest.samples.statements import build_books
from rag_service.core.errors import DataError
from rag_service.core.types import Answer, Citation, Question, QuestionSet
from rag_service.loop.answer_benchmark import AnswerBenchmark
from rag_service.loop.gold_numbers import is_right, one_number, stated_number
from rag_service.loop.quote_check import QuoteCheck, stands_in
from tests.fakes.answering import World
from tests.fakes.stores import FakeChunkStore


@pytest.mark.parametrize(
    ("gold", "answer", "right"),
    [
        ("$1577.00", "Capital expenditures, FY2018: 1,577 million", True),
        ("1577", "Purchases of plant: (1,577) (2018, in millions)", True),
        ("$8.71", "Net PP&E, FY2018: 8,738 million = 8.738 billion", False),
        ("$8.70", "Net PP&E, FY2018: 8,738 million = 8.738 billion", True),
        ("$5466.00", "Cash, FY2021: 5,466.312 million", True),
        ("$5466.00", "Cash, FY2021: 5,466.512 million", False),
        ("5466.00 USD", "Cash, FY2021: 5,466.312 million", True),
        ("$540.00 million", "Cash, FY2021: 536 million", False),
        ("2.00", "Current ratio, FY2021: 3 / 2 = 2.04", False),
        ("5.0%", "Net margin, FY2021: 3 / 2 = 5.4 %", False),
        ("$8.7 billion", "Net PP&E, FY2018: 8,738 million", True),
        ("$8.738 billion", "It was $8.7 billion at December 31, 2018.", False),
        ("8.738", "Net PP&E was $8,738 million at December 31, 2018.", True),
        ("4.8%", "Capex share of revenue, FY2018: 1,577 / 32,765 = 4.8 %", True),
        ("0.05", "Capex share of revenue, FY2018: 1,577 / 32,765 = 4.8 %", True),
        ("-3.2%", "Growth of net sales, FY2017, FY2018: (1 − 2) / 2 = −3.2 %", True),
        ("-3.2%", "Growth of net sales, FY2017, FY2018: (2 − 1) / 1 = 3.2 %", False),
        ("0.66", "Quick ratio, FY2023: (750 − 300) / 500 = 0.90", False),
        ("24.26", "Turnover, FY2019: 2 / 3 = 24.26", True),
        ("1,600 million", "Net sales, FY2022: 1,600 thousand", False),
        ("5", "No figure in 2018.", False),
    ],
)
def test_numbers_are_compared_as_exactly_as_the_gold_answer_is(
    gold: str, answer: str, right: bool
) -> None:
    wanted, stated = one_number(gold), stated_number(answer)
    assert wanted is not None
    assert (stated is not None and is_right(stated, wanted)) == right


@pytest.mark.parametrize(
    "gold", ["", "Yes", "1,577 and 1,373", "FY2018", "about 5", "5 to 6", "(5", "1,57"]
)
def test_what_is_no_single_number_is_not_judged(gold: str) -> None:
    assert one_number(gold) is None


def test_a_quote_stands_in_lines_in_its_order_or_as_a_row_of_few_of_them() -> None:
    lines = ["Net cash provided by", "$ 365 280", "operating activities"]
    lines.append("Purchases of stock (190)")
    assert stands_in("Purchases of stock  (190)", lines)
    assert stands_in("Net cash provided by operating activities  $365  280", lines)
    assert not stands_in("Purchases of stock  (191)", lines)
    assert not stands_in("Purchases of stock  (190)  (190)", lines)
    assert not stands_in("Purchases of stock", [])


class Told:
    """Answers as it is told, by question."""

    def __init__(self, answers: dict[str, Answer]) -> None:
        self._answers = answers

    async def ask(self, question: str) -> Answer:
        return self._answers[question]


def _answer(text: str, *citations: Citation) -> Answer:
    return Answer("", text, bool(citations), citations, "r0001", "computed")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    company = next(company for company in COMPANIES if company.key == "BRANNOCH")
    filing = open_filing(company, build_books(company), 2023)
    path = tmp_path_factory.mktemp("filing") / "BRANNOCH_2023_10K.pdf"
    path.write_bytes(draw_filing(compose(filing), company.look, company.name, "10-K"))
    return path


def test_reports_shares_with_intervals(tmp_path: Path, path: Path) -> None:
    read = read_file(path, ReadOptions(), lambda texts: [len(t.split()) for t in texts])
    world = World(tmp_path)
    world.add_release("ma", read.chunks, live=True)
    world.chunks.replace(read.document, read.chunks, "r0001")
    page = f"{path.name}#page=1"
    sales = build_books(next(c for c in COMPANIES if c.key == "BRANNOCH"))[2023].income.sales
    asked = (
        Question("sales", "What were Brannoch's net sales in fiscal 2023?", {page: 1},
                 {"answer": f"{sales:,} thousand"}),
        Question("wrong", "What was the gross profit of Brannoch in fiscal 2023?", {page: 1},
                 {"answer": "1"}),
        Question("why", "Who is the king of Spain?", {page: 1}, {"answer": "nobody"}),
        Question("elsewhere", "What were net sales?", {"OTHER.pdf#page=3": 1}, {"answer": "5"}),
    )  # fmt: skip
    benchmark = AnswerBenchmark(world.answerer, world.chunks, 13)
    report = asyncio.run(benchmark.run(QuestionSet("set", "test", asked), [path]))
    assert (report["questions"], report["skipped"], report["release"]) == (3, 1, "r0001")
    assert report["methods"] == {"computed": 2, "none": 1}
    assert report["grounded"]["value"] == pytest.approx(2 / 3)
    assert report["right"]["questions"] == 2
    assert report["right"]["value"] == 0.5
    assert report["wrong_by_method"] == {"computed": 1}
    assert (report["quoted"]["value"], report["quoted"]["questions"]) == (1.0, 2)
    assert (report["citations_reread"], report["citations_over_pages"]) == (2, 0)
    assert report["per_question"]["sales"]["right"] is True
    assert report["per_question"]["why"]["right"] is None
    low, high = report["right"]["low"], report["right"]["high"]
    assert 0 <= low <= 0.5 <= high <= 1


def test_quotes_are_looked_for_on_the_pages_of_the_file(path: Path) -> None:
    read = read_file(path, ReadOptions(), lambda texts: [len(t.split()) for t in texts])
    check = QuoteCheck([path], FakeChunkStore())
    single = [c for c in read.chunks if c.page_start == c.page_end]
    lines = [(c, line) for c in single[::9] for line in c.text.splitlines() if len(line) > 30]
    assert len(lines) > 20

    def cited(chunk_page: int, quote: str) -> bool:
        return check.stands(Citation(path.name, chunk_page, quote, "x", chunk_page))

    assert all(cited(chunk.page_start, line) for chunk, line in lines)
    assert not any(cited(chunk.page_start, f"{line} 987654") for chunk, line in lines)
    assert check.reread == 2 * len(lines)


def test_without_the_file_the_stored_chunks_of_the_page_are_read(path: Path) -> None:
    read = read_file(path, ReadOptions(), lambda texts: [len(t.split()) for t in texts])
    store = FakeChunkStore()
    store.replace(read.document, read.chunks, None)
    check = QuoteCheck([], store)
    chunk = read.chunks[20]
    citation = Citation(path.name, chunk.page_start, chunk.text, chunk.chunk_id, chunk.page_end)
    assert chunk.page_start == chunk.page_end
    assert check.stands(citation)
    assert not check.stands(replace(citation, page=1, page_end=1))
    assert not check.stands(replace(citation, document="none.pdf"))
    assert check.reread == 0


@pytest.mark.parametrize("from_file", [True, False])
def test_a_quote_over_a_page_break_stands_on_no_page_alone(path: Path, from_file: bool) -> None:
    read = read_file(path, ReadOptions(), lambda texts: [len(t.split()) for t in texts])
    store = FakeChunkStore()
    store.replace(read.document, read.chunks, None)
    check = QuoteCheck([path] if from_file else [], store)
    chunk = next(c for c in read.chunks if c.kind == "prose" and c.page_breaks)
    first, (page, text), *_ = chunk.text_by_page
    citation = Citation(path.name, chunk.page_start, chunk.text, chunk.chunk_id, chunk.page_end)
    assert not check.stands(citation)
    assert check.over_pages == 1
    assert check.stands(replace(citation, quote=first[1]))
    assert check.stands(replace(citation, quote=text, page=page))
    assert not check.stands(replace(citation, quote=first[1], page=page, page_end=page))
    assert check.over_pages == 1


def test_an_answer_whose_quote_is_elsewhere_is_not_quoted(tmp_path: Path, path: Path) -> None:
    read = read_file(path, ReadOptions(), lambda texts: [len(t.split()) for t in texts])
    store = FakeChunkStore()
    store.replace(read.document, read.chunks, None)
    question = Question("q", "q", {f"{path.name}#page=2": 1})
    make: Callable[[str], Answer] = lambda quote: _answer(  # noqa: E731
        "5", Citation(path.name, 1, quote, "x", 1)
    )
    for quote, share in (("FORM 10-K", 1.0), ("FORM 99-X", 0.0)):
        benchmark = AnswerBenchmark(Told({"q": make(quote)}), store, 13)
        report = asyncio.run(benchmark.run(QuestionSet("set", "test", (question,)), [path]))
        assert report["quoted"]["value"] == share
        assert report["right"] == {"questions": 0}
    nowhere = replace(question, relevant={"OTHER.pdf#page=1": 1})
    with pytest.raises(DataError, match="ingest"):
        asyncio.run(benchmark.run(QuestionSet("set", "test", (nowhere,)), []))
