"""``ragloop plan``: what so many filings will take, from what was measured."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.cli.own_home import own_home
from rag_service.core.errors import InvalidRequest
from rag_service.core.protocols import Progress
from rag_service.core.settings import Settings, load_settings
from rag_service.wiring import open_services

if TYPE_CHECKING:
    from rag_service.loop.own_home import OwnHome
    from rag_service.loop.plan import Wanted
    from rag_service.loop.rates import Rates, Sizes

FILINGS, CHUNKS = 4, 1024
"""That are measured by default: filings are read, and of their chunks so many encoded."""

FIGURES = {
    "pages": "pages",
    "chunks": "chunks",
    "redis_memory": "Redis memory, one release",
    "redis_memory_further_release": "  each further release",
    "kept_filings": "disk: kept filings",
    "model": "disk: model",
    "each_training": "  each training",
    "redis_file": "disk: append-only file, one release",
    "redis_file_further_release": "  each further release",
    "redis_file_at_most": "  at most, one release",
    "ingest_seconds": "ingestion",
    "reindex_seconds": "reindexing",
    "training_seconds": "training",
}


def register(app: typer.Typer) -> None:
    app.command()(plan)


def plan(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="With --measure: filings, or folders with filings. By default those that this "
            "home keeps, or else the sample filings."
        ),
    ] = None,
    filings: Annotated[int, typer.Option(help="How many are planned for.", min=0)] = 0,
    pages_per_filing: Annotated[
        float | None, typer.Option(help="Their pages; by default as those measured.", min=1)
    ] = None,
    questions: Annotated[
        int, typer.Option(help="Of a training, as `ragloop improve` has it.", min=50)
    ] = 2400,
    epochs: Annotated[int, typer.Option(help="Of a training.", min=1)] = 1,
    measure: Annotated[
        bool, typer.Option("--measure", help="Measure this machine first: some minutes.")
    ] = False,
    sample: Annotated[int, typer.Option(help="Filings that --measure reads.", min=1)] = FILINGS,
    chunks: Annotated[int, typer.Option(help="Chunks that --measure encodes.", min=32)] = CHUNKS,
    rates: Annotated[
        Path | None,
        typer.Option(help="What --measure --output wrote, on another machine say."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(help="Where --measure writes; by default RAGLOOP_HOME/rates.json."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what so many filings will take: chunks, Redis memory, disk, and hours.

    Every figure comes from a measurement, which is named, with its 95 % interval.
    """
    from rag_service.loop import rates as kept
    from rag_service.loop.plan import Wanted

    if not (filings or measure):
        raise InvalidRequest("say how many filings to plan for with --filings, or --measure")
    if measure and rates:
        raise InvalidRequest("--measure and --rates do not go together: give one of them")
    if not measure and (paths or output):
        raise InvalidRequest("PATH and --output go with --measure")
    settings = load_settings()
    place = rates or output or settings.home / kept.FILE
    if measure:
        with progress_bar() as progress:
            found = measured(settings, paths or [], sample, chunks, progress)
        found.save(place)
    else:
        found = kept.load(place)
        kept.check(found, settings)
    document: dict[str, Any] = {"rates": str(place), "measured": found.model_dump(mode="json")}
    if filings:
        wanted = Wanted(filings, pages_per_filing, questions, epochs)
        document |= planned(settings, found, wanted)
    emit(document, as_json, lambda console: render(console, document))


def measured(
    settings: Settings, paths: Sequence[Path], sample: int, chunks: int, progress: Progress
) -> Rates:
    """Rates of this machine, in a home of its own, on a sample of the filings."""
    from ingest.read import find_files
    from rag_service.planning import measure as measure_in

    named = "filings that were named"
    if not paths and (kept := settings.home / "filings").is_dir():
        paths, named = [kept], "filings that this home keeps"
    files = find_files(paths)
    with _measuring_home(settings) as (apart, own):
        if not files:
            files, named = find_files([own.samples()]), "sample filings"
        drawn = random.Random(settings.seed).sample(files, min(sample, len(files)))
        named = f"{len(drawn)} of {len(files)} {named}"
        return measure_in(apart, own, drawn, named, chunks, progress)


@contextmanager
def _measuring_home(settings: Settings) -> Iterator[tuple[Settings, OwnHome]]:
    """On the Redis that is set, if one is, with a namespace that is gone at the end."""
    namespace = f"plan-{uuid4().hex[:8]}" if settings.redis_url else "ragloop"
    with own_home(settings, settings.redis_url, namespace) as (apart, own):
        try:
            yield apart, own
        finally:
            if settings.redis_url:
                with open_services(apart) as services:
                    services.forget_namespace()


def planned(settings: Settings, rates: Rates, wanted: Wanted) -> dict[str, Any]:
    """The plan as a document."""
    from rag_service.loop.plan import plan as of_rates

    sizes = _own_sizes(settings)
    figures = of_rates(rates, wanted, sizes, "all that this home has ingested")
    return {
        "filings": wanted.filings,
        "pages_per_filing": wanted.pages,
        "questions": wanted.questions,
        "figures": {name: figure.as_dict() for name, figure in figures.items()},
        "not_measured": {"training_seconds": rates.no_training} if rates.no_training else {},
    }


def _own_sizes(settings: Settings) -> list[Sizes]:
    """Of the documents of this home, where there are at least two with kept files."""
    from rag_service.loop.rates import Sizes

    if not (settings.home / "filings").is_dir():
        return []
    with open_services(settings) as services:
        sizes = [
            Sizes(
                pages=document.pages,
                chunks=document.chunks,
                bytes=services.kept_filings.path(document).stat().st_size,
            )
            for document in services.chunks.documents()
            if services.kept_filings.has(document) and document.pages
        ]
    return sizes if len(sizes) > 1 else []


def render(console: Console, document: dict[str, Any]) -> None:
    found = document["measured"]
    machine = found["machine"]
    console.print(
        f"measured {found['measured']} on {machine['name']} ({found['cores']} cores, "
        f"{machine['processor']}, encoder on {machine['device']}) with {found['model']['name']}, "
        f"{found['filings_from']}; kept in {document['rates']}"
    )
    if "figures" not in document:
        return
    rows = [
        (
            FIGURES[name],
            *(told(one[which], one["unit"]) for which in ("value", "low", "high")),
            one["source"],
        )
        for name, one in document["figures"].items()
    ]
    title = f"{document['filings']} filings"
    console.print(grid(("", "value", "low", "high", "from"), rows, title))
    for name, reason in document["not_measured"].items():
        console.print(f"{FIGURES[name]}: not measured: {reason}", markup=False)


def told(value: float, unit: str) -> str:
    if unit == "bytes":
        return f"{value / 1e9:,.2f} GB" if value >= 1e9 else f"{value / 1e6:,.1f} MB"
    if unit == "seconds":
        return f"{value / 3600:,.2f} h" if value >= 3600 else f"{value / 60:,.1f} min"
    return f"{value:,.0f}"
