from __future__ import annotations

from pathlib import Path

import pytest

from eval.question_sets import load, save, splits
from rag_service.core.errors import DataError
from rag_service.core.types import Question, QuestionSet
from tests.unit.eval_cases import question, question_set

FILINGS = Path(__file__).parents[3] / "shared" / "filings"
HEADER = "query-id\tcorpus-id\tscore\n"
QUERIES = '{"_id": "q1", "text": "one", "metadata": {}}\n{"_id": "q2", "text": "two"}\n'


def write(folder: Path, qrels: str, queries: str = QUERIES, split: str = "dev") -> None:
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    (folder / "queries.jsonl").write_text(queries, encoding="utf-8")
    (folder / "qrels" / f"{split}.tsv").write_text(qrels, encoding="utf-8")


def test_a_saved_set_loads_as_it_was(tmp_path: Path) -> None:
    original = QuestionSet(
        tmp_path.name,
        "test",
        (
            Question(
                "q1", "What\u2028is “it”?\t#", {"A b.pdf#page=3": 2, "B.pdf#page=10": 1}, {"y": [1]}
            ),
            Question("q2", "And?", {"d1.x": 1}, {"company": "Æther"}),
        ),
    )
    save(tmp_path, original)
    assert load(tmp_path, "test") == original


def test_splits_share_a_folder_and_its_queries(tmp_path: Path) -> None:
    first = question_set(question("q1", "A.pdf#page=1"), question("q2", "d1.x"), split="dev")
    second = question_set(question("q2", "A.pdf#page=2"), question("q3", "d1.y"), split="test")
    save(tmp_path, first)
    save(tmp_path, second)
    assert splits(tmp_path) == ["dev", "test"]
    assert load(tmp_path, "dev").questions == first.questions
    assert load(tmp_path, "test").questions == second.questions
    assert len((tmp_path / "queries.jsonl").read_text().splitlines()) == 3


def test_a_split_saved_again_replaces_its_questions(tmp_path: Path) -> None:
    save(tmp_path, question_set(question("q1", "d1.x", company="old"), question("q2", "d1.x")))
    again = question_set(question("q1", "d1.y", company="new"))
    save(tmp_path, again)
    assert load(tmp_path, "test").questions == again.questions


def test_a_question_of_another_split_is_not_rewritten(tmp_path: Path) -> None:
    save(tmp_path, question_set(question("q1", "d1.x"), split="dev"))
    with pytest.raises(DataError, match="question q1 with another text"):
        save(tmp_path, question_set(Question("q1", "else", {"d1.x": 1}), split="test"))
    assert splits(tmp_path) == ["dev"]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (question_set(), "has no question"),
        (question_set(question("q1", "d1.x"), question("q1", "d1.x")), "q1 stands in it twice"),
        (question_set(question("q1")), "nothing is judged relevant to question q1"),
        (question_set(question("q\t1", "d1.x")), "_id must be"),
        (question_set(question("q1", "A.pdf#page=0")), "N counted from 1"),
        (question_set(Question("q1", "one", {"d1.x": -1})), "whole number"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(
    tmp_path: Path, bad: QuestionSet, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        save(tmp_path / "set", bad)
    assert not (tmp_path / "set").exists()


def test_a_missing_split_names_those_that_exist(tmp_path: Path) -> None:
    write(tmp_path, HEADER + "q1\td1.x\t1\n", split="dev")
    write(tmp_path, HEADER + "q1\td1.x\t1\n", split="train")
    with pytest.raises(DataError, match=r"has no qrels/test\.tsv: it has dev, train"):
        load(tmp_path, "test")
    with pytest.raises(DataError, match="no split was found"):
        load(tmp_path / "nowhere", "test")


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        ("q1\td1.x\n", 2, "2 fields"),
        ("q1\td1.x\t1\nq1 d1.y 1\n", 3, "1 fields"),
        ("q1\td1.x\tmany\n", 2, "'many'"),
        ("q1\td1.x\t-1\n", 2, "'-1'"),
        ("q1\td1.x\t1.0\n", 2, "whole number"),
        ("q1\td1.x\t4000000000\n", 2, "to 100"),
        ("q1\td1.x\t1\n\nq9\td1.x\t1\n", 4, "no question q9"),
        ("q1\td1.x\t1\nq1\td1.x\t1\n", 3, "judged twice"),
        ("q1\tA.pdf#page=0\t1\n", 2, "FILE.pdf#page=N"),
        ("q1\tA.pdf#page=\t1\n", 2, "FILE.pdf#page=N"),
        ("q1\td1.x \t1\n", 2, "outer spaces"),
        ("q1\t\t1\n", 2, "empty"),
    ],
)
def test_a_wrong_judgment_names_file_and_line(
    tmp_path: Path, rows: str, line: int, message: str
) -> None:
    write(tmp_path, HEADER + rows)
    with pytest.raises(DataError, match=message) as raised:
        load(tmp_path, "dev")
    assert f"dev.tsv:{line}: " in raised.value.message


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ('{"_id": 3, "text": "three"}', "_id"),
        ('{"_id": "q3", "text": " "}', "text"),
        ('{"_id": "q3"}', "text"),
        ('{"_id": "q3", "text": "a", "metadata": []}', "metadata"),
        ('{"_id": "q3", "text": "\\ud800"}', "UTF-8"),
        ('{"_id": "q1", "text": "again"}', "q1 stands in it twice"),
    ],
)
def test_a_wrong_query_names_file_and_line(tmp_path: Path, row: str, message: str) -> None:
    write(tmp_path, HEADER + "q1\td1.x\t1\n", queries=QUERIES + row + "\n")
    with pytest.raises(DataError, match=message) as raised:
        load(tmp_path, "dev")
    assert "queries.jsonl:3: " in raised.value.message


def test_wrong_files_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "q1\td1.x\t1\n")
    with pytest.raises(DataError, match=r"dev\.tsv:1: the header"):
        load(tmp_path, "dev")
    write(tmp_path, HEADER)
    with pytest.raises(DataError, match="judges no question"):
        load(tmp_path, "dev")
    write(tmp_path, HEADER + "q1\td1.x\t1\nq1\tA.pdf#page=2\t1\n")
    with pytest.raises(DataError, match=r"dev\.tsv: question q1 is judged by pages and by chunk"):
        load(tmp_path, "dev")
    (tmp_path / "queries.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(DataError, match="not UTF-8"):
        load(tmp_path, "dev")
    (tmp_path / "queries.jsonl").unlink()
    with pytest.raises(DataError, match=r"queries\.jsonl cannot be read"):
        load(tmp_path, "dev")


def test_what_spreadsheets_add_is_read(tmp_path: Path) -> None:
    write(tmp_path, "\ufeff" + (HEADER + "q2\td1.x\t1\nq2\td1.y\t0\n").replace("\n", "\r\n"))
    (only,) = load(tmp_path, "dev").questions
    assert only == Question("q2", "two", {"d1.x": 1})


def test_a_question_with_zero_scores_alone_is_refused(tmp_path: Path) -> None:
    write(tmp_path, HEADER + "q1\td1.x\t1\nq2\td1.x\t0\n")
    with pytest.raises(DataError, match="nothing is judged relevant to question q2"):
        load(tmp_path, "dev")


@pytest.mark.skipif(not FILINGS.is_dir(), reason="the real filings are not beside the repository")
def test_the_question_set_of_the_real_filings_loads() -> None:
    questions = load(FILINGS / "questions", "dev").questions
    assert len(questions) == 30
    assert sum(len(question.relevant) for question in questions) == 36
