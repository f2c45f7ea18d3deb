"""The page that shows whether retrieval got better, and the data that it is made of."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from eval.report.documents import report_document
from eval.report.facts import Found, SetFacts
from rag_service.core.types import QuestionSet
from tests.unit import report_cases as cases
from tests.unit.report_cases import (
    COUNT,
    REASONS,
    Page,
    journal,
    ranking,
    report,
    set_facts,
    written,
)

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, str]:
    return written(report(), tmp_path_factory.mktemp("page"))


def test_the_page_is_one_file_that_loads_nothing(page: tuple[Page, str]) -> None:
    parsed, text = page
    assert "default-src 'none'" in parsed.values("content")[0]
    assert not {"script", "img", "link", "iframe", "base"} & {tag for tag, _ in parsed.tags}
    ids = parsed.values("id")
    assert len(ids) == len(set(ids))
    links = parsed.values("href")
    assert links
    assert {link[1:] for link in links if link.startswith("#")} <= set(ids)
    assert all(link.startswith("#") for link in links)
    assert not parsed.values("src")
    assert not re.search(r"https?://|url\(|@import", text)


def test_the_page_is_well_formed_and_its_headings_are_in_order(page: tuple[Page, str]) -> None:
    parsed, _ = page
    assert (parsed.wrong, parsed.open) == ([], [])
    levels = [int(tag[1]) for tag, _ in parsed.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_and_charts_can_be_read_aloud(page: tuple[Page, str]) -> None:
    parsed, text = page
    assert parsed.all("th")
    assert {th.get("scope") for th in parsed.all("th")} == {"col", "row", "rowgroup"}
    charts = [svg for svg in parsed.all("svg") if svg.get("aria-hidden") != "true"]
    assert len(charts) == 4
    ids = set(parsed.values("id"))
    for svg in charts:
        assert svg["role"] == "img"
        assert set(str(svg["aria-labelledby"]).split()) <= ids
    assert text.count("<desc") == text.count("<title") - 1 == len(charts)


def test_a_figure_comes_with_questions_release_seed_interval_and_p(page: tuple[Page, str]) -> None:
    parsed, _ = page
    facts = report().sets[0]
    assert facts.compared
    assert facts.compared.difference
    summary = parsed.text[parsed.text.index("Summary") :]
    before, after = (run.metrics["ndcg@10"] for run in facts.points)
    moved = facts.compared.difference
    for told in (
        f"{before.value:.3f}",
        f"[{after.low:.3f}, {after.high:.3f}]",
        f"{moved.value:+.3f}",
        f"p = {moved.p:.4f}",
        "30 questions (people/test), seed 7",
        "r0001",
        "r0002",
        "release r0002 may go live",
        *REASONS,
    ):
        assert told in summary


def test_slices_of_fewer_than_five_questions_are_left_out(page: tuple[Page, str]) -> None:
    (facts,) = report().sets
    assert facts.change
    assert [(row.name, row.questions) for row in facts.change.slices] == [
        ("company=Alder", 6),
        ("kind=level", 20),
    ]
    assert "Alder" in page[0].text
    assert "Birch" not in page[0].text
    row = facts.change.slices[0]
    assert row.difference.value == pytest.approx(row.after.value - row.before.value)
    assert row.after.low <= row.after.value <= row.after.high


def test_moved_questions_are_told_with_ranks_and_passages_side_by_side(
    page: tuple[Page, str],
) -> None:
    _, text = page
    (facts,) = report().sets
    assert facts.change
    first = facts.change.won[0]
    assert (first.rank_before, first.rank_after) == (5, 1)
    assert (first.first_before, first.first_after) == ("d1.other0", first.expected)
    moved = re.findall(r'<details class="moved .*?</details>', text, re.DOTALL)
    assert len(moved) == len(facts.change.won) + len(facts.change.lost)
    assert [" open>" in one[:40] for one in moved[:5]] == [True, True, True, False, False]
    shown = Page(moved[0])
    assert first.question.text in shown.text
    assert "rank 5 → rank 1" in shown.text
    assert "ALDER_2023_10K.pdf, p. 4, Item 7" in shown.text
    assert "other 0" in shown.text
    titles = re.findall(r"<h6>(.*?)</h6>", moved[0])
    assert titles == [
        'First in r0001 <span class="mark wrong">not relevant</span>',
        'First in r0002, Expected <span class="mark right">relevant</span>',
    ]
    assert "Line 2" in shown.text
    assert "12 million" in shown.text


def test_what_comes_from_data_is_escaped(tmp_path: Path) -> None:
    asked = cases.questions(COUNT, SCRIPT, name=SCRIPT)
    names = {f"company={SCRIPT}": range(8)}
    before = cases.run("r0001", cases.scores(COUNT, 1), question_set=SCRIPT, ranking=ranking(4))
    after = cases.run(
        SCRIPT, cases.scores(COUNT, 1, 0.5), question_set=SCRIPT, slices=names, ranking=ranking(0)
    )
    facts = set_facts(before, after, asked)
    evil = cases.chunk(
        "d1.x", SCRIPT, document=SCRIPT, heading=SCRIPT, section=SCRIPT, context=SCRIPT
    )
    table = cases.table_chunk("d1.y")
    assert table.cells
    cells = replace(table.cells, title=SCRIPT, columns=(SCRIPT, "b"), rows=((SCRIPT, SCRIPT, "1"),))
    found = {
        (after.run_id, f"q{i}"): {
            f"d1.right{i}": Found(f"d1.right{i}", evil),
            "d1.other0": Found("d1.other0", replace(table, cells=cells)),
        }
        for i in range(COUNT)
    }
    assert facts.compared
    decision = replace(facts.compared, promoted=False, reasons=(SCRIPT,))
    training = dict(cases.TRAINING) | {
        "data": SCRIPT,
        "train_documents": [SCRIPT],
        "device": SCRIPT,
    }
    made = report(
        sets=(facts,),
        decisions=(decision,),
        found=found,
        models=(replace(cases.card("r0002", **training), name=SCRIPT, fingerprint=SCRIPT),),
        live=replace(cases.release("r0002", "live"), release=SCRIPT, model=SCRIPT),
        jobs=(dict(journal()) | {"job": SCRIPT, "reason": SCRIPT, "kind": SCRIPT},),
        versions={"python": SCRIPT},
        only=SCRIPT,
    )
    parsed, text = written(made, tmp_path)
    assert "<script" not in text
    assert (parsed.wrong, parsed.open) == ([], [])
    assert parsed.text.count(SCRIPT) > 80


def test_sixty_questions_with_long_passages_stay_small(tmp_path: Path) -> None:
    long = "net sales rose because of prices " * 400
    sets, found = [], {}
    for name in ("one", "two", "three"):
        half = [0.2] * 15 + [0.8] * 15
        before = cases.run("r0001", half, question_set=name, ranking=ranking(4))
        after = cases.run("r0002", half[::-1], question_set=name, ranking=ranking(7))
        sets.append(set_facts(before, after, cases.questions(COUNT, name=name)))
        for i in range(COUNT):
            ids = [f"d1.right{i}", *(f"d1.other{at}" for at in range(10))]
            found[after.run_id, f"q{i}"] = {x: Found(x, cases.chunk(x, long)) for x in ids}
    parsed, text = written(report(sets=tuple(sets), found=found), tmp_path)
    assert text.count('<details class="moved') == 60
    assert (parsed.wrong, parsed.open) == ([], [])
    assert 60_000 < len(text.encode()) < 700_000


def test_an_old_history_is_told_as_far_as_it_is_known(tmp_path: Path) -> None:
    before = cases.run("r0001", cases.scores(COUNT, 1), ranking=ranking(4))
    after = cases.run("r0002", cases.scores(COUNT, 2), ranking=ranking(0))
    facts = set_facts(before, after, QuestionSet("people", "test", ()), promoted=None)
    cards = (cases.card("r0001"), cases.card("r0002", train_pairs=5, losses=[], seed=None))
    made = report(
        sets=(facts,), decisions=(), found={}, models=cards, live=None, jobs=(), versions={}
    )
    parsed, _ = written(made, tmp_path)
    assert (parsed.wrong, parsed.open) == ([], [])
    assert "What these runs asked was not kept" in parsed.text
    assert "not found" not in parsed.text
    assert "no release is live" in parsed.text


def test_one_run_alone_is_a_page_that_compares_nothing(tmp_path: Path) -> None:
    only = cases.run("r0001", cases.scores(8, 1))
    facts = SetFacts("people", "test", (only,), 1, None, None)
    parsed, _ = written(report(sets=(facts,), decisions=(), models=(), jobs=()), tmp_path)
    assert "Nothing can be compared yet" in parsed.text
    assert "8" in parsed.text
    assert [svg for svg in parsed.all("svg") if svg.get("role") == "img"]


def test_pages_are_told_with_the_chunk_that_is_shown(tmp_path: Path) -> None:
    name = "ALDER_2023_10K.pdf#page=9"
    asked = QuestionSet(
        "people",
        "test",
        tuple(replace(q, relevant={name: 1}) for q in cases.questions(8).questions),
    )
    places = {f"q{i}": [name] for i in range(8)}
    before = cases.run("r0001", [0.0] * 8)
    after = cases.run("r0002", [1.0] * 8, ranking=places)
    facts = set_facts(before, after, asked)
    found = {
        (after.run_id, f"q{i}"): {name: Found(name, cases.chunk("d1.a", "it rose"), others=4)}
        for i in range(8)
    }
    parsed, _ = written(report(sets=(facts,), found=found), tmp_path)
    assert "ALDER_2023_10K.pdf, p. 9, Item 7" in parsed.text
    assert "of the page’s 5 passages" in parsed.text
    assert "not found → rank 1" in parsed.text


def test_the_document_tells_the_same_figures() -> None:
    document = report_document(report())
    assert document["live"] == "r0002"
    (found,) = document["question_sets"]
    assert [point["release"] for point in found["history"]] == ["r0001", "r0002"]
    assert found["change"]["slices"].keys() == {"company=Alder", "kind=level"}
    assert len(found["change"]["moved"]["won"]) == 10
    assert found["compared"]["difference"] == {"ndcg@10": found["change"]["difference"]["ndcg@10"]}
    (decision,) = document["decisions"]
    assert decision["decision"]["promoted"] is True
    assert decision["releases"] == {"before": "r0001", "after": "r0002"}


def test_a_passage_that_is_gone_is_named(tmp_path: Path) -> None:
    parsed, _ = written(report(found={}), tmp_path)
    assert "d1.other0no longer stored" in parsed.text


def test_of_a_long_table_the_rows_near_the_question_are_shown(tmp_path: Path) -> None:
    made = report()
    (facts,) = made.sets
    assert facts.change
    moved = facts.change.won[0]
    table = cases.table_chunk("d1.long", rows=60)
    assert table.cells
    rows = (*table.cells.rows[:40], ("Net sales", "7,654", "6,543"), *table.cells.rows[40:])
    long = replace(table, cells=replace(table.cells, rows=rows))
    key = facts.points[-1].run_id, moved.question.question_id
    found = {key: {moved.expected: Found(moved.expected, long)}}
    parsed, _ = written(replace(made, found=found), tmp_path)
    assert "7,654" in parsed.text
    assert "rows 34 to 47 of 61" in parsed.text
