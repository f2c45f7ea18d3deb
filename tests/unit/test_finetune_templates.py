"""Template questions: known answers, all chunks that state them, spread and repeatable."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest

from finetune.drafts import Draft, spread
from finetune.figures import figures_in
from finetune.prose import section_drafts
from finetune.templates import fact_drafts, ratio_drafts
from rag_service.core.types import Chunk, TableCells
from tests.fakes.filings import filing, filings, table_text


def _amounts(text: str) -> set[float]:
    return {figure.digits for figure in figures_in(text)}


def _rows(chunks: Sequence[Chunk], seed: int = 1, per_chunk: int = 50) -> list[Draft]:
    return list(fact_drafts(chunks, per_chunk=per_chunk, per_statement=per_chunk, seed=seed))


def test_levels_are_answered_by_every_chunk_that_counts_as_relevant() -> None:
    chunks = {chunk.chunk_id: chunk for chunk in filings(3)}
    levels = [draft for draft in _rows(list(chunks.values())) if draft.kind == "level"]
    assert len(levels) > 100
    for draft in levels:
        wanted = _amounts(draft.answer)
        assert wanted
        assert draft.relevant[0] == draft.chunk.chunk_id
        assert all(wanted <= _amounts(chunks[chunk].text) for chunk in draft.relevant)


def test_a_fact_that_two_filings_state_is_asked_once_and_both_are_relevant() -> None:
    chunks = filing("Birchwater", 2022) + filing("Birchwater", 2023)
    goodwill = [d for d in _rows(chunks) if "goodwill" in d.question.lower() and d.kind == "level"]
    by_documents = Counter(len({r.partition(".")[0] for r in d.relevant}) for d in goodwill)
    # 2021 and 2022 stand in both filings, 2020 and 2023 in one each.
    assert by_documents[2] <= 2
    assert by_documents[1] <= 2
    asked_of_2022 = [d for d in goodwill if "2022" in d.question or "FY22" in d.question]
    assert all(d.chunk.facts.fiscal_year == 2022 for d in asked_of_2022)


def test_changes_and_shares_are_computed_from_the_row() -> None:
    drafts = _rows(filings(6))
    change = next(d for d in drafts if d.kind == "change")
    before, after = sorted(
        (a for a in _amounts(change.answer) if a in _amounts(change.chunk.text)), reverse=True
    )[:2]
    grown = float(change.answer.rpartition(" ")[2].strip("%"))
    assert grown in {round(100 * (after / before - 1), 1), round(100 * (before / after - 1), 1)}
    share = next(d for d in drafts if d.kind == "share")
    assert 0 < float(share.answer.strip("%")) < 100


def test_ratios_point_at_the_statements_they_need() -> None:
    chunks = filing("Elmstone", 2023)
    income, balance = chunks[0], chunks[1]
    assert income.cells is not None
    rows = {row[0]: row[1:] for row in income.cells.rows}
    drafts = list(ratio_drafts(chunks, seed=3))
    assert {d.kind for d in drafts} == {"derived"}
    margins = [d for d in drafts if "gross margin" in d.question or "gross profit m" in d.question]
    values = {
        f"{int(p.replace(',', '')) / int(s.replace(',', '')):.1%}"
        for p, s in zip(rows["Gross profit"], rows["Net sales"], strict=True)
    }
    assert {d.answer for d in margins} <= values
    assert len(margins) == 2
    turnover = next(d for d in drafts if "asset turnover" in d.question)
    assert set(turnover.relevant) == {income.chunk_id, balance.chunk_id}


def test_a_label_of_several_amounts_is_asked_with_its_title_or_not_at_all() -> None:
    chunk = filing("Dunlin Foods", 2023)[3]
    tables = []
    for title, amount in (("Northern plants", "11"), ("Southern plants", "22"), ("", "33")):
        cells = TableCells(title, "", ("2023",), (("Number of workers", amount),))
        tables.append(
            replace(
                chunk, chunk_id=f"{chunk.document_id}.{amount}", heading="", cells=cells,
                text=table_text(cells),
            )
        )  # fmt: skip
    drafts = _rows(tables)
    assert {(d.answer, d.chunk.heading) for d in drafts} == {("11", ""), ("22", "")}
    for draft in drafts:
        assert ("northern" if draft.answer == "11" else "southern") in draft.question.lower()


def test_questions_name_company_and_year_in_many_ways() -> None:
    drafts = _rows(filings(2)) + list(ratio_drafts(filings(2), seed=1))
    for draft in drafts:
        name = "Alder Mills" if "ALDER" in draft.chunk.document else "Birchwater"
        assert name in draft.question
        assert draft.question.endswith("?")
        assert any(str(y) in draft.question or f"FY{y % 100}" in draft.question
                   for y in range(2020, 2024))  # fmt: skip
    openings = Counter(" ".join(draft.question.split()[:2]) for draft in drafts)
    assert len(openings) > 20
    said = " ".join(draft.question for draft in drafts)
    for word in ("capex", "COGS", "PP&E", "D&A", "free cash flow"):
        assert word in said


def test_the_same_seed_gives_the_same_questions_and_another_one_others() -> None:
    chunks = filings(3)
    first = [d.question for d in _rows(chunks, seed=7)]
    assert first == [d.question for d in _rows(chunks, seed=7)]
    assert first != [d.question for d in _rows(chunks, seed=8)]


def test_no_chunk_gives_more_than_its_limit_and_documents_take_turns() -> None:
    chunks = filings(4)
    drafts = list(fact_drafts(chunks, per_chunk=2, per_statement=3, seed=1))
    taken = Counter(draft.chunk.chunk_id for draft in drafts)
    tables = {chunk.chunk_id: chunk.heading for chunk in chunks}
    assert max(taken.values()) == 3
    assert all(taken[c] <= 2 for c in taken if tables[c] == "Sales by region")
    first_turn = [draft.chunk.document for draft in drafts[:8]]
    assert len(set(first_turn)) == 8


def test_headings_become_questions_answered_by_all_passages_below() -> None:
    chunks = filings(1)
    drafts = list(section_drafts(chunks, seed=1))
    assert len(drafts) == 8
    for draft in drafts:
        assert draft.chunk.heading.lower() in draft.question.lower()
        assert draft.kind == "section"
    wide = [replace(chunks[4], chunk_id=f"d.{n}") for n in range(9)]
    assert not list(section_drafts(wide, seed=1))


def test_spread_takes_groups_in_turn() -> None:
    from random import Random

    turns = list(spread([["a1", "a2", "a3"], ["b1"], []], Random(1)))
    assert sorted(turns[:2]) == ["a1", "b1"]
    assert turns[2:] == ["a2", "a3"]


@pytest.mark.parametrize("per_chunk", [1, 2])
def test_questions_are_written_even_where_titles_are_missing(per_chunk: int) -> None:
    bare = [
        replace(c, heading="", cells=replace(c.cells, title=""))
        for c in filing("Fernbank", 2023)
        if c.cells
    ]
    drafts = list(fact_drafts(bare, per_chunk=per_chunk, per_statement=per_chunk, seed=2))
    assert len({draft.chunk.chunk_id for draft in drafts}) == 4
