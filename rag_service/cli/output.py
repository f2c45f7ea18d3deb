"""What commands print: one JSON document on stdout, or text for people; logs on stderr."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from rag_service.core.protocols import Progress as ProgressCallback
from rag_service.core.protocols import no_progress

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]


_PIPE_WIDTH = 160
"""Columns of a table that is not shown on a terminal."""


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
        stderr_console().print(f"[bold red]error[/] ({error['code']}):", end=" ")
        stderr_console().print(str(error["message"]), markup=False, highlight=False)


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
    """A table for people: text left, the other columns as given."""
    table = Table(title=title or None, title_justify="left", header_style="bold", box=None)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    return table


@contextmanager
def progress_bar() -> Iterator[ProgressCallback]:
    """A progress callback that draws on a terminal and is silent in a pipe."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=stderr_console(),
        transient=True,
    ) as bars:
        tasks: dict[str, TaskID] = {}

        def report(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total or None)
            bars.update(tasks[step], completed=done, total=total or None)
            if total and done >= total:
                bars.remove_task(tasks.pop(step))

        yield report
