"""A report as the JSON document that the command prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from eval.compare import HEADLINE
from eval.report.facts import Change, Compared, Report, SetFacts


def report_document(report: Report) -> dict[str, Any]:
    """What ``ragloop report --json`` prints, save where the page was written."""
    return {
        "made": report.made,
        "live": report.live.release if report.live else None,
        "question_sets": [_set_document(facts) for facts in report.sets],
        "decisions": [_compared_document(decision) for decision in report.decisions],
        "models": [
            {
                "model": card.fingerprint,
                "name": card.name,
                "base": card.base,
                "created": card.created,
                "training": dict(card.training),
            }
            for card in report.models
        ],
        "versions": dict(report.versions),
    }


def _set_document(facts: SetFacts) -> dict[str, Any]:
    return {
        "question_set": facts.question_set,
        "split": facts.split,
        "runs": facts.runs,
        "history": [
            {
                "release": run.release,
                "model": run.model,
                "run": run.run_id,
                "created": run.created,
                "questions": run.questions,
                "seed": run.seed,
                HEADLINE: asdict(run.metrics[HEADLINE]),
            }
            for run in facts.points
        ],
        "compared": _compared_document(facts.compared) if facts.compared else None,
        "change": _change_document(facts.change) if facts.change else None,
    }


def _compared_document(compared: Compared) -> dict[str, Any]:
    before, after, difference = compared.before, compared.after, compared.difference
    decision = None
    if compared.promoted is not None:
        decision = {
            "created": compared.decided,
            "promoted": compared.promoted,
            "reasons": list(compared.reasons),
        }
    return {
        "question_set": after.question_set,
        "split": after.split,
        "questions": after.questions,
        "seed": after.seed,
        "releases": {"before": before.release, "after": after.release},
        "runs": {"before": before.run_id, "after": after.run_id},
        "before": {HEADLINE: asdict(before.metrics[HEADLINE])},
        "after": {HEADLINE: asdict(after.metrics[HEADLINE])},
        "difference": {HEADLINE: asdict(difference)} if difference else None,
        "decision": decision,
    }


def _change_document(change: Change) -> dict[str, Any]:
    return change.comparison.as_dict() | {
        "slices": {
            row.name: {
                "questions": row.questions,
                "before": asdict(row.before),
                "after": asdict(row.after),
                "difference": asdict(row.difference),
            }
            for row in change.slices
        },
    }
