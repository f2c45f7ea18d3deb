"""One improvement: finetune → reindex → evaluate → gate → promote, as one resumable job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.compare import Comparison, compare
from eval.documents import run_document
from eval.gate import GateFacts, GateThresholds, decide
from eval.history import History
from eval.leakage import check, documents_of
from eval.question_sets import load, save
from finetune.build import question_set
from finetune.dataset import load as load_training_data
from finetune.options import TrainingData
from rag_service.answering.retrieve import Retriever
from rag_service.core.errors import NotFound, ReleaseConflict
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    no_progress,
)
from rag_service.core.types import GateDecision, Hit, ModelCard, Run
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.loop.evaluation import Evaluator, seen_documents
from rag_service.loop.jobs import Job
from rag_service.loop.training import FinetuneOptions, Finetuner

_MEASUREMENTS = 3


@dataclass(frozen=True, slots=True)
class Improvement:
    """What one improvement measured and decided."""

    before: Run
    after: Run
    comparison: Comparison
    decision: GateDecision
    question_set: Path
    seconds: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        return {
            "before": run_document(self.before),
            "after": run_document(self.after),
            "difference": self.comparison.as_dict()["difference"],
            "gate": {"promoted": self.decision.promoted, "reasons": list(self.decision.reasons)},
            "releases": {"before": self.before.release, "after": self.after.release},
            "question_set": str(self.question_set),
            "seconds": self.seconds,
        }


class Improver:
    """Closes the loop. Every step's result is kept in the job's journal."""

    def __init__(
        self,
        *,
        home: Path,
        seed: int,
        chunks: ChunkStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        retriever: Retriever,
        finetuner: Finetuner,
        indexer: ShadowIndexer,
        evaluator: Evaluator,
        promoter: Promoter,
        history: History,
    ) -> None:
        self._question_sets = home / "question_sets"
        self._seed = seed
        self._chunks = chunks
        self._releases = releases
        self._registry = registry
        self._retriever = retriever
        self._finetuner = finetuner
        self._indexer = indexer
        self._evaluator = evaluator
        self._promoter = promoter
        self._history = history

    def run(
        self,
        job: Job,
        options: FinetuneOptions,
        thresholds: GateThresholds,
        progress: Progress = no_progress,
    ) -> Improvement:
        """Improve on the release that was live when the job began."""
        live = job.step("start", self.live_release)
        model = self.finetune(job, live, options, progress)
        data = load_training_data(job.folder / "data")
        candidate = job.step(
            "reindex",
            lambda: self._indexer.build(model, f"trained by {job.id}", progress).release,
        )
        folder = self._question_sets / job.id
        job.step("question_set", lambda: self._save_test_set(folder, data))
        runs = job.step("evaluate", lambda: self._measure(folder, live, candidate, progress))
        before, after = (self._history.get(run) for run in runs)
        decision = self._decide(job, before, after, data, thresholds)
        if decision.promoted:
            job.step("promote", lambda: self._promote(job, candidate, live, progress))
        return Improvement(
            before=before,
            after=after,
            comparison=compare(before, after, self._seed),
            decision=decision,
            question_set=folder,
            seconds=job.seconds,
        )

    def finetune(
        self, job: Job, release: str, options: FinetuneOptions, progress: Progress = no_progress
    ) -> ModelCard:
        """Training data from all chunks, and a model trained on its train split.

        Training starts from the base model that the release's model descends from, so that
        repeated improvements do not pile one fine-tuning on another.
        """

        def search(queries: Sequence[str], k: int) -> list[list[Hit]]:
            return self._retriever.search_many(queries, k, release)

        folder = job.folder / "data"
        job.step(
            "questions", lambda: len(self._finetuner.build_data(folder, options, progress).pairs)
        )
        _refuse_leaks(load_training_data(folder))
        base = self._root(self._registry.get(self._releases.get(release).model))
        fingerprint = job.step(
            "train",
            lambda: (
                self._finetuner.train(
                    base,
                    load_training_data(folder),
                    search,
                    job.folder / "training",
                    options,
                    progress,
                ).fingerprint
            ),
        )
        return self._registry.get(fingerprint)

    def live_release(self) -> str:
        """Name of the live release. Raises NotFound if nothing is ingested yet."""
        live = self._releases.current()
        if live is None or not live.release:
            raise NotFound("no release is live; ingest filings first with `ragloop ingest`")
        return live.release

    def _root(self, card: ModelCard) -> ModelCard:
        while card.base:
            card = self._registry.get(card.base)
        return card

    def _save_test_set(self, folder: Path, data: TrainingData) -> str:
        save(folder, question_set(data.pairs, "test", folder.name))
        return str(folder)

    def _measure(self, folder: Path, live: str, candidate: str, progress: Progress) -> list[str]:
        """Ids of the runs of both releases over the same documents."""
        questions = load(folder, "test")
        for _ in range(_MEASUREMENTS):
            revision = self._indexer.catch_up(self._releases.get(candidate), progress)
            runs = [self._evaluator.run(questions, name, progress) for name in (live, candidate)]
            if self._chunks.revision() == revision:
                return [run.run_id for run in runs]
        raise ReleaseConflict(
            f"documents changed during each of {_MEASUREMENTS} measurements; improve again when "
            "ingestion has ended"
        )

    def _promote(self, job: Job, candidate: str, live: str, progress: Progress) -> str:
        try:
            return self._promoter.promote(candidate, progress, instead_of=live).release
        except ReleaseConflict as error:
            job.fail(error.message)
            raise

    def _decide(
        self, job: Job, before: Run, after: Run, data: TrainingData, thresholds: GateThresholds
    ) -> GateDecision:
        candidate = self._releases.get(after.release)
        if candidate.state != "live":  # as it is in a job that was killed behind its promotion
            self._indexer.catch_up(candidate)
        completeness = self._indexer.completeness(candidate)
        facts = GateFacts(
            training_documents=frozenset(
                pair.document for pair in data.pairs if pair.split != "test"
            )
            | seen_documents(self._registry.get(before.model)),
            test_documents=frozenset(pair.document for pair in data.pairs if pair.split == "test"),
            complete=completeness.complete,
            missing=len(completeness.missing),
        )
        kept = job.step("gate", lambda: _as_dict(decide(before, after, thresholds, facts)))
        decision = GateDecision(promoted=kept["promoted"], reasons=tuple(kept["reasons"]))
        self._history.add_decision(before, after, decision)
        return decision


def _as_dict(decision: GateDecision) -> dict[str, Any]:
    return {"promoted": decision.promoted, "reasons": list(decision.reasons)}


def _refuse_leaks(data: TrainingData) -> None:
    known = [pair for pair in data.pairs if pair.split != "test"]
    test = question_set(data.pairs, "test", data.folder.name)
    check(test, documents_of(known), {pair.question for pair in known})
