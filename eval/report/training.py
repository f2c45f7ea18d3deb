"""The report's trained models: loss, validation and merge weight as curves, and their settings."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from eval.report.charts import curve_chart
from eval.report.facts import Report
from eval.report.markup import chart, count, facts, moment
from rag_service.core.types import ModelCard

MOST_MODELS = 5
"""The newest; of older ones the count is told."""
Points = list[tuple[float, float]]
_BEFORE_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
"""Where the name of a class may break."""


def trainings(report: Report) -> str:
    """Of each trained model its curves and settings, the newest first.

    A cut model was not trained: its curves are those of the whole one.
    """
    trained = [card for card in reversed(report.models) if card.training and not card.cut_from]
    names = {card.fingerprint: card.name for card in report.models}
    releases: dict[str, list[str]] = {}
    for release in report.releases:
        releases.setdefault(release.model, []).append(release.release)
    parts = [
        _model(card, names.get(card.base, card.base), releases.get(card.fingerprint, ()), number)
        for number, card in enumerate(trained[:MOST_MODELS])
    ]
    if len(trained) > MOST_MODELS:
        left = count(len(trained) - MOST_MODELS, "older model")
        parts.append(f'<p class="note">{left} not shown.</p>')
    return "".join(parts)


def _model(card: ModelCard, base: str, releases: Sequence[str], number: int) -> str:
    training = card.training
    served = f"release {', '.join(releases)}" if releases else "no release has it"
    charts = "".join(_charts(training, f"model-{number}"))
    rate = _number(training.get("learning_rate"))
    seconds = _number(training.get("seconds"))
    settings = facts(
        [
            ("Trained from", escape(base)),
            ("Pairs", _told(training.get("train_pairs"))),
            ("Loss", _BEFORE_CAPITAL.sub("<wbr>", _told(training.get("loss")))),
            ("Batch", _told(training.get("batch_size"))),
            ("Epochs", _told(training.get("epochs"))),
            ("Steps", _told(training.get("steps"))),
            ("Highest learning rate", f"{rate:g}" if rate is not None else ""),
            ("Hard negatives", _yes_or_no(training.get("hard_negatives"))),
            ("Dimensions trained", _told(training.get("dims"))),
            (
                "Processes",
                _told(training.get("processes")) if training.get("processes") != 1 else "",
            ),
            ("Arithmetic", _told(training.get("precision"))),
            ("Device", _told(training.get("device_name") or training.get("device"))),
            ("Data", _code(training.get("data"))),
            ("Seed", _told(training.get("seed"))),
            ("Took", f"{seconds:,.0f} s" if seconds is not None else ""),
        ]
    )
    return (
        f'<article class="model">\n<h3>{escape(card.name)}</h3>\n'
        f'<p class="quiet"><code>{escape(card.fingerprint)}</code> · '
        f"{escape(served)} · {escape(moment(card.created))}</p>\n"
        f'<div class="plots curves">{charts}</div>\n{settings}{_documents(training)}</article>\n'
    )


def _charts(training: Mapping[str, Any], name: str) -> list[str]:
    charts = []
    pairs = int(_number(training.get("train_pairs")) or 0)
    if losses := _losses(training):
        charts.append(
            chart(
                curve_chart(
                    losses,
                    name=f"{name}-loss",
                    title="Training loss by step",
                    across="step",
                    from_zero=True,
                    digits=2,
                ),
                f"<b>Training loss</b> {count(pairs, 'pair')}",
            )
        )
    if rates := _curve(training, "training", "learning_rate"):
        power = math.floor(math.log10(max(rate for _, rate in rates) or 1.0))
        scaled = [(step, rate / 10**power) for step, rate in rates]
        charts.append(
            chart(
                curve_chart(
                    scaled,
                    name=f"{name}-rate",
                    title=f"Learning rate by step, times 10 to the power of {power}",
                    across="step",
                    from_zero=True,
                    digits=2,
                ),
                f"<b>Learning rate</b> × 10<sup>{str(power).replace('-', '−')}</sup>",
            )
        )
    base = _number(training.get("validation_base"))
    reference = ("base", base) if base is not None else None
    questions = _number(training.get("validation_questions"))
    on = f"{count(int(questions), 'question')}, no interval" if questions else "no interval"
    steps = _curve(training, "validation", "score")
    if steps := steps or _by_number(training.get("validation_by_step")):
        charts.append(
            chart(
                curve_chart(
                    steps,
                    name=f"{name}-validation",
                    title="Validation NDCG@10 by step",
                    across="step",
                    chosen=_number(training.get("best_step")),
                    reference=reference,
                ),
                f"<b>Validation NDCG@10</b> {on}; filled: chosen",
            )
        )
    if weights := _by_number(training.get("validation_by_weight")):
        if base is not None and weights[0][0] > 0:
            weights.insert(0, (0.0, base))
        charts.append(
            chart(
                curve_chart(
                    weights,
                    name=f"{name}-weight",
                    title="Validation NDCG@10 by part of the trained weights",
                    across="part of trained weights",
                    chosen=_number(training.get("merge_weight")),
                ),
                f"<b>Average with the base</b> {on}; filled: chosen",
            )
        )
    return charts


def _losses(training: Mapping[str, Any]) -> Points:
    """Loss by step; older models kept the losses alone, logged at each tenth of the steps."""
    if by_step := _curve(training, "training", "loss"):
        return by_step
    losses = [loss for entry in training.get("losses", ()) if (loss := _number(entry)) is not None]
    steps = _number(training.get("steps")) or float(len(losses))
    every: float = max(1, math.ceil(steps / 10))
    if every * len(losses) > steps:
        every = steps / len(losses)
    return [(every * i, loss) for i, loss in enumerate(losses, 1)]


def _documents(training: Mapping[str, Any]) -> str:
    listed = []
    for title, key in (
        ("Trained on", "train_documents"),
        ("Validated on", "validation_documents"),
    ):
        if names := training.get(key):
            items = "".join(f"<li>{escape(str(name))}</li>" for name in names)
            listed.append(
                f"<details><summary>{title} {count(len(names), 'document')}</summary>"
                f"<ul>{items}</ul></details>"
            )
    return f'<div class="documents">{"".join(listed)}</div>\n' if listed else ""


def _curve(training: Mapping[str, Any], part: str, name: str) -> Points:
    """A figure by step, from ``curves`` where the training kept them."""
    curves = training.get("curves")
    entries = curves.get(part, ()) if isinstance(curves, Mapping) else ()
    found = ((_number(entry.get("step")), _number(entry.get(name))) for entry in entries)
    return sorted((step, value) for step, value in found if step is not None and value is not None)


def _by_number(value: Any) -> Points:
    """Pairs from ``{"6": 0.45, …}``, ascending."""
    if not isinstance(value, Mapping):
        return []
    return sorted((float(key), float(part)) for key, part in value.items())


def _number(value: Any) -> float | None:
    """A finite number, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _told(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        value = list(dict.fromkeys(value.values()))
    if isinstance(value, list | tuple):
        return escape(", ".join(map(str, value)))
    return escape(f"{value:,}" if isinstance(value, int) else str(value))


def _code(value: Any) -> str:
    return f"<code>{escape(str(value))}</code>" if value else ""


def _yes_or_no(value: Any) -> str:
    return "" if value is None else "yes" if value else "no"
