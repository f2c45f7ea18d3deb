"""``ragloop tune-index``: how new indexes are to be searched, by trying it."""

from __future__ import annotations

import os
from typing import Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.settings import load_settings
from rag_service.wiring import open_services

_NICENESS = 10
"""A service on the same machine goes first, as beside a reindex."""


def register(app: typer.Typer) -> None:
    app.command("tune-index")(tune_index)


def tune_index(
    recall: Annotated[
        float, typer.Option(help="Share of the exact hits to find.", min=0.5, max=1.0)
    ] = 0.99,
    k: Annotated[int, typer.Option(help="Hits.", min=1, max=100)] = 10,
    release: Annotated[str | None, typer.Option(help="By default the live one.")] = None,
    questions: Annotated[
        int, typer.Option(help="Questions, at most; half of them choose.", min=40)
    ] = 400,
    apply: Annotated[
        bool, typer.Option("--apply", help="Make new indexes so, where no setting says otherwise.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Find the index that is quickest at a wanted recall, on a release's own vectors.

    Builds graphs of several M and ef_construction and an index for exact search, one after the
    other beside the release's own, and drops each. Tells too what float16 would lose.
    """
    with open_services(load_settings()) as services, progress_bar() as progress:
        os.nice(_NICENESS)
        tuning = services.index_tuner.run(
            release or services.improver.live_release(),
            services.held_out_questions(),
            wanted=recall,
            k=k,
            most=questions,
            progress=progress,
        )
        if apply:
            services.index_tuning.put(tuning.tuned)
    report = {**tuning.as_dict(), "applied": apply}
    emit(report, as_json, lambda console: _render(console, report))


def _render(console: Console, report: dict[str, Any]) -> None:
    asked = f"{report['question_set']} {report['split']}".strip()
    console.print(
        f"{report['release']}: {report['chunks']} chunks of {report['dims']} dimensions, "
        f"{report['questions']} questions ({asked}); wanted: recall@{report['k']} of "
        f"{report['wanted']}"
    )
    rows = [("as it is", *_row(report["own"]))]
    rows += [("chosen" if one == report["chosen"] else "", *_row(one)) for one in report["tries"]]
    if report["float16"]:
        rows.append(("in float16", *_row(report["float16"])))
    columns = (
        "index",
        f"recall@{report['k']}",
        "ndcg@10",
        "p50 ms",
        "p99 ms",
        "ratio",
        "chosen by",
    )
    console.print(grid(("", *columns, "bytes a chunk", "built in s"), rows))
    if report["float16"]:
        change = report["float16"]["ndcg_change"]
        console.print(
            f"float16: NDCG@10 {change['value']:+.4f} [{change['low']:+.4f}, "
            f"{change['high']:+.4f}], p {change['p']:.3f}"
        )
    tuned = report["tuned"]
    console.print(
        f"{tuned['algorithm']}, M {tuned['m']}, ef_construction {tuned['ef_construction']}, "
        f"ef_runtime {tuned['ef_runtime']}: "
        + ("new indexes are made so" if report["applied"] else "--apply has new ones made so")
    )


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    kind = f"{one['algorithm']} {one['datatype']}"
    if one["algorithm"] == "hnsw":
        kind += f" M {one['m']}, ef {one['ef_construction']} / {one['ef_runtime']}"
    took: tuple[str, ...] = ("",) * 4
    if timing := one["timing"]:
        took = (
            *(f"{timing[part]:.2f}" for part in ("p50_ms", "p99_ms")),
            _figure(timing["ratio"], 2),
            "" if one["slowness"] is None else f"{one['slowness']:.2f}",
        )
    size = f"{one['bytes_per_chunk']:,.0f}" if one["bytes_per_chunk"] else ""
    built = f"{one['build_seconds']:.1f}" if one["build_seconds"] else ""
    return (kind, _figure(one["recall"], 4), _figure(one["ndcg"], 3), *took, size, built)


def _figure(figure: dict[str, float], digits: int) -> str:
    value, low, high = (f"{figure[part]:.{digits}f}" for part in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"
