"""Calculations that an LLM names: worked out from cited figures, or not at all."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rag_service.answering.calculations import Operation, bears_out, work_out
from rag_service.answering.citations import Evidence, cite, fold
from rag_service.answering.figures import figures
from rag_service.answering.numeric.calculate import Uncomputable
from rag_service.core.types import Chunk, Hit
from tests.fakes import statements as made
from tests.fakes.answering import ScriptedGenerator, World, claimed

INCOME = made.income().chunk
PROSE = replace(
    INCOME,
    cells=None,
    kind="prose",
    text="Capital expenditures were $190 million in 2023, or 9.5% of sales in 45 stores.",
)


def evidence(chunk: Chunk, quote: str) -> Evidence:
    citations = cite(chunk, quote)
    assert citations
    return Evidence(chunk, fold(quote), citations)


SALES = evidence(INCOME, "Net sales  $2,000  $1,600  $1,250")
COSTS = evidence(INCOME, "Cost of sales  1,200  1,000  800")
INTEREST = evidence(INCOME, "Interest expense  (40)  (20)  —")
SPENT = evidence(PROSE, "$190 million in 2023, or 9.5% of sales in 45 stores")


@pytest.mark.parametrize(
    ("operation", "operands", "text"),
    [
        ("share", [(COSTS, "1,200"), (SALES, "$2,000")], "1,200 / 2,000 = 60.0 %"),
        ("ratio", [(SALES, "2,000"), (COSTS, "1200")], "2,000 / 1,200 = 1.67"),
        ("difference", [(SALES, "2,000"), (COSTS, "1,200")], "2,000 − 1,200 = 800 million"),
        ("growth", [(SALES, "1,600"), (SALES, "2,000")], "(2,000 − 1,600) / 1,600 = 25.0 %"),
        ("sum", [(SALES, "2,000"), (SALES, "1,600"), (SALES, "1,250")],
         "2,000 + 1,600 + 1,250 = 4,850 million"),
        ("difference", [(SALES, "2,000"), (INTEREST, "(40)")], "2,000 − (−40) = 2,040 million"),
        ("share", [(SPENT, "$190"), (SALES, "2,000")], "190 / 2,000 = 9.5 %"),
    ],
)  # fmt: skip
def test_works_out_what_is_cited(
    operation: Operation, operands: list[tuple[Evidence, str]], text: str
) -> None:
    assert work_out(operation, operands).text == text


@pytest.mark.parametrize(
    ("operation", "operands", "reason"),
    [
        ("share", [(COSTS, "1,201"), (SALES, "2,000")], "does not stand"),
        ("share", [(COSTS, "2,000"), (SALES, "2,000")], "does not stand"),
        ("growth", [(SALES, "2,000")], "no meaning"),
        ("ratio", [(SALES, "2,000"), (SALES, "1,600"), (SALES, "1,250")], "no meaning"),
        ("ratio", [(SALES, "2,000"), (INTEREST, "—")], "divide by zero"),
        ("sum", [(SALES, "much"), (SALES, "1,600")], "is no figure"),
        ("difference", [(SALES, "2,000"), (SPENT, "9.5%")], "cannot be put together"),
        ("sum", [], "no meaning"),
    ],
)
def test_refuses_what_is_not_cited_or_has_no_meaning(
    operation: Operation, operands: list[tuple[Evidence, str]], reason: str
) -> None:
    with pytest.raises(Uncomputable, match=reason):
        work_out(operation, operands)


@pytest.mark.parametrize(
    ("stated", "right"),
    [
        ("It grew 25%.", True),
        ("It grew 25.0 percent.", True),
        ("It grew 25.1%.", False),
        ("It grew 25 million.", False),
        ("It grew by 25.", False),
    ],
)
def test_a_stated_figure_is_the_result_as_exactly_as_it_is_stated(stated: str, right: bool) -> None:
    grown = work_out("growth", [(SALES, "1,600"), (SALES, "2,000")])
    assert grown.result.value == Decimal(25)
    assert bears_out(grown, figures(stated)[0]) == right


def test_results_are_told_in_their_own_scale() -> None:
    gross = work_out("difference", [(SALES, "2,000"), (COSTS, "1,200")])
    assert [bears_out(gross, f) for f in figures("800, $800 million, 0.8 billion, 801, 8%")] == [
        True, True, True, False, False,
    ]  # fmt: skip


QUESTION = "How heavy were cost of sales on net sales of Quillmere in 2023?"


@pytest.mark.parametrize(
    ("figure", "said"),
    [("60%", "Cost of sales were 60% of net sales. (1,200 / 2,000 = 60.0 %)"), ("61%", "")],
)
def test_an_answer_shows_the_calculation_that_it_rests_on(
    tmp_path: Path, figure: str, said: str
) -> None:
    world = World(tmp_path)
    world.add_release("ma", [hit.chunk for hit in made.statements()], live=True)
    hits: tuple[Hit, ...] = world.retriever.search(QUESTION, k=6).hits
    number = next(hit.rank for hit in hits if hit.chunk == INCOME)
    written = claimed(
        [(number, SALES.quote), (number, COSTS.quote)],
        [("share", [(2, "1,200"), (1, "2,000")]), ("sum", [(3, "1"), (1, "2,000")])],
        f"Cost of sales were {figure} of net sales.",
    )
    answering = World(tmp_path, ScriptedGenerator(written), redis=world.redis)
    answering.registry.register("ma")
    answer = asyncio.run(answering.answerer.ask(QUESTION))
    if said:
        assert (answer.answer, answer.method) == (said, "generated")
        assert answer.calculation == "1,200 / 2,000 = 60.0 %"
        assert answer.citations == (*SALES.citations, *COSTS.citations)
    else:
        assert answer.method != "generated"
        assert "61" not in answer.answer
