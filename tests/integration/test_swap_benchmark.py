"""The benchmark of the swap, small: a real service of two processes, searched all the time."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag_service.loop.search_traffic import Response, Span, figures
from tests.fakes.tiny_model import tiny_model
from tests.integration.command_line import CommandLine
from tests.unit.ingest_files import HEADER, INCOME, PROSE, filing

MODELS = {"r0001": "ma", "r0002": "mb"}


def response(ended: float, release: str, *models: str, failure: str = "") -> Response:
    return Response(ended - 0.1, ended, failure, release, frozenset(models))


def test_a_response_of_two_models_or_of_another_than_its_releases_is_mismatched() -> None:
    seen = [
        response(1, "r0001", "ma"),
        response(2, "r0002", "mb"),
        response(3, "r0002", "ma", "mb"),
        response(4, "r0002", "ma"),
        response(5, "r0009", "ma"),
        response(6, "", failure="503: Redis does not answer"),
    ]
    found = figures(seen, [Span(0, 10)], MODELS)
    assert (found["requests"], found["mismatched"], found["failed"]) == (6, 3, 1)
    assert found["by_release"] == {"r0001": 1, "r0002": 3, "r0009": 1}
    assert found["p50_ms"] == pytest.approx(100)


def test_a_request_belongs_to_every_span_that_it_touches_once() -> None:
    seen = [response(1.05, "r0001", "ma"), response(3, "r0001", "ma")]
    assert figures(seen, [Span(0, 1), Span(1, 2)], MODELS)["requests"] == 1
    nothing = figures(seen, [Span(5, 6)], MODELS)
    assert (nothing["requests"], nothing["p99_ms"]) == (0, 0)


@pytest.mark.slow
def test_no_request_is_lost_and_no_models_meet_while_two_processes_swap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    model = tiny_model(tmp_path, [HEADER, *PROSE, *(label for label, _ in INCOME)]).path
    home = tmp_path / "home"
    ragloop = CommandLine(home, {"RAGLOOP_EMBEDDING_MODEL": model}, monkeypatch, capfd)
    file = filing(tmp_path / "HARROW_2023_10K.pdf")
    few = ("--clients", "2", "--pause", "0.1", "--seconds", "1")
    outcome = ragloop("bench", "swap", file, *few, "--json")
    assert outcome.status == 0, outcome.stderr
    report = outcome.document
    assert (report["failed"], report["mismatched"]) == (0, 0), report["failures"]
    assert len(set(report["models"].values())) == 2
    phases = report["phases"]
    assert [*phases] == [
        "before", "reindex", "promote", "rollback", "promote again", "after", "swaps",
    ]  # fmt: skip
    # A swap itself may be over before a client asks again.
    assert all(phases[name]["requests"] for name in ("before", "reindex", "after", "swaps"))
    old, new = sorted(report["models"])
    assert set(phases["before"]["by_release"]) == {old}
    assert set(phases["after"]["by_release"]) == {new}
    assert set(phases["swaps"]["by_release"]) == {old, new}
    assert report["p99_ratio"] > 0
    assert not home.exists(), "it has a home of its own"
