"""NDCG@10 over time: one small point a run, with what the gate said of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from eval.compare import HEADLINE, mismatch, paired, paired_probe, probe_mismatch
from eval.documents import probe_document
from eval.history import History, KeptDecision
from rag_service.core.errors import NotFound
from rag_service.core.types import Interval, Run

MEASURES = (HEADLINE, "mrr@10", "recall@10", "hit@5")
"""What is told of a decision; a difference of one takes a good part of a second."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate said of a run, in comparison with release ``before``."""

    promoted: bool
    reasons: tuple[str, ...]
    before: str
    before_model: str
    """A release's name starts anew on an emptied Redis: the model tells which one it was."""
    created: str


@dataclass(frozen=True, slots=True)
class Point:
    """One run's figure. Points are comparable where ``judgments`` and ``stages`` are the same."""

    run: str
    release: str
    model: str
    question_set: str
    split: str
    judgments: str
    stages: tuple[str, ...]
    questions: int
    figure: Interval
    seed: int
    created: str
    decision: Judged | None = None

    def as_dict(self) -> dict[str, Any]:
        """The figure stands at the top: ``value``, ``low`` and ``high``."""
        document = asdict(self)
        figure: dict[str, Any] = document.pop("figure")
        return document | figure


class Timeline:
    """The points of a history; each run is read once, since runs are never replaced."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._known: dict[str, Point] = {}
        self._judged: dict[tuple[str, str], dict[str, Any]] = {}

    def points(self) -> list[Point]:
        """Oldest first. Raises DataError naming a file that is not a run or not a decision."""
        there = self._history.run_ids()
        known = {run: self._known.get(run) or self._read(run) for run in there}
        self._known = known
        decided = {kept.after: kept for kept in self._history.decisions() if kept.before in known}
        return sorted(
            (_with(point, decided.get(run), known) for run, point in known.items()),
            key=lambda point: (point.created, point.run),
        )

    def judgment(self, run_id: str) -> dict[str, Any]:
        """What the gate decided of a run, with the figures before and after.

        In the shape that ``ragloop improve --json`` gives it. Raises NotFound if the gate never
        judged it, or if the run that it was compared with is not kept.
        """
        kept = next((k for k in reversed(self._history.decisions()) if k.after == run_id), None)
        if kept is None:
            raise NotFound(f"the gate judged no run {run_id}")
        pair = (kept.before, kept.after)
        if pair not in self._judged:
            self._judged[pair] = _figures(*map(self._history.get, pair))
        said = kept.decision
        decided = {"promoted": said.promoted, "reasons": list(said.reasons)}
        return self._judged[pair] | {"gate": decided, "created": kept.created}

    def _read(self, run_id: str) -> Point:
        run = self._history.get(run_id)
        return Point(
            run=run.run_id,
            release=run.release,
            model=run.model,
            question_set=run.question_set,
            split=run.split,
            judgments=run.judgments,
            stages=run.stages,
            questions=run.questions,
            figure=run.metrics[HEADLINE],
            seed=run.seed,
            created=run.created,
        )


def _with(point: Point, kept: KeptDecision | None, points: dict[str, Point]) -> Point:
    if kept is None:
        return point
    before, said = points[kept.before], kept.decision
    judged = Judged(said.promoted, said.reasons, before.release, before.model, kept.created)
    return replace(point, decision=judged)


def _figures(before: Run, after: Run) -> dict[str, Any]:
    same = not mismatch(before, after)
    measures = [name for name in MEASURES if name in before.metrics and name in after.metrics]
    document: dict[str, Any] = {
        "run": after.run_id,
        "question_set": after.question_set,
        "split": after.split,
        "seed": after.seed,
        "releases": {"before": before.release, "after": after.release},
        "before": _side(before, measures),
        "after": _side(after, measures),
        "difference": {
            name: asdict(paired(before, after, name, after.seed)) for name in measures if same
        },
        "probe": None,
    }
    if not probe_mismatch(before, after):
        document["probe"] = {
            "before": probe_document(before.probe),
            "after": probe_document(after.probe),
            "difference": asdict(paired_probe(before, after, after.seed)),
        }
    return document


def _side(run: Run, measures: list[str]) -> dict[str, Any]:
    return {
        "release": run.release,
        "model": run.model,
        "questions": run.questions,
        "metrics": {name: asdict(run.metrics[name]) for name in measures},
    }
