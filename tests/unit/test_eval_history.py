from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.gate import GateFacts, GateThresholds, decide
from eval.history import History
from eval.latency import Latency
from rag_service.core.errors import DataError, NotFound
from rag_service.core.files import write_atomically
from rag_service.core.types import GateDecision, Interval
from tests.unit.eval_cases import question, question_set, scored_run

RUN = scored_run([0.1, 1 / 3, 0.7, 0.1 + 0.2, 1.0], slices={"company=Ünï": range(5)})
FIGURE = st.floats(-1, 1)


@settings(max_examples=30)
@given(FIGURE, st.text(st.characters(codec="utf-8"), min_size=1))
def test_a_run_comes_back_exactly(figure: float, name: str) -> None:
    run = replace(
        RUN,
        metrics={"ndcg@10": Interval(figure, figure / 3, figure * 1.1)},
        per_question={name: {"ndcg@10": figure}},
        ranking={name: ((name, figure),)},
        question_set=name,
        slice_questions={name: (name,)},
    )
    with TemporaryDirectory() as folder:
        History(Path(folder)).add(run)
        assert History(Path(folder)).get(run.run_id) == run


def test_all_runs_are_kept_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    history = History(tmp_path / "history")
    assert history.all() == []
    times = {"b": "2025-01-02T00:00:00Z", "c": "2025-01-01T00:00:00Z", "a": "2025-01-02T00:00:00Z"}
    for run_id, created in times.items():
        history.add(replace(RUN, run_id=run_id, created=created))
    assert [run.run_id for run in history.all()] == ["c", "a", "b"]


def test_the_latest_run_is_that_of_release_set_and_split(tmp_path: Path) -> None:
    history = History(tmp_path)
    runs = [
        RUN,
        RUN,
        replace(RUN, release="r9"),
        replace(RUN, split="dev"),
        replace(RUN, question_set="else"),
    ]
    for number, run in enumerate(runs):
        history.add(replace(run, run_id=f"run{number}"))
    latest = history.latest("r0001", "set", "test")
    assert latest is not None
    assert latest.run_id == "run1"
    assert history.latest("r0002", "set", "test") is None


def test_a_run_is_never_replaced(tmp_path: Path) -> None:
    history = History(tmp_path)
    path = history.add(RUN)
    with pytest.raises(DataError, match="never replaced"):
        history.add(replace(RUN, questions=99))
    assert history.get(RUN.run_id) == RUN
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_unknown_runs_and_broken_files_are_errors(tmp_path: Path) -> None:
    history = History(tmp_path)
    path = history.add(RUN)
    for unknown in ("none", "../runs/" + RUN.run_id, ""):
        with pytest.raises(NotFound, match="no run"):
            history.get(unknown)
    path.write_text(path.read_text()[:50])
    with pytest.raises(DataError, match=path.name):
        history.all()


def test_every_decision_is_kept_once(tmp_path: Path) -> None:
    history = History(tmp_path)
    after = replace(RUN, run_id="run-after")
    no = GateDecision(False, ("too few questions: 10",))
    yes = GateDecision(True, ("ndcg@10 is better", "complete"))
    for decision in (no, no, yes):
        history.add_decision(RUN, after, decision)
    kept = history.decisions()
    assert {one.decision for one in kept} == {no, yes}
    assert len(kept) == 2
    assert {(one.before, one.after) for one in kept} == {(RUN.run_id, "run-after")}


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_atomically(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "new\ud800")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_decision_keeps_what_it_was_made_from(tmp_path: Path) -> None:
    history = History(tmp_path)
    latency = Latency(10.0, 11.0, Interval(1.1, 1.0, 1.2), questions=40, rounds=5, seed=7)
    facts = GateFacts(("A.pdf",), (), True, latency)
    thresholds = GateThresholds(min_questions=5)
    decision = decide(RUN, RUN, thresholds, facts)
    history.add(RUN)
    history.add_decision(RUN, RUN, decision, thresholds, facts)
    (kept,) = history.decisions()
    assert (kept.decision, kept.thresholds, kept.facts) == (decision, thresholds, facts)
    runs = history.get(kept.before), history.get(kept.after)
    assert kept.thresholds
    assert kept.facts
    assert decide(*runs, kept.thresholds, kept.facts) == decision


def test_runs_and_decisions_of_an_older_version_are_read(tmp_path: Path) -> None:
    history = History(tmp_path)
    path = history.add(RUN)
    raw = json.loads(path.read_text())
    for name in ("judgments", "documents", "trained_on", "variants", "probe"):
        del raw[name]
    for figure in raw["metrics"].values():
        del figure["by"]
    path.write_text(json.dumps(raw))
    assert history.get(RUN.run_id) == replace(RUN, documents={}, probe=None)
    decided = history.add_decision(RUN, RUN, GateDecision(True, ("yes",)))
    raw = json.loads(decided.read_text())
    del raw["facts"], raw["thresholds"]
    decided.write_text(json.dumps(raw))
    assert history.decisions()[0].facts is None


def test_what_a_run_asked_is_kept_with_it(tmp_path: Path) -> None:
    history = History(tmp_path)
    asked = question_set(question("q0", "d1.x", company="Ünï"), question("q1", "A.pdf#page=2"))
    history.add(RUN, asked)
    history.add(replace(RUN, run_id="other"))
    assert history.questions(RUN.run_id) == asked
    assert history.questions("other") is None
