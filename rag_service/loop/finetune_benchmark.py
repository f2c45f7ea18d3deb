"""Base, published recipe and this program's training, each through a Redis index of its own.

All three start from one base model, learn from equally many pairs, and are asked the same
questions: synthetic ones about documents that this program's training did not see, and any
question sets that are named.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

from eval.compare import compare
from eval.documents import run_document
from finetune.build import question_set
from finetune.dataset import load as load_training_data
from finetune.llm_questions import llm_drafts
from finetune.options import TrainingData
from rag_service.core.errors import DataError
from rag_service.core.protocols import (
    ChunkStore,
    Generator,
    ModelRegistry,
    Progress,
    no_progress,
)
from rag_service.core.types import ModelCard, QuestionSet
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.loop.evaluation import Evaluator
from rag_service.loop.improve import Improver
from rag_service.loop.ingestion import Ingestion
from rag_service.loop.jobs import Job
from rag_service.loop.seen import write_questions
from rag_service.loop.training import FinetuneOptions

BASE, RECIPE, OWN = "base", "recipe", "ragloop"
"""The arms, in the order in which they are shown."""
_PAIRS = "pairs.json"


class FinetuneBenchmark:
    """Each step's result is kept in the job's journal, so that a killed run goes on."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        registry: ModelRegistry,
        generator: Generator | None,
        ingestion: Ingestion,
        indexer: ShadowIndexer,
        evaluator: Evaluator,
        improver: Improver,
        seed: int,
    ) -> None:
        self._chunks = chunks
        self._registry = registry
        self._generator = generator
        self._ingestion = ingestion
        self._indexer = indexer
        self._evaluator = evaluator
        self._improver = improver
        self._seed = seed

    def run(
        self,
        job: Job,
        files: Sequence[Path],
        options: FinetuneOptions,
        recipe_minutes: float,
        question_sets: Sequence[QuestionSet],
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """All arms on all question sets, with paired differences.

        Raises:
            DataError: nothing could be ingested.
        """
        counts = job.step("ingest", lambda: self._ingest(files, progress))
        releases = {BASE: job.step("base", self._improver.live_release)}
        model = self._improver.finetune(job, releases[BASE], options, progress)
        releases[OWN] = self._index(job, OWN, model, progress)
        data = load_training_data(job.folder / "data")
        learnt = [pair for pair in data.pairs if pair.split != "test"]
        by_llm = job.step(
            "recipe questions",
            lambda: self._write_pairs(job, data, len(learnt), recipe_minutes, progress),
        )
        base = self._registry.get(model.base)
        other = job.step("recipe train", lambda: self._train_recipe(job, base, by_llm).fingerprint)
        releases[RECIPE] = self._index(job, RECIPE, self._registry.get(other), progress)
        sets = [question_set(data.pairs, "test", "held-out synthetic"), *question_sets]
        return {
            "documents": counts["documents"],
            "chunks": counts["chunks"],
            "pairs": len(learnt),
            "recipe": self._registry.get(other).training,
            "ragloop": dict(model.training),
            "releases": releases,
            "sets": [self._measure(questions, releases, progress) for questions in sets],
            "seconds": job.seconds,
        }

    def _ingest(self, files: Sequence[Path], progress: Progress) -> dict[str, Any]:
        outcomes = self._ingestion.run(files, progress)
        kept = [outcome for outcome in outcomes if outcome.document]
        if not kept:
            raise DataError("nothing could be ingested: name a folder that holds filings")
        refused = {o.path: o.message for o in outcomes if o.status == "refused"}
        documents = self._chunks.documents()
        return {
            "documents": len(documents),
            "chunks": sum(document.chunks for document in documents),
            "refused": refused,
        }

    def _index(self, job: Job, arm: str, model: ModelCard, progress: Progress) -> str:
        return job.step(
            f"{arm} reindex",
            lambda: self._indexer.build(model, f"benchmark: {arm}", progress).release,
        )

    def _write_pairs(
        self,
        job: Job,
        data: TrainingData,
        wanted: int,
        minutes: float,
        progress: Progress,
    ) -> int:
        """Keep the recipe's pairs: the LLM's, filled up to ``wanted``; how many the LLM wrote.

        What fills up comes from the documents that this program's training saw, in an order by
        chance: none of it is a question of the test.
        """
        folder = job.folder / "recipe"
        folder.mkdir(parents=True, exist_ok=True)
        by_llm: list[tuple[str, str]] = []
        if self._generator is not None and minutes:
            drafts = asyncio.run(
                llm_drafts(
                    list(self._chunks.chunks()),
                    self._generator,
                    max_questions=wanted,
                    max_minutes=minutes,
                    cache=folder / "llm_questions.jsonl",
                    seed=self._seed,
                    dropped=Counter(),
                    progress=progress,
                )
            )
            by_llm = [(draft.question, draft.chunk.chunk_id) for draft in drafts]
        others = [(pair.question, pair.chunk_id) for pair in data.pairs if pair.split != "test"]
        Random(f"recipe {self._seed}").shuffle(others)
        pairs = [*by_llm, *others][:wanted]
        (folder / _PAIRS).write_text(json.dumps(pairs), encoding="utf-8")
        return len(by_llm)

    def _train_recipe(self, job: Job, base: ModelCard, by_llm: int) -> ModelCard:
        from finetune.recipe import Recipe, train_by_recipe

        pairs = json.loads((job.folder / "recipe" / _PAIRS).read_text(encoding="utf-8"))
        chunks = {chunk.chunk_id: chunk for chunk in self._chunks.chunks()}
        folder = job.folder / "recipe" / "model"
        settings = Recipe()
        figures = train_by_recipe(
            Path(base.path),
            [question for question, _ in pairs],
            [chunks[chunk_id].embedded_text for _, chunk_id in pairs],
            folder,
            settings,
            seed=self._seed,
        )
        write_questions(folder, [question for question, _ in pairs], base)
        seen = {
            "train_documents": sorted({chunks[chunk_id].document for _, chunk_id in pairs}),
            "validation_documents": [],
            "llm_pairs": by_llm,
        }
        return self._registry.add(
            folder,
            name=f"{base.name}+recipe",
            base=base.fingerprint,
            training=figures | seen | {"recipe": asdict(settings)},
        )

    def _measure(
        self, questions: QuestionSet, releases: Mapping[str, str], progress: Progress
    ) -> dict[str, Any]:
        runs = {
            arm: self._evaluator.run(questions, releases[arm], progress)
            for arm in (BASE, RECIPE, OWN)
        }
        pairs = ((BASE, RECIPE), (BASE, OWN), (RECIPE, OWN))
        return {
            "question_set": questions.name,
            "split": questions.split,
            "questions": runs[BASE].questions,
            "runs": {arm: run_document(run) for arm, run in runs.items()},
            "differences": {
                f"{b} - {a}": compare(runs[a], runs[b], self._seed).as_dict()["difference"]
                for a, b in pairs
            },
        }
