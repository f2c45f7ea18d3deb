from __future__ import annotations

import json
from dataclasses import replace

import pytest

from eval.compare import Move, compare
from rag_service.core.errors import DataError
from tests.unit.eval_cases import probed, scored_run

BEFORE = [0.5] * 30
AFTER = [0.5] * 10 + [0.9] * 15 + [1.0, 0.0, 0.2, 0.5, 0.5]


def test_the_difference_is_paired_and_b_minus_a() -> None:
    got = compare(scored_run(BEFORE, "r1"), scored_run(AFTER, "r2"), seed=3)
    change = got.difference["ndcg@10"]
    assert (got.a, got.b, got.questions) == ("r1", "r2", 30)
    assert change.value == pytest.approx((sum(AFTER) - sum(BEFORE)) / 30)
    assert 0 < change.low < change.value < change.high
    assert change.p < 0.05
    assert got.difference["map"].value == pytest.approx(change.value / 2)
    back = compare(scored_run(AFTER, "r2"), scored_run(BEFORE, "r1"), seed=3)
    assert back.difference["ndcg@10"].value == pytest.approx(-change.value)


def test_the_questions_that_moved_most_come_first() -> None:
    got = compare(scored_run(BEFORE), scored_run(AFTER), seed=3)
    assert got.won[0] == Move("q25", 0.5, 1.0)
    assert len(got.won) == 10
    assert got.lost == (Move("q26", 0.5, 0.0), Move("q27", 0.5, 0.2))


def test_the_document_is_the_one_that_checks_read() -> None:
    document = compare(scored_run(BEFORE, "r1"), scored_run(AFTER, "r2"), seed=3).as_dict()
    assert json.loads(json.dumps(document)) == document
    assert document["a"] == "r1"
    assert document["difference"]["ndcg@10"].keys() == {"value", "low", "high", "p", "by"}
    assert document["moved"]["lost"][0] == {"question_id": "q26", "a": 0.5, "b": 0.0}
    assert (document["question_set"], document["split"], document["seed"]) == ("set", "test", 3)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (scored_run(BEFORE, question_set="else"), "set/test, the other on else/test"),
        (scored_run(BEFORE, split="dev"), "set/test, the other on set/dev"),
        (scored_run(BEFORE[:-2]), "2 questions stand in the first alone and 0"),
    ],
)
def test_runs_on_different_questions_are_refused(other: object, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        compare(scored_run(BEFORE), other, seed=3)  # type: ignore[arg-type]


def test_judgments_that_changed_between_runs_are_refused() -> None:
    run = scored_run(BEFORE)
    with pytest.raises(DataError, match="judged anew"):
        compare(run, replace(run, judgments="else"), seed=3)


def test_the_general_probe_is_compared_where_both_measured_it() -> None:
    a, b = scored_run(BEFORE, probe=[1.0, 0.5, 1.0]), scored_run(AFTER, probe=[1.0, 0.5, 0.4])
    got = compare(a, b, seed=3)
    assert got.probe
    assert got.probe.value == pytest.approx(-0.2)
    assert compare(a, replace(b, probe=None), seed=3).probe is None
    assert compare(a, replace(b, probe=probed([1.0] * 3, "p2")), seed=3).probe is None


def test_questions_of_enough_documents_are_exchanged_by_document() -> None:
    documents = [f"D{i}.pdf" for i in range(10)]
    a, b = scored_run(BEFORE, documents=documents), scored_run(AFTER, documents=documents)
    assert compare(a, b, seed=3).difference["ndcg@10"].by == "documents"
    few = compare(scored_run(BEFORE, documents=documents[:9]), scored_run(AFTER), seed=3)
    assert few.difference["ndcg@10"].by == "questions"
