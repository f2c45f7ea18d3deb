"""Which candidates an operator may make live."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eval.question_sets import save
from rag_service import work, worker
from rag_service.core.errors import DataError, GateRejected, InvalidRequest, NotFound
from rag_service.core.protocols import no_progress
from rag_service.core.types import Document, GateDecision, QuestionSet, Run
from rag_service.wiring import Services
from tests.fakes.answering import World
from tests.fakes.filings import filing
from tests.fakes.stores import FakeClaimStore, FakeLatencyLog
from tests.unit.eval_cases import question, question_set, scored_run

CHUNKS = filing("Alder Mills", 2023)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    """Release r0001 is live, r0002 and r0003 are candidates."""
    world = World(tmp_path)
    document = Document(
        CHUNKS[0].document_id, CHUNKS[0].document, CHUNKS[0].facts, 9, len(CHUNKS), 0, "2025"
    )
    world.chunks.replace(document, CHUNKS, None)
    for model in ("ma", "mb", "mc"):
        world.add_release(model, CHUNKS, live=model == "ma")
    client: Any = None
    services = Services(world.settings, client, background=False)
    parts = ("vectors", "chunks", "releases", "registry")
    vars(services).update({name: getattr(world, name) for name in parts})
    vars(services).update(claims=FakeClaimStore(), latency_log=FakeLatencyLog())
    return services


def judge(services: Services, before: str, after: str, *, promoted: bool = True) -> None:
    def run(name: str) -> Run:
        model = services.releases.get(name).model
        run = replace(scored_run([0.5], name), model=model, run_id=f"{before}{after}{name}")
        services.history.add(run)
        return run

    decision = GateDecision(promoted, ("because",))
    services.history.add_decision(run(before), run(after), decision)


def test_what_the_gate_let_pass_goes_live(services: Services) -> None:
    judge(services, "r0001", "r0002")
    assert services.promote("r0002").release == "r0002"


def test_a_candidate_that_was_compared_with_another_release_stays_out(services: Services) -> None:
    judge(services, "r0001", "r0002")
    judge(services, "r0001", "r0003")
    services.promote("r0003")
    with pytest.raises(GateRejected, match="has not compared release r0002 with r0003, which is"):
        services.promote("r0002")
    assert services.promote("r0002", force=True).release == "r0002"
    assert services.promote("r0001").release == "r0001", "it was live before"


def test_a_release_of_the_same_name_on_an_emptied_redis_is_another(services: Services) -> None:
    judge(services, "r0001", "r0002")
    services.releases.put(replace(services.releases.get("r0001"), model="mc"))
    with pytest.raises(GateRejected, match="`ragloop promote r0002`"):
        services.promote("r0002")


def test_what_the_gate_refused_or_never_saw_stays_out(services: Services) -> None:
    judge(services, "r0001", "r0002", promoted=False)
    with pytest.raises(GateRejected, match="the gate refused release r0002: because"):
        services.promote("r0002")
    with pytest.raises(GateRejected, match="has not compared release r0003 with r0001"):
        services.promote("r0003")


class Judged:
    """Stands in for the judge, and records what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def judge(
        self, questions: QuestionSet, live: str, candidate: str, *_: object
    ) -> tuple[str, ...]:
        self.asked.append((questions.name, questions.split, live, candidate))
        return self.asked[-1]


def kept_set(folder: Path, split: str = "test") -> Path:
    save(folder, question_set(question("q1", CHUNKS[0].chunk_id), name=folder.name, split=split))
    return folder


def test_a_candidate_is_judged_once_against_the_live_release(services: Services) -> None:
    judge_ = vars(services)["judge"] = Judged()
    with pytest.raises(GateRejected, match=r"r0002 cannot be judged.*question set yet.*--force"):
        services.judge_candidate("r0002")
    kept_set(services.settings.home / "question_sets" / "improve-1")
    expected = ("improve-1", "test", "r0001", "r0002")
    assert services.judge_candidate("r0002") == expected  # type: ignore[comparison-overlap]
    judge(services, "r0001", "r0002", promoted=False)
    assert services.judge_candidate("r0002") is None
    services.promote("r0003", force=True)
    assert services.judge_candidate("r0002")
    assert judge_.asked[-1] == ("improve-1", "test", "r0003", "r0002")


def test_a_job_has_a_candidate_judged_anew_and_tells_of_the_gate(services: Services) -> None:
    class Judgment:
        @staticmethod
        def as_dict() -> dict[str, Any]:
            return {"gate": {"promoted": False, "reasons": ["not proven"]}}

    vars(services)["judge"] = SimpleNamespace(judge=lambda *_: Judgment)
    with pytest.raises(NotFound, match="no question set yet"):
        work.judge(services, "r0002", no_progress)
    kept_set(services.settings.home / "question_sets" / "improve-1")
    judge(services, "r0001", "r0002")
    result = work.judge(services, "r0002", no_progress)
    assert worker.refused(result) == "refused by the gate: not proven"
    with pytest.raises(InvalidRequest, match="r0001 is live"):
        work.judge(services, "r0001", no_progress)
    with pytest.raises(NotFound, match="r0009"):
        work.judge(services, "r0009", no_progress)


def test_what_was_live_before_needs_no_judge(services: Services) -> None:
    vars(services)["judge"] = Judged()
    services.promote("r0003", force=True)
    assert services.judge_candidate("r0001") is None


def test_a_named_question_set_has_it_judged_again(services: Services, tmp_path: Path) -> None:
    judge_ = vars(services)["judge"] = Judged()
    judge(services, "r0001", "r0002", promoted=False)
    dataset = kept_set(tmp_path / "own", "dev")
    assert services.judge_candidate("r0002", dataset, "dev")
    assert judge_.asked == [("own", "dev", "r0001", "r0002")]
    with pytest.raises(DataError):
        services.judge_candidate("r0002", tmp_path / "nowhere")
