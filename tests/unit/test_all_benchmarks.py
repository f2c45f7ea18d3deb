"""The list of all benchmarks, and the table that is made of their reports."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.main import get_group

from rag_service.cli.main import app
from rag_service.loop import all_benchmarks
from rag_service.loop.all_benchmarks import AllBenchmarks, Benchmark, Headline, Result, table

LINE = Headline(
    "speed", "chunks/s", "the other", "other.speed", "", "rounds.*.ratio", "n.chunks", ">= 0.9"
)
REPORT = {
    "speed": 9.0,
    "other": {"speed": 10.0},
    "rounds": [{"ratio": 0.8}, {"ratio": 1.1}],
    "n": {"chunks": 120},
}


def test_every_benchmark_is_listed_and_each_that_is_listed_exists() -> None:
    commands = get_group(app).commands["bench"].commands  # type: ignore[attr-defined]
    listed = all_benchmarks.benchmarks()
    assert {one.name for one in listed} == commands.keys() - {"all"}
    for one in listed:
        known = commands[one.name].params
        options = {name for option in known for name in (*option.opts, *option.secondary_opts)}
        asked = {word for word in f"{one.run} {one.quick}".split() if word.startswith("--")}
        assert asked <= options, one.name
        assert one.lines


def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    line: Headline = LINE,
    *,
    quick: bool = False,
    words: str = "{filings} --rounds 1",
    needs: str = "",
) -> list[Result]:
    """What comes of a benchmark that says ``said``."""
    script = tmp_path / "says"
    script.write_text(f"#!/bin/sh\necho \"$@\" > {tmp_path}/asked\nprintf '%s' '{said}'\n")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    one = Benchmark("reindex", words, words, (line,), needs)
    runs = AllBenchmarks([Path("/f")], [], tmp_path, tmp_path, quick=quick, gpu=False)
    return runs.run(one)


def test_a_report_gives_figure_ratio_and_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = run(tmp_path, monkeypatch, json.dumps(REPORT))
    assert (found.status, found.figure, found.other, found.ratio) == ("ok", 9.0, 10.0, 0.9)
    assert (found.low, found.high, found.n) == (0.8, 1.1, "120 chunks")
    asked = (tmp_path / "asked").read_text()
    assert asked == "-m rag_service.cli bench reindex /f --rounds 1 --json\n"
    assert json.loads((tmp_path / "reindex.json").read_text()) == REPORT
    assert "| reindex | 9 chunks/s | the other | 10 | 0.9 | 0.8 to 1.1 | 120 chunks |" in table(
        [found]
    )


@pytest.mark.parametrize(("wanted", "status"), [(">= 0.91", "missed"), ("<= 0.9", "ok")])
def test_what_is_wanted_is_judged_but_not_in_a_quick_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str, status: str
) -> None:
    line = LINE._replace(wanted=wanted)
    assert run(tmp_path, monkeypatch, json.dumps(REPORT), line)[0].status == status
    assert run(tmp_path, monkeypatch, json.dumps(REPORT), line, quick=True)[0].status == "ok"
    alone = line._replace(other="", against="", wanted="<= 8")
    assert run(tmp_path, monkeypatch, json.dumps(REPORT), alone)[0].status == "missed"


def test_one_that_fails_says_why_in_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"error": {"code": "config", "message": "set this | that", "retryable": False}}
    (found,) = run(tmp_path, monkeypatch, json.dumps(error))
    assert (found.status, found.reason) == ("failed", "set this | that")
    assert "failed: set this / that |" in table([found])
    (found,) = run(tmp_path, monkeypatch, "no JSON")
    assert (found.status, found.reason[:19]) == ("failed", "ended with status 0")
    (found,) = run(tmp_path, monkeypatch, "{}")
    assert found.status == "failed"
    assert "speed is not in its report" in found.reason
    within = LINE._replace(figure="speed.value")
    (found,) = run(tmp_path, monkeypatch, '{"speed": null}', within)
    assert "speed.value is not in its report" in found.reason


def test_what_is_not_possible_here_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = run(tmp_path, monkeypatch, "{}", words="{dataset}")
    assert (found.status, found.reason) == ("not possible", "needs a question set: --dataset")
    (found,) = run(tmp_path, monkeypatch, "{}", needs="gpu")
    assert (found.status, found.reason) == ("not possible", "needs a GPU")
    report = {"speed": 9.0, "n": {"chunks": 1}}
    (found,) = run(tmp_path, monkeypatch, json.dumps(report), LINE._replace(spread=""))
    assert (found.status, found.reason) == ("not possible", "no the other in this run")
