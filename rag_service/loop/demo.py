"""The whole loop on a folder of filings, in a home of its own."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.gate import GateThresholds
from eval.question_sets import load
from ingest.samples.generate import write_sample_filings
from rag_service.answering.answer import Answerer
from rag_service.answering.documents import answer_document
from rag_service.core.errors import ConfigError, GenerationError, IngestError
from rag_service.core.protocols import ChunkStore, Progress, ReleaseStore, no_progress
from rag_service.core.types import Answer, ModelCard, QuestionSet, Release
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.loop.improve import Improvement, Improver
from rag_service.loop.ingestion import Ingestion
from rag_service.loop.jobs import Job
from rag_service.loop.training import FinetuneOptions

_TRIED = 10


@dataclass(frozen=True, slots=True)
class DemoResult:
    """What the demo did: the improvement, and one question answered by the release it left."""

    improvement: Improvement
    ingested: list[dict[str, Any]]
    answer: Answer
    tried: int
    """Held-out questions that were asked until one was answered with a citation."""
    model: str

    def as_dict(self) -> dict[str, Any]:
        return self.improvement.as_dict() | {
            "model": self.model,
            "documents": self.ingested,
            "example": {**answer_document(self.answer), "tried": self.tried},
        }


class Demo:
    """Ingests a folder into a release of the base model, improves it, and asks."""

    def __init__(
        self,
        *,
        home: Path,
        redis: str,
        chunks: ChunkStore,
        releases: ReleaseStore,
        ingestion: Ingestion,
        indexer: ShadowIndexer,
        promoter: Promoter,
        improver: Improver,
        answerer: Answerer,
    ) -> None:
        self._home = home
        self._redis = redis
        self._chunks = chunks
        self._releases = releases
        self._ingestion = ingestion
        self._indexer = indexer
        self._promoter = promoter
        self._improver = improver
        self._answerer = answerer

    def run(
        self,
        job: Job,
        filings: Path | None,
        base: ModelCard,
        options: FinetuneOptions,
        thresholds: GateThresholds,
        progress: Progress = no_progress,
    ) -> DemoResult:
        """Run the loop on ``filings``, or on the sample filings.

        The home ends with exactly that folder's documents. Raises ConfigError if it holds
        documents that no demo brought, IngestError if no file of the folder could be read.
        """
        self._claim_home()
        folder = filings or self._home / "samples"
        if filings is None:
            job.step("samples", lambda: len(write_sample_filings(folder)))
        job.step("base", lambda: self._serve(base, progress).release)
        ingested = job.step("ingest", lambda: self._ingest(folder, progress))
        improvement = self._improver.run(job, options, thresholds, progress)
        answer, tried = asyncio.run(self._example(load(improvement.question_set, "test")))
        return DemoResult(
            improvement=improvement,
            ingested=ingested["documents"],
            answer=answer,
            tried=tried,
            model=base.name,
        )

    def _serve(self, base: ModelCard, progress: Progress) -> Release:
        live = self._promoter.ensure_live(lambda: base)
        if live.model == base.fingerprint:
            return live
        for release in reversed(self._releases.all()):
            if release.model == base.fingerprint and release.state == "retired":
                return self._promoter.promote(release.release, progress)
        rebuilt = self._indexer.build(base, "base of the demo", progress)
        return self._promoter.promote(rebuilt.release, progress)

    async def _example(self, questions: QuestionSet) -> tuple[Answer, int]:
        """The first held-out question for a figure that is answered with a citation.

        Of ``_TRIED`` questions; if none of them is, the answer to the last says why. A failing
        LLM costs the example its answer, not the improvement its figures.
        """
        figures = [q.text for q in questions.questions if q.metadata.get("kind") == "level"]
        asked = figures[:_TRIED] or [questions.questions[0].text]
        tried = 0
        for question in asked:
            tried += 1
            try:
                answer = await self._answerer.ask(question)
            except GenerationError as error:
                answer = Answer(question, "", False, (), "", "none", error.message)
            if answer.citations:
                break
        return answer, tried

    def _claim_home(self) -> None:
        """Insist that every document here came from a demo: others would be removed."""
        mark = self._home / "demo.txt"
        where = hashlib.sha256(self._redis.encode()).hexdigest()
        claimed = mark.exists() and mark.read_text() == where
        if not claimed and (documents := self._chunks.documents()):
            raise ConfigError(
                f"{self._home} holds {len(documents)} documents that the demo did not ingest and "
                "would remove: set RAGLOOP_HOME to a folder of its own, and RAGLOOP_NAMESPACE "
                "with an external Redis"
            )
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(where)

    def _ingest(self, folder: Path, progress: Progress) -> dict[str, Any]:
        outcomes = self._ingestion.run([folder], progress)
        kept = {o.document.document_id for o in outcomes if o.document is not None}
        if not kept:
            raise IngestError(f"no filing in {folder} could be read", reason="nothing_read")
        for document in self._chunks.documents():
            if document.document_id not in kept:
                self._ingestion.remove(document.name)
        return {"documents": [outcome.as_dict() for outcome in outcomes]}
