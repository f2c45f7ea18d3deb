"""``ragloop experiment``: two releases under live traffic."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.core.settings import load_settings
from rag_service.core.types import ExperimentKind
from rag_service.wiring import open_services


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Two releases under live traffic.", no_args_is_help=True)
    group.command()(start)
    group.command()(status)
    group.command()(stop)
    app.add_typer(group, name="experiment")


def start(
    a: Annotated[str, typer.Argument(help="The live release.")],
    b: Annotated[str, typer.Argument(help="Its rival: a candidate, or a retired release.")],
    share: Annotated[
        float, typer.Option(help="Of the client keys: those that take part with the rival.")
    ] = 0.1,
    interleave: Annotated[
        bool, typer.Option("--interleave", help="Show them the hits of both in one list.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Let clients' feedback tell which of two releases is better."""
    with open_services(load_settings()) as services, progress_bar() as progress:
        kind: ExperimentKind = "interleaving" if interleave else "split"
        document = services.experimenter.start(a, b, share, kind, progress)
    emit(document, as_json, lambda console: _print_standing(console, document))


def status(as_json: JsonFlag = False) -> None:
    """How the experiment stands, and how those before it ended."""
    from rag_service.loop.experiments import standings

    with open_services(load_settings()) as services:
        document = standings(services.experiments)

    def render(console: Console) -> None:
        if document["running"] is None:
            console.print("no experiment runs")
        else:
            _print_standing(console, document["running"])
        for past in document["past"]:
            console.print()
            _print_standing(console, past)

    emit(document, as_json, render)


def stop(
    promote_winner: Annotated[
        bool,
        typer.Option("--promote-winner", help="Only if a side has won, which is live afterwards."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """End the experiment. Without a winner, `--promote-winner` refuses and it goes on."""
    with open_services(load_settings()) as services, progress_bar() as progress:
        document = services.experimenter.stop(promote_winner, progress)
    emit(document, as_json, lambda console: _print_standing(console, document))


def _print_standing(console: Console, standing: dict[str, Any]) -> None:
    split = standing["kind"] == "split"
    state = f"ended {standing['ended']}: {standing['reason']}" if standing["ended"] else "runs"
    console.print(
        f"experiment {standing['experiment']} ({standing['kind']}, share {standing['share']:g}, "
        f"since {standing['started']}) {state}"
    )
    columns = ("release", "requests", "good", *(["bad"] if split else []), "rate", "e-value")
    rows = [
        [
            side["release"],
            side["requests"],
            side["good"],
            *([side["bad"]] if split else []),
            _rate(side["rate"]),
            f"{side['e_value']:.3g}",
        ]
        for side in (standing["a"], standing["b"])
    ]
    console.print(grid(columns, rows))
    console.print(_verdict(standing))


def _rate(rate: dict[str, Any] | None) -> str:
    return f"{rate['value']:.3f} [{rate['low']:.3f}, {rate['high']:.3f}]" if rate else "–"


def _verdict(standing: dict[str, Any]) -> str:
    if standing["winner"]:
        return f"{standing['winner']} has won"
    needed = standing["outcomes_needed"]
    if standing["ended"] or needed is None:
        return f"no winner (an e-value of {standing['winning_e_value']:g} wins)"
    return (
        f"no winner yet (an e-value of {standing['winning_e_value']:g} wins): about {needed:,} "
        "more outcomes if they come as they did so far"
    )
