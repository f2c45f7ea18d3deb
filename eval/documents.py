"""A run as the JSON document that the commands report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rag_service.core.types import Interval, Run


def run_document(run: Run) -> dict[str, Any]:
    """What ``ragloop evaluate --json`` prints: all of a run except its ranking."""
    return {
        "run": run.run_id,
        "release": run.release,
        "model": run.model,
        "question_set": run.question_set,
        "split": run.split,
        "questions": run.questions,
        "skipped": run.skipped,
        "seed": run.seed,
        "created": run.created,
        "metrics": _metrics(run.metrics),
        "slices": {
            name: {"questions": len(run.slice_questions[name]), "metrics": _metrics(metrics)}
            for name, metrics in run.slices.items()
        },
        "per_question": {key: dict(scores) for key, scores in run.per_question.items()},
    }


def _metrics(metrics: Mapping[str, Interval]) -> dict[str, dict[str, float]]:
    return {name: asdict(figure) for name, figure in metrics.items()}
