"""What ``ragloop report`` gathers from history, stores, registry and jobs, and what it says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from eval.history import History
from eval.question_sets import save
from rag_service.core.errors import DataError, NotFound
from rag_service.core.types import (
    Document,
    FilingFacts,
    GateDecision,
    IndexSpec,
    Question,
    QuestionSet,
    Run,
)
from rag_service.loop.jobs import JobStore
from rag_service.loop.reporting import Reporter
from tests.fakes.models import FakeRegistry
from tests.fakes.stores import FakeChunkStore, FakeRedis, FakeReleaseStore, FakeVectorStore
from tests.integration.command_line import CommandLine
from tests.unit import report_cases as cases

COUNT = 12
NAME = "ALDER_2023_10K.pdf"


class Home:
    """A home with two releases, one document, and a history to fill."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.redis = FakeRedis()
        self.chunks = FakeChunkStore(self.redis)
        self.releases = FakeReleaseStore(self.redis)
        self.vectors = FakeVectorStore(self.redis)
        self.history = History(folder / "history")
        self.jobs = JobStore(folder)
        chunks = [
            cases.chunk("d1.a", "nothing of the kind", pages=(3, 4)),
            cases.chunk("d1.b", "net sales were high", pages=(4, 4)),
            cases.chunk("d1.c", "another passage", pages=(4, 5)),
        ]
        document = Document("d1", NAME, FilingFacts(), 5, 3, 0, "2025-01-01T00:00:00Z")
        self.chunks.replace(document, chunks, None)
        for day, name in enumerate(("r0001", "r0002"), 1):
            made = cases.release(name, "candidate", f"2025-01-0{day}T00:00:00Z")
            self.releases.put(made)
        self.reporter = Reporter(
            home=folder,
            history=self.history,
            chunks=self.chunks,
            releases=self.releases,
            registry=FakeRegistry([cases.card("r0001"), cases.card("r0002", **cases.TRAINING)]),
            jobs=self.jobs,
        )

    def job(self, kind: str = "improve") -> str:
        with self.jobs.run(kind, {"options": {}}) as job:
            job.step("train", lambda: "m1")
        return job.id

    def measure(
        self, name: str, asked: QuestionSet | None, day: int, promoted: bool | None = True
    ) -> tuple[Run, Run]:
        """Two runs, the first passage right in the second alone, and the gate's decision."""
        found: list[Run] = []
        for release, first, second in (("r0001", "d1.a", "d1.b"), ("r0002", "d1.b", "d1.a")):
            score = 1.0 if first == "d1.b" else 0.6
            run = cases.run(
                release,
                [score] * COUNT,
                question_set=name,
                created=f"2025-02-{day:02d}T00:00:00Z",
                ranking={f"q{i}": [first, second] for i in range(COUNT)},
            )
            self.history.add(run, asked)
            found.append(run)
        if promoted is not None:
            self.history.add_decision(found[0], found[1], GateDecision(promoted, ("a reason",)))
        return found[0], found[1]


def asked(name: str, relevant: str = "d1.b") -> QuestionSet:
    return QuestionSet(
        name,
        "test",
        tuple(Question(f"q{i}", f"What were net sales? {i}", {relevant: 1}) for i in range(COUNT)),
    )


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_home_without_runs_says_what_makes_them(home: Home) -> None:
    with pytest.raises(NotFound, match="ragloop improve"):
        home.reporter.gather()


def test_runs_decisions_models_and_jobs_come_together(home: Home) -> None:
    job = home.job()
    home.job("bench")
    before, after = home.measure(job, asked(job), 1)
    manifest = home.folder / "jobs" / job / "training" / "manifest.json"
    manifest.parent.mkdir()
    manifest.write_text('{"revision": "abc"}')
    home.vectors.create(IndexSpec("ix-r0002", 48, "model-of-r0002"))
    home.releases.swap(None, "r0002", home.chunks.revision())

    report = home.reporter.gather()

    (found,) = report.sets
    assert [run.run_id for run in found.points] == [before.run_id, after.run_id]
    assert found.compared
    assert found.compared.promoted is True
    assert found.compared.difference
    assert found.compared.difference.value == pytest.approx(0.4)
    assert found.change
    assert len(found.change.won) == 10
    assert not found.change.lost
    moved = found.change.won[0]
    assert (moved.rank_before, moved.rank_after, moved.expected) == (2, 1, "d1.b")
    passages = report.found[after.run_id, moved.question.question_id]
    assert {name: one.chunk.text for name, one in passages.items() if one.chunk} == {
        "d1.a": "nothing of the kind",
        "d1.b": "net sales were high",
    }
    assert [d.reasons for d in report.decisions] == [("a reason",)]
    assert report.live
    assert report.live.release == "r0002"
    assert [card.fingerprint for card in report.models] == ["model-of-r0001", "model-of-r0002"]
    assert [journal["job"] for journal in report.jobs] == [job]
    assert report.jobs[0]["manifest"] == {"revision": "abc"}
    assert report.versions["python"]


def test_a_judged_page_is_shown_by_the_chunk_nearest_to_the_question(home: Home) -> None:
    page = f"{NAME}#page=4"
    run = cases.run("r0001", [0.0] * COUNT, ranking={})
    better = cases.run("r0002", [1.0] * COUNT, ranking={f"q{i}": [page] for i in range(COUNT)})
    for one in (run, better):
        home.history.add(one, asked("people", page))

    report = home.reporter.gather()

    (found,) = report.found[better.run_id, "q0"].values()
    assert (found.corpus_id, found.others) == (page, 2)
    assert found.chunk
    assert found.chunk.chunk_id == "d1.b"


def test_a_passage_that_is_gone_is_told_without_text(home: Home) -> None:
    _, after = home.measure("people", asked("people"), 1)
    home.chunks.remove("d1", None)
    found = home.reporter.gather().found[after.run_id, "q0"]
    assert {name: one.chunk for name, one in found.items()} == {"d1.a": None, "d1.b": None}


def test_questions_come_from_the_run_or_from_the_home(home: Home) -> None:
    job = home.job()
    _, after = home.measure(job, None, 1)
    home.measure("people", None, 2)
    save(home.folder / "question_sets" / job, asked(job))

    own, people = home.reporter.gather().sets

    assert own.change
    assert {moved.question.text[:19] for moved in own.change.won} == {"What were net sales"}
    assert people.change
    assert {moved.question.text for moved in people.change.won} == {""}
    assert home.history.questions(after.run_id) is None


def test_the_last_improvement_comes_first_and_equal_questions_are_one_set(home: Home) -> None:
    first, second = home.job(), home.job()
    home.measure(first, asked(first), 1, promoted=False)
    home.measure("people", asked("people"), 3, promoted=None)
    _, last = home.measure(second, asked(second), 2)

    report = home.reporter.gather()

    assert [(s.question_set, s.runs, len(s.points)) for s in report.sets] == [
        (second, 4, 2),
        ("people", 2, 2),
    ]
    assert report.sets[0].points[-1].run_id == last.run_id
    assert report.sets[1].compared
    assert report.sets[1].compared.promoted is None
    assert {d.promoted for d in report.decisions} == {False, True}


def test_only_one_question_set(home: Home) -> None:
    home.measure("people", asked("people"), 1)
    home.measure("others", asked("others"), 2)
    for name in ("people", "people/test", "./sets/people"):
        report = home.reporter.gather(name)
        assert [found.question_set for found in report.sets] == ["people"]
        assert len(report.decisions) == 1
    with pytest.raises(NotFound, match="others, people"):
        home.reporter.gather("nobody")


def test_of_many_question_sets_the_first_are_told_in_every_detail(home: Home) -> None:
    for day in range(1, 6):
        home.measure(f"set{day}", asked(f"set{day}"), day, promoted=None)
    sets = home.reporter.gather().sets
    assert [s.question_set for s in sets] == ["set5", "set4", "set3", "set2", "set1"]
    assert [s.change is not None for s in sets] == [True, True, True, False, False]
    assert all(s.compared and s.compared.difference for s in sets)


def test_a_decision_whose_run_is_gone_is_left_out(home: Home) -> None:
    before, after = home.measure("people", asked("people"), 1)
    gone = replace(after, run_id="gone")
    home.history.add_decision(before, gone, GateDecision(True, ("of another",)))
    assert [d.reasons for d in home.reporter.gather().decisions] == [("a reason",)]


def test_a_damaged_manifest_is_named(home: Home) -> None:
    job = home.job()
    home.measure("people", asked("people"), 1)
    manifest = home.folder / "jobs" / job / "training" / "manifest.json"
    manifest.parent.mkdir()
    manifest.write_text("{")
    with pytest.raises(DataError, match=r"manifest\.json is damaged"):
        home.reporter.gather()


class TestCommand:
    @pytest.fixture
    def ragloop(
        self,
        home: Home,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> CommandLine:
        @contextmanager
        def opened(*_: object, **__: object) -> Iterator[SimpleNamespace]:
            yield SimpleNamespace(reporter=home.reporter)

        monkeypatch.setattr("rag_service.cli.reporting.open_services", opened)
        return CommandLine(home.folder, {}, monkeypatch, capfd)

    def test_the_page_goes_into_the_home(self, ragloop: CommandLine, home: Home) -> None:
        home.measure("people", asked("people"), 1)
        outcome = ragloop("report")
        assert outcome.status == 0, outcome.stderr
        target = home.folder / "report.html"
        assert str(target) in outcome.stdout
        assert "0.600 → 1.000" in outcome.stdout
        assert target.read_text().startswith("<!doctype html>")

    def test_as_json_and_elsewhere(self, ragloop: CommandLine, home: Home, tmp_path: Path) -> None:
        home.measure("people", asked("people"), 1)
        home.measure("others", asked("others"), 2)
        target = tmp_path / "new" / "page.html"
        document = ragloop("report", "--out", target, "--dataset", "people", "--json").document
        assert document["html"] == str(target)
        assert [found["question_set"] for found in document["question_sets"]] == ["people"]
        assert "people" in target.read_text()
        assert "others" not in target.read_text()

    def test_wrong_use(self, ragloop: CommandLine, home: Home, tmp_path: Path) -> None:
        outcome = ragloop("report", "--json")
        assert (outcome.status, outcome.error["code"]) == (2, "not_found")
        home.measure("people", asked("people"), 1)
        outcome = ragloop("report", "--out", tmp_path, "--json")
        assert outcome.status == 2
        assert "is a folder" in outcome.error["message"]
        outcome = ragloop("report", "--dataset", "nobody", "--json")
        assert (outcome.status, outcome.error["code"]) == (2, "not_found")
