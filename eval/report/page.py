"""The page that shows whether retrieval got better, how sure that is, and by which questions.

The page is one file that loads nothing: charts and style stand in it, and it has no script.
"""

from __future__ import annotations

import os
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from eval.report.beside import beside_questions
from eval.report.facts import Report
from eval.report.history import history
from eval.report.markup import count, moment, section
from eval.report.questions import questions_of
from eval.report.slices import measures_and_slices
from eval.report.steps import how_to_reproduce
from eval.report.summary import summary
from eval.report.training import trainings


def write_report(report: Report, target: Path) -> None:
    """Write the page to ``target``, whole or not at all; its folder is made if it is missing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half_made = target.with_name(f".{os.getpid()}.part")
    try:
        # A file's name may be no UTF-8.
        with half_made.open("w", encoding="utf-8", errors="replace") as stream:
            stream.write(report_page(report))
        half_made.replace(target)
    finally:
        half_made.unlink(missing_ok=True)


def report_page(report: Report) -> str:
    """The whole page, as HTML."""
    template = files("eval.report").joinpath("page.html").read_text(encoding="utf-8")
    shown = [found for found in report.sets if found.change]
    parts = [
        ("summary", "Summary", summary(report)),
        ("history", "History", history(report)),
        ("slices", "Measures and slices", measures_and_slices(report)),
        ("questions", "Questions that won and lost most", questions_of(shown, report)),
        ("beside", "Beside the questions", beside_questions(report)),
        ("training", "Training", trainings(report)),
        ("reproduce", "How to reproduce", how_to_reproduce(report)),
    ]
    filled = [part for part in parts if part[2]]
    only = f", {report.only}" if report.only else ""
    return Template(template).substitute(
        title=escape(f"Retrieval report{only}"),
        about=_about(report),
        contents="".join(f'<a href="#{key}">{title}</a>' for key, title, _ in filled),
        sections="".join(section(*part) for part in filled),
    )


def _about(report: Report) -> str:
    runs = sum(found.runs for found in report.sets)
    live = f"release {report.live.release} is live" if report.live else "no release is live"
    told = [f"made {moment(report.made)}", live, count(runs, "run")]
    return escape(" · ".join(told))
