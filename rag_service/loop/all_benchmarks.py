"""All benchmarks one after the other, each in a process of its own, and a table of what they say.

They are listed in ``benchmarks.toml``.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

_LOG_CHARS = 300
_APART = {"RAGLOOP_REDIS_URL": "", "RAGLOOP_JOBS_URL": "", "RAGLOOP_NAMESPACE": "ragloop"}
"""Settings under which nothing of the user's own is touched."""

LIST = Path(__file__).with_name("benchmarks.toml")


class Headline(NamedTuple):
    """One line of the table, as ``benchmarks.toml`` explains it."""

    figure: str
    unit: str
    against: str = ""
    other: str = ""
    ratio: str = ""
    spread: str = ""
    n: str = ""
    wanted: str = ""


class Benchmark(NamedTuple):
    """What is run, and what is told of it."""

    name: str
    run: str
    quick: str
    lines: tuple[Headline, ...]
    needs: str = ""


def benchmarks() -> list[Benchmark]:
    """All of ``benchmarks.toml``."""
    listed = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return [
        Benchmark(name, **(one | {"lines": tuple(Headline(**line) for line in one["lines"])}))
        for name, one in listed.items()
    ]


class Result(NamedTuple):
    """A line of the table: ``missed`` is measured, and not what is wanted."""

    benchmark: str
    status: Literal["ok", "missed", "failed", "not possible"]
    seconds: float = 0.0
    reason: str = ""
    figure: float | None = None
    unit: str = ""
    against: str = ""
    other: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    n: str = ""
    wanted: str = ""


class AllBenchmarks:
    """``dataset`` are the options that name a question set; ``home`` is shared, and goes after."""

    def __init__(
        self,
        filings: Sequence[Path],
        dataset: Sequence[str],
        home: Path,
        logs: Path,
        *,
        quick: bool,
        gpu: bool,
    ) -> None:
        self._filings = [str(path.absolute()) for path in filings]
        self._dataset = list(dataset)
        self._home = home
        self._logs = logs
        self._quick = quick
        self._gpu = gpu

    def run(self, one: Benchmark) -> list[Result]:
        """Its lines; one that says why, if it gave no figure."""
        if one.needs == "gpu" and not (self._gpu or self._quick):
            return [Result(one.name, "not possible", reason="needs a GPU")]
        words = shlex.split(one.quick if self._quick else one.run)
        if "{dataset}" in words and not self._dataset:
            return [Result(one.name, "not possible", reason="needs a question set: --dataset")]
        arguments = list(self._filled(words))
        started = time.perf_counter()
        log = self._logs / f"{one.name}.log"
        with log.open("wb") as said:
            done = subprocess.run(
                [sys.executable, "-m", "rag_service.cli", "bench", one.name, *arguments, "--json"],
                stdout=subprocess.PIPE,
                stderr=said,
                env={**os.environ, **_APART, "RAGLOOP_HOME": str(self._home)},
                check=False,
            )
        seconds = time.perf_counter() - started
        (self._logs / f"{one.name}.json").write_bytes(done.stdout)
        try:
            report = json.loads(done.stdout)
        except ValueError:
            tail = log.read_text(errors="replace").strip()[-_LOG_CHARS:]
            reason = f"ended with status {done.returncode}: {tail}"
            return [Result(one.name, "failed", seconds, reason)]
        if "error" in report:
            return [Result(one.name, "failed", seconds, report["error"]["message"])]
        return [self._result(one.name, seconds, report, line) for line in one.lines]

    def _filled(self, words: Sequence[str]) -> Iterator[str]:
        for word in words:
            if word == "{filings}":
                yield from self._filings
            elif word in ("{dataset}", "{dataset?}"):
                yield from self._dataset
            else:
                yield word

    def _result(
        self, name: str, seconds: float, report: Mapping[str, Any], line: Headline
    ) -> Result:
        try:
            figure = _number(report, line.figure)
        except (LookupError, TypeError, ValueError) as error:
            said = f"{line.figure} is not in its report ({error!r})"
            return Result(name, "failed", seconds, said, unit=line.unit)
        try:
            other = _number(report, line.other) if line.other else None
        except (LookupError, TypeError, ValueError):
            reason = f"no {line.against} in this run"
            return Result(name, "not possible", seconds, reason, figure, line.unit, line.against)
        ratio = None
        if line.ratio:
            ratio = _number(report, line.ratio)
        elif other:
            ratio = figure / other
        low, high = _spread(report, line.spread)
        judged = ratio if line.other else figure
        missed = not (self._quick or judged is None) and not _meets(judged, line.wanted)
        return Result(
            benchmark=name,
            status="missed" if missed else "ok",
            seconds=seconds,
            figure=figure,
            unit=line.unit,
            against=line.against,
            other=other,
            ratio=ratio,
            low=low,
            high=high,
            n=f"{_number(report, line.n):.0f} {line.n.rpartition('.')[2]}" if line.n else "",
            wanted=line.wanted,
        )


def table(results: Sequence[Result]) -> str:
    """The results as a table in Markdown."""
    columns = (
        *("benchmark", "figure", "against", "its figure", "ratio", "range", "n", "wanted"),
        *("seconds", "status"),
    )
    lines = [f"| {' | '.join(columns)} |", "| --- " * len(columns) + "|"]
    for one in results:
        told = "" if one.figure is None else f"{_told(one.figure)} {one.unit}"
        between = "" if one.low is None else f"{_told(one.low)} to {_told(one.high)}"
        status = one.status + (f": {' '.join(one.reason.split())}" if one.reason else "")
        cells = (
            *(one.benchmark, told, one.against, _told(one.other), _told(one.ratio), between),
            *(one.n, one.wanted, f"{one.seconds:.0f}", status),
        )
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def _told(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _found(report: Any, place: str) -> list[Any]:
    found = [report]
    for step in place.split("."):
        found = [inner for outer in found for inner in _inside(outer, step)]
    return found


def _inside(value: Any, step: str) -> list[Any]:
    if step == "*":
        return list(value.values() if isinstance(value, Mapping) else value)
    return [value[step] if isinstance(value, Mapping) else value[int(step)]]


def _number(report: Any, place: str) -> float:
    return float(_found(report, place)[0])


def _spread(report: Any, place: str) -> tuple[float | None, float | None]:
    """Ends of an interval, or the least and the largest of several rounds."""
    if not place:
        return None, None
    found = _found(report, place)
    if found and isinstance(found[0], Mapping):
        return found[0].get("low"), found[0].get("high")
    return (min(found), max(found)) if len(found) > 1 else (None, None)


def _meets(value: float, wanted: str) -> bool:
    """Whether a value is such as ``>= 0.95`` says."""
    if not wanted:
        return True
    sign, limit = wanted.split()
    bound = float(limit)
    return {">=": value >= bound, "<=": value <= bound, ">": value > bound}[sign]
