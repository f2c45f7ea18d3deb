"""The soak, small: a service with its worker for seconds, and what is a fault of one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from rag_service.loop import soak_benchmark
from rag_service.loop.soak_benchmark import faults
from rag_service.loop.soak_samples import JOBS, Held, Sample, growth, summary
from rag_service.loop.soak_traffic import Seen, by_kind
from tests.integration.command_line import CommandLine

MB = 10**6


def sample(at: float, mb: int, *, busy: bool = False, pid: int = 1, more: int = 0) -> Sample:
    held = {"process 1": Held(pid, mb * MB, 2 * mb * MB, 30 + more, 9)}
    if busy:
        held[JOBS] = Held(7, 900 * MB, 900 * MB, 20, 4)
    return Sample(at, busy, 50 * MB, held)


def report(held: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {"unexpected": 0, "jobs": {"ingest": {"done": 3}}, "held": held} | more


def test_growth_is_that_of_the_line_that_a_few_high_samples_do_not_bend() -> None:
    at = list(range(0, 100, 10))
    values = [100.0 + second / 10 for second in at]
    values[4] = 400.0
    assert growth(at, values) == {"first_mb": 100.0, "last_mb": 109.0, "growth_percent": 9.0}
    assert growth([0, 1], [0.0, 0.0])["growth_percent"] == 0


def test_samples_of_the_warm_up_and_of_jobs_do_not_count() -> None:
    cold, working = sample(1, 20), sample(12, 300, busy=True)
    quiet = [sample(at, 100) for at in (10, 20, 30)]
    found = summary([cold, *quiet[:1], working, *quiet[1:]], after=10)
    assert found["process 1"]["growth_percent"] == 0
    assert found["process 1"]["rss"]["first_mb"] == 200
    assert found["all"]["last_mb"] == 100
    assert JOBS not in found
    assert summary([cold, working, *quiet[:1]], after=10) == {}


def test_memory_descriptors_and_lives_that_are_not_flat_are_faults() -> None:
    flat = summary([sample(at, 100) for at in range(20)], 0)
    assert faults(report(flat), 5) == []
    grown = summary([sample(at, 100 + at, more=2 * at) for at in range(20)], 0)
    assert faults(report(grown), 25) == ["descriptors of process 1: 34 first, 64 last"]
    assert faults(report(grown), 5)[0] == "memory of process 1 grew by 19.0 %"
    restarted = summary([sample(1, 100), sample(2, 100, pid=2)], 0)
    assert faults(report(restarted), 5) == ["process 1 died and was started again"]


def test_wrong_responses_and_jobs_that_did_not_end_well_are_faults() -> None:
    seen = [
        Seen("ask", 0, 1, 200),
        Seen("ask", 0, 3, 503, "Redis does not answer"),
        Seen("ask, streamed", 0, 1, 200, "event: error"),
        Seen("ask", 0, 1, 0, "ConnectionResetError"),
        Seen("refused, 404", 0, 1, 403, "forbidden"),
    ]
    assert [one.is_server_error for one in seen] == [False, True, True, False, False]
    asked = by_kind(seen)["ask"]
    assert asked["statuses"] == {"0": 1, "200": 1, "503": 1}
    assert asked["p99_ms"] == 1000
    counted = {"unexpected": 4, "server_errors": 2, "failed_connections": 1}
    jobs = {"ingest": {"done": 3, "failed": 1}}
    found = faults(report({}, **counted, jobs=jobs), 5)
    assert len(found) == 3
    assert "2 in errors of the service, and 1 in failed connections" in found[0]
    assert found[1] == "1 jobs of the kind ingest are failed"
    assert "cannot be compared" in found[2]


@pytest.mark.slow
def test_a_service_is_asked_for_everything_while_it_ingests_improves_and_swaps(
    tmp_path: Path,
    some_filings: Path,
    narrow_model: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("_EVERY", "_UPLOAD_SECONDS", "_SWAP_SECONDS", "_LOOK_SECONDS"):
        monkeypatch.setattr(soak_benchmark, name, 0.2)
    files = sorted(some_filings.iterdir())[:4]
    home = tmp_path / "home"
    ragloop = CommandLine(home, {"RAGLOOP_EMBEDDING_MODEL": narrow_model}, monkeypatch, capfd)
    few = ("--minutes", "0.1", "--pause", "0.05", "--clients", "2", "--growth", "1000")
    outcome = ragloop("bench", "soak", *files, *few, "--json")
    report = outcome.document
    assert report["faults"] == []
    assert outcome.status == 0, outcome.stderr
    assert report["wrong"] == []
    asked = report["requests"]
    assert {"search", "ask", "upload", "removal", "job events", "promote", "rollback"} <= set(asked)
    assert set(asked["refused, 404"]["statuses"]) == {"404"}
    assert report["jobs"]["improve"] == {"done": 1}
    assert report["improvement"]["gate"]["promoted"] in (True, False)
    live = [move["what"] for move in report["moves"] if "is live" in move["what"]]
    assert live[-2:] == ["rollback: r0001 is live", "promote: r0002 is live"]
    names = {name for one in report["samples"] for name in one["processes"]}
    assert {"supervisor", "process 1", "process 2", "worker", "redis", "jobs"} <= names
    assert not home.exists(), "it has a home of its own"
