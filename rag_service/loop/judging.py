"""A candidate beside the live release on held-out questions, and what the gate says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from eval.compare import HEADLINE, Comparison, compare
from eval.documents import probe_document, run_document
from eval.gate import GateFacts, GateThresholds, decide
from eval.history import History
from eval.latency import Latency, load_latency
from eval.leakage import leaked_questions, questions_of
from rag_service.answering.retrieve import VECTORS_ALONE
from rag_service.core.errors import ReleaseConflict
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    no_progress,
)
from rag_service.core.types import GateDecision, Pair, QuestionSet, Run
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.loop.evaluation import Evaluator
from rag_service.loop.jobs import Result
from rag_service.loop.seen import seen_documents, seen_questions

_MEASUREMENTS = 3


class Step(Protocol):
    """Runs a piece of work; ``Job.step`` gives a resumed job what it kept of it."""

    def __call__(self, name: str, work: Callable[[], Result]) -> Result: ...


def at_once(name: str, work: Callable[[], Result]) -> Result:
    """A step that nothing is kept of."""
    return work()


@dataclass(frozen=True, slots=True)
class Judgment:
    """What was measured of two releases, and what the gate decided from it."""

    before: Run
    after: Run
    comparison: Comparison
    latency: Latency
    decision: GateDecision
    served: tuple[Run, ...] = ()
    """Before and after with all stages of the service; none where it has no others."""
    served_comparison: Comparison | None = None

    def as_dict(self) -> dict[str, Any]:
        compared = self.comparison.as_dict()
        return {
            "before": run_document(self.before),
            "after": run_document(self.after),
            "difference": compared["difference"],
            "probe": {
                "before": probe_document(self.before.probe),
                "after": probe_document(self.after.probe),
                "difference": compared["probe"],
            },
            "served": self._served(),
            "latency": asdict(self.latency),
            "gate": {"promoted": self.decision.promoted, "reasons": list(self.decision.reasons)},
            "releases": {"before": self.before.release, "after": self.after.release},
        }

    def _served(self) -> dict[str, Any] | None:
        if self.served_comparison is None:
            return None
        before, after = map(run_document, self.served)
        difference = self.served_comparison.as_dict()["difference"]
        return {"before": before, "after": after, "difference": difference}


class Judge:
    """Measures a candidate as users would find it, and asks the gate; decisions are kept."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        indexer: ShadowIndexer,
        evaluator: Evaluator,
        history: History,
        hold: Callable[[str], None],
        seed: int,
    ) -> None:
        self._chunks = chunks
        self._releases = releases
        self._registry = registry
        self._indexer = indexer
        self._evaluator = evaluator
        self._history = history
        self._hold = hold
        self._seed = seed

    def judge(
        self,
        questions: QuestionSet,
        live: str,
        candidate: str,
        thresholds: GateThresholds,
        progress: Progress = no_progress,
        *,
        trained_on: Sequence[Pair] = (),
        step: Step = at_once,
    ) -> Judgment:
        """Ask both releases ``questions``, over the same documents, and decide.

        The same model in another index, whole or cut, is asked not to be worse; any other model
        is asked to be better.

        Args:
            questions: which neither release's model has seen.
            live: the release that the candidate is to replace.
            candidate: brought up to date first.
            thresholds: of the gate.
            progress: told what is measured.
            trained_on: pairs that count as seen, besides those that the models' folders name.
            step: runs the steps ``evaluate``, ``latency`` and ``gate``.

        Raises:
            DataError: no question's document is indexed, or a model was trained on a question.
            ReleaseConflict: documents keep changing.
        """
        for release in (live, candidate):
            self._hold(release)
        runs = step("evaluate", lambda: self._measure(questions, live, candidate, progress))
        before, after, *served = (self._history.get(run) for run in runs)
        limit = thresholds.latency_ratio
        latency = load_latency(
            step(
                "latency",
                lambda: asdict(self._evaluator.latency(questions, live, candidate, limit)),
            )
        )
        as_served = compare(served[0], served[1], self._seed) if served else None
        facts = replace(
            self._facts(questions, before, after, latency, trained_on),
            served=as_served.difference[HEADLINE] if as_served else None,
        )
        kept = step("gate", lambda: _as_dict(decide(before, after, thresholds, facts)))
        decision = GateDecision(promoted=kept["promoted"], reasons=tuple(kept["reasons"]))
        self._history.add_decision(before, after, decision, thresholds, facts)
        return Judgment(
            before=before,
            after=after,
            comparison=compare(before, after, self._seed),
            latency=latency,
            decision=decision,
            served=tuple(served),
            served_comparison=as_served,
        )

    def _measure(
        self, questions: QuestionSet, live: str, candidate: str, progress: Progress
    ) -> list[str]:
        """Ids of the runs of both releases over the same documents.

        By their vectors alone, which are what differs, and then with all stages of the service.
        """
        for _ in range(_MEASUREMENTS):
            revision = self._indexer.mend(self._releases.get(candidate), progress).revision
            both = (live, candidate)
            runs = [
                self._evaluator.run(questions, name, progress, probe=True, stages=VECTORS_ALONE)
                for name in both
            ]
            if (stages := self._evaluator.stages) != VECTORS_ALONE:
                runs += [
                    self._evaluator.run(questions, name, progress, stages=stages) for name in both
                ]
            if self._chunks.revision() == revision:
                return [run.run_id for run in runs]
        raise ReleaseConflict(
            f"documents changed during each of {_MEASUREMENTS} measurements; try again when "
            "ingestion has ended"
        )

    def _facts(
        self,
        questions: QuestionSet,
        before: Run,
        after: Run,
        latency: Latency,
        trained_on: Sequence[Pair],
    ) -> GateFacts:
        candidate = self._releases.get(after.release)
        if candidate.state != "live":  # as it is in a job that was killed behind its promotion
            self._indexer.mend(candidate)
        completeness = self._indexer.check(candidate)
        models = [self._registry.get(run.model) for run in (before, after)]
        documents = {pair.document for pair in trained_on}.union(*map(seen_documents, models))
        asked_before = questions_of(trained_on).union(*map(seen_questions, models))
        return GateFacts(
            training_documents=tuple(sorted(documents)),
            leaked_questions=tuple(leaked_questions(questions, asked_before)),
            complete=completeness.complete,
            missing=len(completeness.missing),
            differing=len(completeness.differing),
            latency=latency,
            same_model=models[0].whole == models[1].whole,
        )


def _as_dict(decision: GateDecision) -> dict[str, Any]:
    return {"promoted": decision.promoted, "reasons": list(decision.reasons)}
