"""``ragloop worker`` and ``ragloop jobs``."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from rag_service.answering.documents import job_document
from rag_service.cli.output import JsonFlag, emit, grid
from rag_service.core.settings import load_settings
from rag_service.core.types import JobRecord
from rag_service.logs import set_up_logs
from rag_service.wiring import open_services

JobName = Annotated[str, typer.Argument(metavar="ID", help="As `ragloop jobs` lists it.")]


def register(app: typer.Typer) -> None:
    app.command()(worker)
    group = typer.Typer(help="Jobs that the worker process runs, or ran.")
    group.callback(invoke_without_command=True)(list_jobs)
    for command in (show, cancel, retry):
        group.command()(command)
    app.add_typer(group, name="jobs")


def worker() -> None:
    """Run the jobs that the service is asked for; `ragloop serve` starts such a process itself.

    One worker of a home works at a time: a second one stands by, and takes over when it ends.
    """
    from rag_service.worker import serve_jobs

    settings = load_settings()
    set_up_logs(settings, service=True)
    serve_jobs(settings)


def list_jobs(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List them, the newest first."""
    if context.invoked_subcommand:
        return
    with open_services(load_settings()) as services:
        records = services.queue.all()

    def render(console: Console) -> None:
        if not records:
            console.print("no jobs: the page's Improve, or POST /v1/jobs, starts one")
            return
        rows = [(r.job, r.state, r.created, _at(r), escape(r.reason)) for r in records]
        console.print(grid(("job", "state", "created", "at", ""), rows))

    emit({"jobs": [job_document(record) for record in records]}, as_json, render)


def show(job: JobName, as_json: JsonFlag = False) -> None:
    """One job with its log and its result."""
    with open_services(load_settings()) as services:
        record = services.queue.get(job)
        events = services.queue.events(job)
    lines = [event.data["line"] for event in events if event.name == "log"]

    def render(console: Console) -> None:
        _print(console, record)
        for line in lines:
            console.print(line, markup=False, style="dim")
        if record.result is not None:
            console.print_json(json.dumps(record.result))

    emit(job_document(record) | {"log": lines}, as_json, render)


def cancel(job: JobName, as_json: JsonFlag = False) -> None:
    """End a job: a queued one at once, a running one within seconds."""
    with open_services(load_settings()) as services:
        record = services.queue.cancel(job)
    emit(job_document(record), as_json, lambda console: _print(console, record))


def retry(job: JobName, as_json: JsonFlag = False) -> None:
    """Queue a failed or cancelled job again: it goes on where it stopped."""
    with open_services(load_settings()) as services:
        record = services.queue.retry(job)
    emit(job_document(record), as_json, lambda console: _print(console, record))


def _print(console: Console, record: JobRecord) -> None:
    told = ": ".join(part for part in (record.state, record.reason) if part)
    console.print(f"{record.job}  {told}  {_at(record)}", markup=False)


def _at(record: JobRecord) -> str:
    of = f" {record.done}/{record.total}" if record.total else ""
    return f"{record.step}{of}"
