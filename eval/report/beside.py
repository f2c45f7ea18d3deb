"""The report's figures beside the questions: general text, latency, and other ways to search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from eval.compare import HEADLINE
from eval.report.charts import Mark, interval_chart
from eval.report.facts import Compared, Report, SetFacts
from eval.report.markup import chart, count, difference, figure, moment, set_name, table
from rag_service.core.types import Interval, Run

MOST_RELEASES = 16
MOST_DECISIONS = 10
MOST_SETS = 4
_DIMS = "dims="


def beside_questions(report: Report) -> str:
    """What was measured of these, by part; empty where nothing was."""
    return _general(report) + _latency(report) + _variants(report)


def _general(report: Report) -> str:
    probed: dict[tuple[str, str], Run] = {}
    for found in report.sets:
        for run in found.points:
            if run.probe is not None:
                probed.setdefault((run.release, run.model), run)
    if not probed:
        return ""
    runs = sorted(probed.values(), key=lambda run: run.release)[-MOST_RELEASES:]
    live = (report.live.release, report.live.model) if report.live else None
    marks = [
        Mark(
            run.release,
            f"n {run.probe.questions}",
            run.probe.ndcg,
            (run.release, run.model) == live,
        )
        for run in runs
        if run.probe
    ]
    drawn = interval_chart(
        marks,
        name="general",
        title=f"NDCG@10 of {count(len(marks), 'release')} on general text, with 95 % intervals",
        ceiling=1.1,
    )
    seed = next(run.probe.seed for run in runs if run.probe)
    caption = f"<b>General text</b> NDCG@10 in memory, seed {seed}"
    rows = [_general_row(decision) for decision in _newest(report) if decision.probe]
    return (
        "<h3>General text</h3>\n"
        '<p class="note">Fixed questions that are about no filing: a loss here is what training '
        f'made the model forget.</p>\n<div class="plots">{chart(drawn, caption)}</div>\n'
        + table(
            "General text before and after, NDCG@10",
            ("releases", "questions", "before", "after", "difference", "p"),
            rows,
        )
    )


def _general_row(decision: Compared) -> list[str]:
    old, new, moved = decision.before.probe, decision.after.probe, decision.probe
    assert old
    assert new
    assert moved
    return [
        f"{escape(decision.before.release)} → {escape(decision.after.release)}",
        f"{new.questions:,}",
        figure(old.ndcg),
        figure(new.ndcg),
        difference(moved, p=False),
        f"{moved.p:.4f}",
    ]


def _latency(report: Report) -> str:
    rows = [
        [
            f"{escape(decision.before.release)} → {escape(decision.after.release)}",
            escape(moment(decision.decided)),
            f"{took.questions:,}",
            str(took.rounds),
            str(took.seed),
            f"{took.before_ms:.1f} ms",
            f"{took.after_ms:.1f} ms",
            f"× {figure(took.ratio)}",
        ]
        for decision in _newest(report)
        if (took := decision.latency)
    ]
    if not rows:
        return ""
    return "<h3>Latency</h3>\n" + table(
        "A query through encoder and index, both releases in turn: medians",
        ("releases", "measured", "questions", "rounds", "seed", "before", "after", "ratio"),
        rows,
    )


def _variants(report: Report) -> str:
    parts = []
    for number, found in enumerate(found for found in report.sets if _measured(found)):
        if number == MOST_SETS:
            break
        parts.append(_variants_of(found, number))
    if not parts:
        return ""
    return (
        "<h3>Exact search and fewer dimensions</h3>\n"
        '<p class="note">The served search is approximate (HNSW). The others search the same '
        "vectors by brute force, whole or cut to their first numbers.</p>\n" + "".join(parts)
    )


def _measured(found: SetFacts) -> Run | None:
    return next((run for run in reversed(found.points) if run.variants), None)


def _variants_of(found: SetFacts, number: int) -> str:
    run = _measured(found)
    assert run
    ways = dict(_ways(run))
    marks = [Mark(name, "", metrics[HEADLINE], name == "served") for name, metrics in ways.items()]
    highest = max(mark.figure.high for mark in marks)
    drawn = interval_chart(
        marks,
        name=f"variants-{number}",
        title=f"NDCG@10 of {run.release} on {found.name}, searched in {len(marks)} ways",
        ceiling=min(1.1, highest * 1.15 + 0.02),
    )
    share = next(
        (value for name, value in run.variants.get("exact", {}).items() if "served" in name), None
    )
    told = (
        f'<p class="note">The served search finds {figure(share)} of the nearest ten.</p>\n'
        if share
        else ""
    )
    about = f"{escape(run.release)}, {count(run.questions, 'question')}, seed {run.seed}"
    return (
        f'<div class="plots">{chart(drawn, f"<b>{set_name(run)}</b> NDCG@10, {about}")}</div>\n'
        + table(
            f"Searched otherwise, {run.question_set}/{run.split} on {run.release}",
            ("vectors", "NDCG@10", "Recall@10", "Recall@50"),
            [
                [
                    escape(name),
                    *(_cell(metrics, key) for key in (HEADLINE, "recall@10", "recall@50")),
                ]
                for name, metrics in ways.items()
            ],
        )
        + told
    )


def _ways(run: Run) -> Iterator[tuple[str, Mapping[str, Interval]]]:
    """The served search, the exact one, and fewer and fewer dimensions."""
    yield "served", run.metrics
    cut = [name for name in run.variants if name.startswith(_DIMS)]
    for name in (*(n for n in run.variants if n not in cut), *sorted(cut, key=_dims, reverse=True)):
        if HEADLINE in run.variants[name]:
            yield name.removeprefix(_DIMS) + (" d" if name in cut else ""), run.variants[name]


def _dims(name: str) -> int:
    number = name.removeprefix(_DIMS)
    return int(number) if number.isdigit() else 0


def _cell(metrics: Mapping[str, Interval], key: str) -> str:
    return figure(metrics[key]) if key in metrics else "–"


def _newest(report: Report) -> tuple[Compared, ...]:
    return report.decisions[::-1][:MOST_DECISIONS]
