"""What commands print: one JSON document on stdout, or text for people; logs on stderr."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from rag_service.core.protocols import Progress as ProgressCallback

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]

_NAME_WIDTH = 32
"""Columns that a row's name has, however narrow the terminal."""
_PIPE_WIDTH = 160
"""Columns of a table that is not shown on a terminal."""
_LINE_SECONDS = 15.0
_SPEED_SECONDS = 120.0
"""Time over which speeds are measured: files come seconds to minutes apart."""
_UNITS = {
    "ingest": "files",
    "embed": "chunks",
    "reindex": "chunks",
    "pages": "pages",
    "evaluate": "questions",
    "questions": "questions",
    "hard": "questions",
    "training": "steps",
}
"""What a step counts, by its first word."""


def emit(document: dict[str, Any], as_json: bool, render: Callable[[Console], None]) -> None:
    """Print ``document`` as JSON, or let ``render`` print it for a person."""
    if as_json:
        _print_json(document)
    else:
        render(stdout_console())


def emit_error(error: dict[str, object], as_json: bool) -> None:
    """An error's document on stdout, or its message on stderr."""
    if as_json:
        _print_json({"error": error})
    else:
        told = f" ({error['code']}): {error['message']}"
        stderr_console().print(Text.assemble(("error", "bold red"), told))


def _print_json(document: dict[str, Any]) -> None:
    # ASCII alone: a file name may be no UTF-8, and stdout may have any encoding.
    json.dump(document, sys.stdout, ensure_ascii=True)
    sys.stdout.write("\n")


def stdout_console() -> Console:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    terminal = sys.stdout.isatty()
    width = None if terminal else _PIPE_WIDTH
    return Console(file=sys.stdout, width=width, soft_wrap=not terminal, highlight=False)


def stderr_console() -> Console:
    return Console(file=sys.stderr, highlight=False)


def grid(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> Table:
    """A table for people. A row's name, which stands first, is folded only if it is long."""
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None)
    longest = max((Text.from_markup(str(row[0])).cell_len for row in rows), default=0)
    for i, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=i == 0 and longest <= _NAME_WIDTH)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    return table


@contextmanager
def progress_bar() -> Iterator[ProgressCallback]:
    """A progress callback: bars on a terminal, in a pipe a line on stderr every 15 seconds."""
    if not sys.stderr.isatty():
        yield PlainProgress(sys.stderr, time.monotonic)
        return
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=stderr_console(),
        speed_estimate_period=_SPEED_SECONDS,
        transient=True,
    ) as bars:
        yield _Steps(bars).report


class PlainProgress:
    """Progress as lines of text, at most one in 15 seconds and none in the first."""

    def __init__(self, out: IO[str], clock: Callable[[], float]) -> None:
        self._out = out
        self._clock = clock
        self._bars = Progress(disable=True, get_time=clock, speed_estimate_period=_SPEED_SECONDS)
        self._steps = _Steps(self._bars)
        self._told = clock()

    def __call__(self, step: str, done: int, total: int) -> None:
        self._steps.report(step, done, total)
        tasks = self._bars.tasks
        if tasks and self._clock() - self._told >= _LINE_SECONDS:
            self._told = self._clock()
            self._out.write(f"{'; '.join(map(_told, tasks))}{_left(tasks[0])}\n")
            self._out.flush()


class _Steps:
    """The steps under way, each a task; one that begins within another counts as part of it."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._open: dict[str, tuple[TaskID, int, int]] = {}

    def report(self, step: str, done: int, total: int) -> None:
        if step not in self._open:
            for other, (_, _, size) in list(self._open.items()):
                if not size:  # nobody says when it ends
                    self._close(other)
            task = self._bars.add_task(step, total=total or None, unit=_unit(step))
        else:
            task = self._open[step][0]
        self._open[step] = (task, done, total)
        part = 0.0
        for name in reversed(list(self._open)):
            task, whole, size = self._open[name]
            self._bars.update(task, completed=whole + part, total=size or None)
            part = min(whole + part, size) / size if size else 0.0
        if total and done >= total:
            self._close(step)

    def _close(self, step: str) -> None:
        self._bars.remove_task(self._open.pop(step)[0])


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(_rate(task))


def _unit(step: str) -> str:
    return _UNITS.get(step.partition(" ")[0], "")


def _rate(task: Task) -> str:
    """Such as ``38.2 chunks/s``; per minute where less than one comes in a second."""
    unit, speed = task.fields["unit"], task.finished_speed or task.speed
    if not unit or not speed:
        return ""
    return f"{speed:.1f} {unit}/s" if speed >= 1 else f"{60 * speed:.1f} {unit}/min"


def _told(task: Task) -> str:
    of = f" {int(task.completed)}/{int(task.total)}" if task.total else ""
    rate = _rate(task)
    return f"{task.description}{of}{f' ({rate})' if rate else ''}"


def _left(task: Task) -> str:
    seconds = task.time_remaining
    return "" if seconds is None else f"; about {timedelta(seconds=int(seconds))} left"
