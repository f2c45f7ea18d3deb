"""``ragloop search``, ``ragloop ask`` and ``ragloop compare``."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from rag_service.answering.documents import (
    answer_document,
    comparison_document,
    place,
    search_document,
)
from rag_service.answering.retrieve import SearchResult
from rag_service.cli.output import JsonFlag, emit, grid, progress_bar
from rag_service.cli.stages import StagesOption, chosen
from rag_service.core.settings import load_settings
from rag_service.core.types import Answer, Filters, Hit, Stage
from rag_service.wiring import Services, open_services

Question = Annotated[
    str, typer.Argument(metavar="QUESTION", help="In plain English, in quotation marks.")
]
OneRelease = Annotated[str | None, typer.Option(help="A release other than the live one.")]
Company = Annotated[
    str,
    typer.Option(help="Only this company's filings: its name, also without Inc., or its ticker."),
]
Explain = Annotated[
    bool, typer.Option("--explain", help="Also what was understood, and scores by stage.")
]
Year = Annotated[int, typer.Option(help="Only this fiscal year.")]
_SHOWN = 400
"""Characters of a passage."""


def register(app: typer.Typer) -> None:
    app.command()(search)
    app.command()(ask)
    app.command()(compare)


def search(
    q: Question,
    k: Annotated[int, typer.Option("-k", help="How many hits.")] = 10,
    release: OneRelease = None,
    company: Company = "",
    year: Year = 0,
    stages: StagesOption = "",
    explain: Explain = False,
    as_json: JsonFlag = False,
) -> None:
    """The passages that suit a question best."""
    filters = Filters(company=company, fiscal_year=year)
    with open_services(load_settings()) as services:
        found = services.retriever.search(q, k, filters, release, chosen(stages))

    def render(console: Console) -> None:
        console.print(f"release {found.release}")
        if explain:
            _print_understood(console, found)
        for hit in found.hits:
            _print_hit(console, hit, explain)

    emit(search_document(found, explain=explain), as_json, render)


def ask(
    q: Question,
    k: Annotated[int, typer.Option("-k", help="How many passages to answer from.")] = 6,
    release: OneRelease = None,
    company: Company = "",
    year: Year = 0,
    stages: StagesOption = "",
    explain: Explain = False,
    as_json: JsonFlag = False,
) -> None:
    """An answer with citations of document and page."""
    filters = Filters(company=company, fiscal_year=year)
    with open_services(load_settings()) as services:
        found = services.retriever.search(q, k, filters, release, chosen(stages))
        answer = asyncio.run(services.answerer.answer(q, found))

    def render(console: Console) -> None:
        print_answer(console, answer)
        if explain:
            _print_understood(console, found)
            for hit in found.hits:
                _print_hit(console, hit, explain)

    emit(answer_document(answer, explain=found if explain else None), as_json, render)


def compare(
    a: Annotated[str, typer.Argument(help="A release.")],
    b: Annotated[str, typer.Argument(help="Another release.")],
    dataset: Annotated[Path | None, typer.Option(help="Question set in BEIR layout.")] = None,
    split: Annotated[str, typer.Option(help="Split of the question set.")] = "test",
    stages: StagesOption = "",
    question: Annotated[str, typer.Option(help="Compare on this one question instead.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Two releases on one question set, paired; by default on the newest held-out questions."""
    with open_services(load_settings()) as services:
        if question:
            _compare_on_question(services, a, b, question, as_json)
        else:
            _compare_on_set(services, a, b, dataset, split, chosen(stages), as_json)


def print_answer(console: Console, answer: Answer) -> None:
    """An answer and its citations for a person."""
    mark = "[green]grounded[/]" if answer.grounded else "[yellow]not grounded[/]"
    console.print(f"{escape(answer.answer)}\n{mark} · {answer.method} · release {answer.release}")
    if answer.reason:
        console.print(escape(answer.reason), style="dim")
    for citation in answer.citations:
        console.print(f"  [bold]{escape(place(citation))}[/]")
        console.print(f"    “{escape(citation.quote)}”")


def _compare_on_question(services: Services, a: str, b: str, question: str, as_json: bool) -> None:
    side_by_side = asyncio.run(services.comparer.compare(question, a, b))

    def render(console: Console) -> None:
        for side in (side_by_side.a, side_by_side.b):
            console.rule(side.result.release, align="left")
            print_answer(console, side.answer)
            for hit in side.result.hits:
                where = f"{hit.chunk.document} p. {hit.chunk.page_start}"
                console.print(f"{hit.rank:>3}  {hit.score:.3f}  {escape(where)}")
        console.print(
            f"overlap of the rankings: rbo {side_by_side.rbo:.2f}, "
            f"jaccard {side_by_side.jaccard:.2f}"
        )

    emit(comparison_document(side_by_side), as_json, render)


def _compare_on_set(
    services: Services,
    a: str,
    b: str,
    dataset: Path | None,
    split: str,
    stages: frozenset[Stage] | None,
    as_json: bool,
) -> None:
    from eval.compare import compare as compare_runs
    from eval.question_sets import load

    questions = load(dataset or services.newest_question_set(), split)
    with progress_bar() as progress:
        runs = [
            services.evaluator.run(questions, release, progress, stages=stages)
            for release in (a, b)
        ]
    compared = compare_runs(runs[0], runs[1], services.settings.seed)
    document = compared.as_dict()

    def render(console: Console) -> None:
        rows = [
            (
                measure,
                f"{d['value']:+.4f}",
                f"[{d['low']:+.4f}, {d['high']:+.4f}]",
                f"{d['p']:.4f}",
            )
            for measure, d in document["difference"].items()
        ]
        title = f"{b} − {a} on {questions.name}/{split}, {document['questions']} questions"
        console.print(grid(("measure", "difference", "95 % interval", "p"), rows, title))

    emit(document, as_json, render)


def _print_understood(console: Console, found: SearchResult) -> None:
    if found.scope is not None:
        for sentence in found.scope.explain():
            console.print(escape(sentence), style="dim")
    if found.expansion is not None and found.expansion.terms:
        words = ", ".join(f"“{t.text}” for “{t.said}”" for t in found.expansion.terms)
        console.print(escape(f"also looked for: {words}"), style="dim")


def _print_hit(console: Console, hit: Hit, explain: bool) -> None:
    chunk = hit.chunk
    pages = f"p. {chunk.page_start}" + (
        f"–{chunk.page_end}" if chunk.page_end != chunk.page_start else ""
    )
    head = f"{hit.rank:>2}. {hit.score:.3f}  {chunk.document} {pages}  {chunk.section} {chunk.kind}"
    console.print(escape(head), style="bold")
    if explain:
        console.print("    " + " · ".join(f"{stage} {x:.3f}" for stage, x in hit.scores.items()))
    console.print(escape(beginning(chunk.text)), style="dim")


def beginning(text: str) -> str:
    """At most so much of a passage; a figure that was cut would be another one."""
    if len(text) <= _SHOWN:
        return text
    return text[: _SHOWN + 1].rsplit(maxsplit=1)[0] + " …"
