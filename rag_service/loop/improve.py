"""One improvement: finetune → reindex → evaluate → gate → promote, as one resumable job."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.gate import GateThresholds
from eval.leakage import documents_of, questions_of, shared
from eval.question_sets import load, save
from finetune.build import question_set
from finetune.dataset import load as load_training_data
from finetune.options import TrainingData
from finetune.searches import Searches
from finetune.training_sets import check_dims
from rag_service.answering.retrieve import VECTORS_ALONE, Retriever
from rag_service.core.errors import DataError, NotFound, ReleaseConflict
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    no_progress,
)
from rag_service.core.types import Chunk, ModelCard, Vectors
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.loop.jobs import Job
from rag_service.loop.judging import Judge, Judgment
from rag_service.loop.seen import seen_documents, unseen
from rag_service.loop.training import FinetuneOptions, Finetuner


@dataclass(frozen=True, slots=True)
class Improvement:
    """What one improvement measured and decided."""

    judged: Judgment
    question_set: Path
    seconds: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        return self.judged.as_dict() | {
            "question_set": str(self.question_set),
            "seconds": self.seconds,
        }


class Improver:
    """Closes the loop. Every step's result is kept in the job's journal."""

    def __init__(
        self,
        *,
        home: Path,
        chunks: ChunkStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        retriever: Retriever,
        finetuner: Finetuner,
        indexer: ShadowIndexer,
        judge: Judge,
        promoter: Promoter,
        hold: Callable[[str], None],
    ) -> None:
        self._question_sets = home / "question_sets"
        self._chunks = chunks
        self._releases = releases
        self._registry = registry
        self._retriever = retriever
        self._finetuner = finetuner
        self._indexer = indexer
        self._judge = judge
        self._promoter = promoter
        self._hold = hold

    def run(
        self,
        job: Job,
        options: FinetuneOptions,
        thresholds: GateThresholds,
        progress: Progress = no_progress,
    ) -> Improvement:
        """Improve on the release that was live when the job began."""
        live = job.step("start", self.live_release)
        self._hold(live)
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
        judged = self._judge.judge(
            load(folder, "test"),
            live,
            candidate,
            thresholds,
            progress,
            trained_on=[pair for pair in data.pairs if pair.split != "test"],
            step=job.step,
        )
        if judged.decision.promoted:
            job.step("promote", lambda: self._promote(job, candidate, live, progress))
        return Improvement(judged=judged, question_set=folder, seconds=job.seconds)

    def finetune(
        self, job: Job, release: str, options: FinetuneOptions, progress: Progress = no_progress
    ) -> ModelCard:
        """Training data from all chunks, and a model trained on its train split.

        Training starts from the base model that the release's model descends from, so that
        repeated improvements do not pile one fine-tuning on another; what comes of it is cut as
        the release's model is. An adapter is trained for the release's model itself, whose
        document vectors it leaves as they are.
        """
        pinned = self._releases.get(release)
        model = self._registry.get(pinned.model)
        searches = self.searches(release)
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
        trained = self._registry.get(fingerprint)
        if trained.dims > model.dims:  # the live one is cut, and its root is not
            return self._registry.truncated(fingerprint, model.dims)
        return trained

    def live_release(self) -> str:
        """Name of the live release. Raises NotFound if nothing is ingested yet."""
        live = self._releases.current()
        if live is None or not live.release:
            raise NotFound("no release is live; ingest filings first with `ragloop ingest`")
        return live.release

    def model_of(self, release: str) -> ModelCard:
        return self._registry.get(self._releases.get(release).model)

    def _root(self, card: ModelCard) -> ModelCard:
        while parent := card.cut_from or card.base:
            card = self._registry.get(parent)
        return self._registry.get(card.document_vectors)

    def searches(self, release: str) -> Searches:
        """How training data is made with a release."""
        return Searches(
            dense=lambda questions, k: self._retriever.search_many(
                questions, k, release, VECTORS_ALONE
            ),
            text=lambda questions, k: self._retriever.search_text_many(questions, k, release),
            scores=lambda questions, ids: self._retriever.score_many(questions, ids, release),
            learnt=seen_documents(self.model_of(release)),
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
