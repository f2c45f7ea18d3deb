"""``ragloop report``: what was measured and decided, as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.errors import InvalidRequest
from rag_service.core.settings import load_settings
from rag_service.wiring import open_services


def register(app: typer.Typer) -> None:
    app.command()(report)


def report(
    out: Annotated[
        Path | None, typer.Option(help="Where the page goes; by default RAGLOOP_HOME/report.html.")
    ] = None,
    dataset: Annotated[
        str, typer.Option(help="Only this question set, by its name; by default all.")
    ] = "",
    as_json: JsonFlag = False,
) -> None:
    """Write one HTML page: quality before and after, over time and by slice, with its questions."""
    from eval.report.documents import report_document
    from eval.report.page import write_report

    settings = load_settings()
    target = (out or settings.home / "report.html").absolute()
    if target.is_dir():
        raise InvalidRequest(f"--out {target} is a folder: name a file in it")
    with open_services(settings) as services, progress_bar() as progress:
        gathered = services.reporter.gather(dataset, progress)
    write_report(gathered, target)
    document = report_document(gathered) | {"html": str(target)}

    def render(console: Console) -> None:
        rows = []
        for found in gathered.sets:
            if (pair := found.compared) and (moved := pair.difference):
                before, after = pair.before.metrics["ndcg@10"], pair.after.metrics["ndcg@10"]
                rows.append(
                    (
                        found.name,
                        pair.after.questions,
                        f"{pair.before.release} → {pair.after.release}",
                        f"{before.value:.3f} → {after.value:.3f}",
                        f"{moved.value:+.3f} [{moved.low:+.3f}, {moved.high:+.3f}]",
                        f"{moved.p:.4f}",
                    )
                )
        columns = ("question set", "questions", "releases", "ndcg@10", "difference", "p")
        if rows:
            console.print(grid(columns, rows))
        console.print(Text(f"\nreport: {target}"), soft_wrap=True)

    emit(document, as_json, render)
