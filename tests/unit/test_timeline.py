"""NDCG over time, from the runs and decisions that are kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from eval.history import History
from eval.timeline import Timeline
from rag_service.core.errors import DataError, NotFound
from rag_service.core.types import GateDecision, Run
from tests.unit import report_cases as cases

BEFORE = cases.run("r0001", [0.2, 0.4], created="2025-01-01T00:00:00Z")
AFTER = cases.run("r0002", [0.6, 0.8], created="2025-01-02T00:00:00Z")


@pytest.fixture
def history(tmp_path: Path) -> History:
    history = History(tmp_path)
    for run in (AFTER, BEFORE):
        history.add(run)
    return history


def test_every_run_is_a_point_in_the_order_in_which_it_was_made(history: History) -> None:
    first, second = Timeline(history).points()
    assert (first.release, second.release) == ("r0001", "r0002")
    document = second.as_dict()
    assert document["value"] == pytest.approx(0.7)
    assert document["low"] <= document["value"] <= document["high"]
    assert (document["question_set"], document["split"], document["questions"]) == (
        "people",
        "test",
        2,
    )
    assert document["decision"] is None
    assert "figure" not in document


def test_the_last_word_of_the_gate_stands_at_the_run_that_it_judged(history: History) -> None:
    timeline = Timeline(history)
    history.add_decision(BEFORE, AFTER, GateDecision(False, ("too few questions",)))
    first, second = timeline.points()
    assert first.decision is None
    assert second.decision
    assert (second.decision.promoted, second.decision.reasons) == (False, ("too few questions",))
    assert (second.decision.before, second.decision.before_model) == ("r0001", "model-of-r0001")


def test_a_decision_on_a_run_that_is_gone_is_left_out(history: History) -> None:
    history.add_decision(
        replace(BEFORE, run_id="gone"), AFTER, GateDecision(True, ("it is better",))
    )
    assert [point.decision for point in Timeline(history).points()] == [None, None]


def test_a_run_is_read_once_and_new_ones_join(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeline, get = Timeline(history), History.get
    read: list[str] = []

    def reading(self: History, run_id: str) -> Run:
        read.append(run_id)
        return get(self, run_id)

    monkeypatch.setattr(History, "get", reading)
    timeline.points()
    newer = cases.run("r0003", [0.9, 0.9], created="2025-01-03T00:00:00Z")
    history.add(newer)
    assert [point.release for point in timeline.points()] == ["r0001", "r0002", "r0003"]
    assert sorted(read) == sorted({BEFORE.run_id, AFTER.run_id, newer.run_id})


def test_a_damaged_run_is_named(history: History, tmp_path: Path) -> None:
    (tmp_path / "runs" / "bad.json").write_text("{}")
    with pytest.raises(DataError, match=r"bad\.json"):
        Timeline(history).points()


def test_a_judgment_has_the_figures_before_and_after(history: History) -> None:
    history.add_decision(BEFORE, AFTER, GateDecision(True, ("it is better",)))
    timeline = Timeline(history)
    judged = timeline.judgment(AFTER.run_id)
    assert judged["releases"] == {"before": "r0001", "after": "r0002"}
    assert judged["before"]["metrics"]["ndcg@10"]["value"] == pytest.approx(0.3)
    assert judged["difference"]["ndcg@10"]["value"] == pytest.approx(0.4)
    assert judged["gate"] == {"promoted": True, "reasons": ["it is better"]}
    assert judged["probe"] is None
    assert timeline.judgment(AFTER.run_id) == judged
    with pytest.raises(NotFound, match="judged no run"):
        timeline.judgment(BEFORE.run_id)


def test_runs_on_other_questions_have_no_difference(history: History) -> None:
    other = cases.run("r0003", [0.5], created="2025-01-03T00:00:00Z")
    history.add(other)
    history.add_decision(BEFORE, other, GateDecision(False, ("not the same questions",)))
    assert Timeline(history).judgment(other.run_id)["difference"] == {}
