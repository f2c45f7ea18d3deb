"""One improvement: finetune → reindex → evaluate → gate → promote, as one resumable job."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eval.compare import Comparison, compare
from eval.documents import probe_document, run_document
from eval.gate import GateFacts, GateThresholds, decide
from eval.history import History
from eval.latency import Latency, load_latency
from eval.leakage import documents_of, leaked_questions, questions_of, shared
from eval.question_sets import load, save
from finetune.build import question_set
from finetune.dataset import load as load_training_data
from finetune.options import TrainingData
from finetune.searches import Searches
from finetune.training_sets import check_dims
from rag_service.answering.retrieve import Retriever
from rag_service.core.errors import DataError, NotFound, ReleaseConflict
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    no_progress,
)
from rag_service.core.types import Chunk, GateDecision, ModelCard, Run, Vectors
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.loop.evaluation import Evaluator
from rag_service.loop.jobs import Job
from rag_service.loop.seen import seen_documents, seen_questions, unseen
from rag_service.loop.training import FinetuneOptions, Finetuner

_MEASUREMENTS = 3


@dataclass(frozen=True, slots=True)
class Improvement:
    """What one improvement measured and decided."""

    before: Run
    after: Run
    comparison: Comparison
    decision: GateDecision
    latency: Latency
    question_set: Path
    seconds: dict[str, float]

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
            "latency": asdict(self.latency),
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
            # What cannot be completed is for the gate to refuse.
            lambda: (
                self._indexer.build(model, f"trained by {job.id}", progress, complete=False).release
            ),
        )
        folder = self._question_sets / job.id
        job.step("question_set", lambda: self._save_test_set(folder, data, live))
        runs = job.step("evaluate", lambda: self._measure(folder, live, candidate, progress))
        before, after = (self._history.get(run) for run in runs)
        latency = load_latency(
            job.step("latency", lambda: self._time(folder, live, candidate, thresholds))
        )
        decision = self._decide(job, before, after, data, latency, thresholds)
        if decision.promoted:
            job.step("promote", lambda: self._promote(job, candidate, live, progress))
        return Improvement(
            before=before,
            after=after,
            comparison=compare(before, after, self._seed),
            decision=decision,
            latency=latency,
            question_set=folder,
            seconds=job.seconds,
        )

    def finetune(
        self, job: Job, release: str, options: FinetuneOptions, progress: Progress = no_progress
    ) -> ModelCard:
        """Training data from all chunks, and a model trained on its train split.

        Training starts from the base model that the release's model descends from, so that
        repeated improvements do not pile one fine-tuning on another. An adapter is trained for the
        release's model itself, whose document vectors it leaves as they are.
        """
        pinned = self._releases.get(release)
        model = self._registry.get(pinned.model)
        searches = self._searches(release, model)
        if options.training.adapter:
            base = self._registry.get(model.document_vectors)
        else:
            base = self._root(model)
        check_dims(options.training, base)

        def passages(chunks: Sequence[Chunk]) -> Vectors:
            return self._indexer.document_vectors(pinned, chunks)

        folder = job.folder / "data"
        job.step(
            "questions",
            lambda: len(self._finetuner.build_data(folder, searches, options, progress).pairs),
        )
        self._refuse_leaks(load_training_data(folder), model)
        fingerprint = job.step(
            "train",
            lambda: (
                self._finetuner.train(
                    base,
                    load_training_data(folder),
                    searches,
                    passages,
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

    def model_of(self, release: str) -> ModelCard:
        return self._registry.get(self._releases.get(release).model)

    def _root(self, card: ModelCard) -> ModelCard:
        while card.base:
            card = self._registry.get(card.base)
        return self._registry.get(card.document_vectors)

    def _searches(self, release: str, model: ModelCard) -> Searches:
        return Searches(
            dense=lambda questions, k: self._retriever.search_many(questions, k, release),
            text=lambda questions, k: self._retriever.search_text_many(questions, k, release),
            scores=lambda questions, ids: self._retriever.score_many(questions, ids, release),
            learnt=seen_documents(model),
        )

    def _refuse_leaks(self, data: TrainingData, live: ModelCard) -> None:
        """Raises DataError if a test question is asked in training, or none is new to ``live``."""
        known = [pair for pair in data.pairs if pair.split != "test"]
        test = question_set(data.pairs, "test", data.folder.name)
        if found := shared(test, documents_of(known), questions_of(known)):
            raise DataError(
                f"leak: the test shares {found} with the training pairs in {data.folder}, so that "
                "nothing was trained: no test of that model could be trusted. Begin again with "
                "other questions"
            )
        if not any(pair.split == "test" for pair in unseen(data.pairs, live, self._names())):
            raise DataError(
                "the live model was trained on all that could test another against it: ingest "
                "filings of other companies"
            )

    def _save_test_set(self, folder: Path, data: TrainingData, live: str) -> str:
        model = self._registry.get(self._releases.get(live).model)
        pairs = unseen(data.pairs, model, self._names())
        save(folder, question_set(pairs, "test", folder.name))
        return str(folder)

    def _names(self) -> dict[str, str]:
        return {document.document_id: document.name for document in self._chunks.documents()}

    def _measure(self, folder: Path, live: str, candidate: str, progress: Progress) -> list[str]:
        """Ids of the runs of both releases over the same documents."""
        questions = load(folder, "test")
        for _ in range(_MEASUREMENTS):
            revision = self._indexer.mend(self._releases.get(candidate), progress).revision
            runs = [
                self._evaluator.run(questions, name, progress, probe=True)
                for name in (live, candidate)
            ]
            if self._chunks.revision() == revision:
                return [run.run_id for run in runs]
        raise ReleaseConflict(
            f"documents changed during each of {_MEASUREMENTS} measurements; improve again when "
            "ingestion has ended"
        )

    def _time(
        self, folder: Path, live: str, candidate: str, thresholds: GateThresholds
    ) -> dict[str, Any]:
        questions, limit = load(folder, "test"), thresholds.latency_ratio
        return asdict(self._evaluator.latency(questions, live, candidate, limit))

    def _promote(self, job: Job, candidate: str, live: str, progress: Progress) -> str:
        try:
            # As it is in a job that was killed behind its promotion, which was then undone.
            if self._releases.get(candidate).state == "retired":
                raise ReleaseConflict(
                    f"release {candidate} was live already and is not any more: improve again, or "
                    f"bring it back with `ragloop promote {candidate}`"
                )
            return self._promoter.promote(candidate, progress, instead_of=live).release
        except ReleaseConflict as error:
            job.fail(error.message)
            raise

    def _decide(
        self,
        job: Job,
        before: Run,
        after: Run,
        data: TrainingData,
        latency: Latency,
        thresholds: GateThresholds,
    ) -> GateDecision:
        candidate = self._releases.get(after.release)
        if candidate.state == "live":  # as it is in a job that was killed behind its promotion
            completeness = self._indexer.completeness(candidate)
        else:
            completeness = self._indexer.mend(candidate)
        questions = load(self._question_sets / job.id, "test")
        models = [self._registry.get(run.model) for run in (before, after)]
        known = [pair for pair in data.pairs if pair.split != "test"]
        asked_before = questions_of(known).union(*map(seen_questions, models))
        facts = GateFacts(
            training_documents=tuple(
                sorted({pair.document for pair in known}.union(*map(seen_documents, models)))
            ),
            leaked_questions=tuple(leaked_questions(questions, asked_before)),
            complete=completeness.complete,
            missing=len(completeness.missing),
            latency=latency,
        )
        kept = job.step("gate", lambda: _as_dict(decide(before, after, thresholds, facts)))
        decision = GateDecision(promoted=kept["promoted"], reasons=tuple(kept["reasons"]))
        self._history.add_decision(before, after, decision, thresholds, facts)
        return decision


def _as_dict(decision: GateDecision) -> dict[str, Any]:
    return {"promoted": decision.promoted, "reasons": list(decision.reasons)}
