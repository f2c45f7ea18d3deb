"""The report's history: NDCG@10 of the releases on each question set, and what the gate said."""

from __future__ import annotations

from html import escape

from eval.compare import HEADLINE
from eval.report.charts import Mark, interval_chart
from eval.report.facts import Compared, Report, SetFacts
from eval.report.markup import MEASURE, chart, count, difference, moment, set_name, table

MOST_RELEASES = 16
"""Of one chart; older ones are counted."""
MOST_SETS = 12
MOST_DECISIONS = 20
WIDE = 6
"""Releases from which on a chart has a row of its own."""


def history(report: Report) -> str:
    shown = [found for found in report.sets if found.points][:MOST_SETS]
    highest = max((r.metrics[HEADLINE].high for s in shown for r in s.points), default=1.0)
    ceiling = min(1.1, max(0.2, highest * 1.15))
    live = report.live
    charts = "".join(_over_time(s, i, ceiling, report) for i, s in enumerate(shown))
    left = len([found for found in report.sets if found.points]) - len(shown)
    more = f'<p class="note">{count(left, "older question set")} not drawn.</p>' if left else ""
    key = '<p class="note">Filled: the live release. Hollow: others.</p>' if live else ""
    decisions = report.decisions[::-1][:MOST_DECISIONS]
    table_of = (
        table(
            "Decisions of the gate, the newest first",
            (
                "decided",
                "releases",
                "question set",
                "questions",
                "seed",
                "difference",
                "p",
                "gate",
            ),
            [_decision_row(decision) for decision in decisions],
        )
        if decisions
        else ""
    )
    return f'{key}<div class="plots">{charts}</div>{more}{table_of}'


def _over_time(found: SetFacts, number: int, ceiling: float, report: Report) -> str:
    points = found.points[-MOST_RELEASES:]
    live = (report.live.release, report.live.model) if report.live else None
    marks = [
        Mark(
            run.release,
            f"n {run.questions}",
            run.metrics[HEADLINE],
            (run.release, run.model) == live,
        )
        for run in points
    ]
    newest = points[-1]
    drawn = interval_chart(
        marks,
        name=f"history-{number}",
        title=f"{MEASURE} of {len(marks)} releases on {found.name}, with 95 % intervals",
        ceiling=ceiling,
    )
    told = [f"{MEASURE}, seed {newest.seed}", count(found.runs, "run")]
    if len(found.points) > len(points):
        told.append(f"{len(found.points) - len(points)} older releases not drawn")
    skipped = f"{newest.skipped} left out, not indexed" if newest.skipped else ""
    about = " · ".join(filter(None, (*told, skipped)))
    caption = f"<b>{set_name(newest)}</b> {escape(about)}"
    return chart(drawn, caption, wide=len(marks) > WIDE)


def _decision_row(decision: Compared) -> list[str]:
    moved = decision.difference
    said = decision.promoted
    return [
        escape(moment(decision.decided)),
        f"{escape(decision.before.release)} → {escape(decision.after.release)}",
        set_name(decision.after),
        f"{decision.after.questions:,}",
        str(decision.after.seed),
        difference(moved, p=False) if moved else "not comparable",
        f"{moved.p:.4f}" if moved else "",
        f'<span class="said {"yes" if said else "no"}">{"yes" if said else "no"}</span>',
    ]
