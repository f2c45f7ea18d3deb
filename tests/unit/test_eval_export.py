"""What other tools read: BEIR folders and TREC runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import ir_measures
import pytest
from ir_measures import AP, nDCG

from eval.export import Exported, export
from eval.question_sets import load
from eval.trec import write_run
from rag_service.core.errors import DataError
from tests.unit.eval_cases import chunk, evaluated, question, question_set, ranked

CHUNKS = [
    replace(chunk("d1.a", "A b.pdf", (1, 2)), context="Alpha, 2023", text="“Net” sales\n株"),
    replace(chunk("d1.b", "A b.pdf", (2, 2)), text="second"),
    chunk("d2.c", "B.pdf"),
]


def corpus(folder: Path) -> dict[str, dict[str, object]]:
    lines = (folder / "corpus.jsonl").read_text("utf-8").splitlines()
    return {row.pop("_id"): row for row in map(json.loads, lines)}


def test_a_set_judged_by_chunks_comes_with_all_chunks(tmp_path: Path) -> None:
    asked = question_set(question("q1", "d1.a", "d1.gone", company="Alpha"), question("q2", "d9.x"))
    folder = tmp_path / "out"
    assert export(folder, asked, CHUNKS) == Exported(questions=1, skipped=1, corpus=3)
    written = load(folder, "test")
    assert written.questions == asked.questions[:1]
    rows = corpus(folder)
    assert list(rows) == ["d1.a", "d1.b", "d2.c"]
    assert (rows["d1.a"]["title"], rows["d1.a"]["text"]) == ("Alpha, 2023", "“Net” sales\n株")
    header, *qrels = (folder / "qrels" / "test.tsv").read_text().splitlines()
    assert header == "query-id\tcorpus-id\tscore"
    assert qrels == ["q1\td1.a\t1", "q1\td1.gone\t1"]


def test_a_set_judged_by_pages_comes_with_pages(tmp_path: Path) -> None:
    asked = question_set(question("q1", "A b.pdf#page=2"), split="dev")
    assert export(tmp_path / "out", asked, CHUNKS).corpus == 3
    assert load(tmp_path / "out", "dev").questions == asked.questions
    rows = corpus(tmp_path / "out")
    assert list(rows) == ["A b.pdf#page=1", "A b.pdf#page=2", "B.pdf#page=1"]
    assert rows["A b.pdf#page=2"]["text"] == "“Net” sales\n株\nsecond"


def test_nothing_is_overwritten_and_an_empty_set_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(DataError, match="not empty"):
        export(tmp_path, question_set(question("q1", "d1.a")), CHUNKS)
    with pytest.raises(DataError, match="no passage that set/test judges is stored"):
        export(tmp_path / "new", question_set(question("q1", "d9.x")), CHUNKS)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_another_tool_finds_the_same_figures_in_a_trec_run(tmp_path: Path) -> None:
    asked = question_set(
        question("q 1%", "A b.pdf#page=2", "A b.pdf#page=1"), question("q2", "B.pdf#page=1")
    )
    tied = ranked((CHUNKS[2], 0.5), (CHUNKS[0], 0.5), (CHUNKS[1], 0.5))
    documents = {"d1": "A b.pdf", "d2": "B.pdf"}
    run = evaluated(asked, {q.text: tied for q in asked.questions}, documents=documents)
    path = tmp_path / "runs" / "r1.trec"
    write_run(path, run)
    lines = [line.split() for line in path.read_text().splitlines()]
    assert lines[0] == ["q%201%25", "Q0", "A%20b.pdf#page=1", "1", "0.5", "ragloop-r0001"]
    assert [int(line[3]) for line in lines] == [1, 2, 3, 1, 2, 3]
    scores = [float(line[4]) for line in lines[:3]]
    assert scores == sorted(set(scores), reverse=True)

    qrels = {"q%201%25": {"A%20b.pdf#page=2": 1, "A%20b.pdf#page=1": 1}, "q2": {"B.pdf#page=1": 1}}
    read = list(ir_measures.read_trec_run(str(path)))  # type: ignore[no-untyped-call]
    again = ir_measures.calc_aggregate([nDCG @ 10, AP], qrels, read)
    assert again[nDCG @ 10] == pytest.approx(run.metrics["ndcg@10"].value)
    assert again[AP] == pytest.approx(run.metrics["map"].value)
