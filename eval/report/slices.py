"""The report's figures by measure and by slice, before and after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from eval.report.charts import pair_strip
from eval.report.facts import Change, Report, SetFacts
from eval.report.markup import MEASURE, count, difference, figure, set_name, table


def measures_and_slices(report: Report) -> str:
    """Of each question set that is told in every detail; the others are named."""
    told = [_measures_of(found.change) for found in report.sets if found.change]
    others = [found for found in report.sets if found.compared and not found.change]
    return "".join(told) + _left_out(others)


def _measures_of(change: Change) -> str:
    before, after = change.before, change.after
    about = (
        f"{escape(before.release)} → {escape(after.release)}, "
        f"{count(after.questions, 'question')}, seed {change.comparison.seed}"
    )
    columns = ("questions", "before", "after", "○ before ● after, 0 to 1", "difference", "p")
    return (
        f'<h3>{set_name(after)}</h3>\n<p class="quiet">{about}</p>\n'
        + table("All questions, by measure", ("measure", *columns), _measure_rows(change))
        + table(f"{MEASURE} by slice", ("slice of 5 or more", *columns), _slice_rows(change))
    )


def _measure_rows(change: Change) -> Iterator[list[str]]:
    for name, moved in change.comparison.difference.items():
        b, a = change.before.metrics[name], change.after.metrics[name]
        questions = f"{change.after.questions:,}"
        yield [
            escape(name),
            questions,
            figure(b),
            figure(a),
            pair_strip(b, a, 1.0),
            difference(moved, p=False),
            f"{moved.p:.4f}",
        ]


def _slice_rows(change: Change) -> Iterator[list[str]]:
    group = ""
    for row in change.slices:
        key, _, value = row.name.partition("=")
        if key != group:
            group = key
            yield [escape(key.replace("_", " "))]
        yield [
            escape(value or key),
            f"{row.questions:,}",
            figure(row.before),
            figure(row.after),
            pair_strip(row.before, row.after, 1.0),
            difference(row.difference, p=False),
            f"{row.difference.p:.4f}",
        ]


def _left_out(others: Sequence[SetFacts]) -> str:
    if not others:
        return ""
    names = ", ".join(f"<code>{escape(found.question_set)}</code>" for found in others)
    return (
        f'<p class="note">Slices and questions of the others: <code>ragloop report --dataset NAME'
        f"</code> with {names}.</p>"
    )
