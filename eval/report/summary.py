"""The report's summary: the gate's last decision, every question set in a line, what is live."""

from __future__ import annotations

from html import escape

from eval.compare import HEADLINE
from eval.report.facts import Compared, Report
from eval.report.markup import (
    MEASURE,
    count,
    difference,
    facts,
    figure,
    moment,
    set_name,
    table,
)
from rag_service.core.types import Interval, Run

MOST_SETS = 12


def summary(report: Report) -> str:
    parts = []
    pairs = [found.compared for found in report.sets if found.compared]
    if report.decisions:
        parts.append(_verdict(report.decisions[-1]))
    if pairs:
        rows = [_compared_row(pair) for pair in pairs[:MOST_SETS]]
        parts.append(
            table(
                f"{MEASURE} before and after, by question set",
                (
                    "question set",
                    "questions",
                    "seed",
                    "releases",
                    "before",
                    "after",
                    "difference",
                    "p",
                ),
                rows,
            )
        )
    else:
        parts.append(
            '<p class="note">Nothing can be compared yet: no two releases were asked the same '
            "questions.</p>"
        )
    parts.append(
        '<p class="note">Every question is asked through the release’s own Redis index. In '
        "brackets: 95 % intervals by bootstrap; p by a paired two-sided permutation test. Both "
        "draw whole documents where ten or more were asked about, else single questions.</p>"
    )
    return "".join(parts) + _live(report)


def _verdict(decision: Compared) -> str:
    """The last decision: what the gate said, the headline in large figures, the reasons."""
    before, after = decision.before, decision.after
    said = "yes" if decision.promoted else "no"
    words = "may go live" if decision.promoted else "is refused"
    title = f"{said.capitalize()}: release {after.release} {words}"
    b, a = before.metrics[HEADLINE], after.metrics[HEADLINE]
    change = drawn = ""
    if decision.difference:
        drawn = f", interval over {decision.difference.by}"
        change = f'<p class="change">{difference(decision.difference)}</p>'
    reasons = "".join(f"<li>{escape(reason)}</li>" for reason in decision.reasons)
    return (
        f'<div class="verdict {said}">\n<h3>{escape(title)}</h3>\n'
        f'<p class="quiet">the gate’s last decision, {escape(moment(decision.decided))}</p>\n'
        '<div class="headline">'
        f"{_large('before', before, b)}"
        '<span class="arrow" aria-hidden="true">→</span>'
        f"{_large('after', after, a)}"
        f'<div class="gain">{change}<p class="quiet">{MEASURE}, '
        f"{count(after.questions, 'question')} ({set_name(after)}), seed {after.seed}{drawn}</p>"
        "</div></div>\n"
        f"<ul>{reasons}</ul></div>\n"
    )


def _large(when: str, run: Run, value: Interval) -> str:
    return (
        f'<div class="large {when}"><span class="quiet">{when}, {escape(run.release)}</span>'
        f"<b>{value.value:.3f}</b>"
        f'<span class="bounds">[{value.low:.3f}, {value.high:.3f}]</span></div>'
    )


def _live(report: Report) -> str:
    if report.live is None:
        return ""
    names = {card.fingerprint: card for card in report.models}
    card = names.get(report.live.model)
    base = names.get(card.base) if card and card.base else None
    return facts(
        [
            ("Live release", escape(report.live.release)),
            ("Model", escape(card.name if card else report.live.model)),
            ("Fingerprint", f"<code>{escape(report.live.model)}</code>"),
            ("Trained from", escape(base.name if base else card.base) if card else ""),
            ("Chunks", f"{report.live.chunks:,}"),
            ("Dimensions", str(report.live.dims)),
            ("Built", escape(moment(report.live.created))),
        ]
    )


def _compared_row(pair: Compared) -> list[str]:
    moved = pair.difference
    return [
        set_name(pair.after),
        f"{pair.after.questions:,}",
        str(pair.after.seed),
        f"{escape(pair.before.release)} → {escape(pair.after.release)}",
        figure(pair.before.metrics[HEADLINE]),
        figure(pair.after.metrics[HEADLINE]),
        difference(moved, p=False) if moved else "not comparable",
        f"{moved.p:.4f}" if moved else "",
    ]
