"""A run as the JSON document that the commands report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rag_service.core.types import Interval, Probe, Run


def run_document(run: Run) -> dict[str, Any]:
    """What ``ragloop evaluate --json`` prints: all of a run except its ranking."""
    return {
        "run": run.run_id,
        "release": run.release,
        "model": run.model,
        "question_set": run.question_set,
        "split": run.split,
        "judgments": run.judgments,
        "questions": run.questions,
        "skipped": run.skipped,
        "documents": len({documents[0] for documents in run.documents.values()}),
        "trained_on": run.trained_on,
        "seed": run.seed,
        "stages": list(run.stages),
        "created": run.created,
        "metrics": _metrics(run.metrics),
        "slices": {
            name: {"questions": len(run.slice_questions[name]), "metrics": _metrics(metrics)}
            for name, metrics in run.slices.items()
        },
        "variants": {name: _metrics(metrics) for name, metrics in run.variants.items()},
        "probe": probe_document(run.probe),
        "per_question": {key: dict(scores) for key, scores in run.per_question.items()},
    }


def probe_document(probe: Probe | None) -> dict[str, Any] | None:
    """A model's figure on general text, None if it was not measured."""
    if probe is None:
        return None
    return {
        "probe": probe.probe,
        "model": probe.model,
        "questions": probe.questions,
        "seed": probe.seed,
        "ndcg@10": asdict(probe.ndcg),
    }


def _metrics(metrics: Mapping[str, Interval]) -> dict[str, dict[str, Any]]:
    return {name: asdict(figure) for name, figure in metrics.items()}
