"""Base, published recipe and this program's training, each through a Redis index of its own.

All start from one base model, learn from equally many pairs, and are asked the same questions:
synthetic ones about documents that this program's training did not see, and any question sets
that are named. The synthetic ones are written as this program's training questions are; what
people asked is what decides.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

from eval.compare import HEADLINE, compare, paired
from eval.documents import run_document
from eval.judgments import judged_documents
from finetune.build import question_set
from finetune.dataset import load as load_training_data
from finetune.llm_questions import llm_drafts
from finetune.options import TrainingData
from rag_service.answering.retrieve import VECTORS_ALONE
from rag_service.core.errors import ConfigError, DataError
from rag_service.core.files import write_atomically
from rag_service.core.ids import question_digest
from rag_service.core.protocols import (
    ChunkStore,
    Generator,
    ModelRegistry,
    Progress,
    no_progress,
)
from rag_service.core.types import ModelCard, QuestionSet, Run
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.loop.evaluation import Evaluator
from rag_service.loop.improve import Improver
from rag_service.loop.ingestion import Ingestion
from rag_service.loop.jobs import Job
from rag_service.loop.seen import seen_documents, write_questions
from rag_service.loop.training import FinetuneOptions

BASE, OWN = "base", "ragloop"
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
        base: ModelCard,
        options: FinetuneOptions,
        recipe_minutes: float,
        accumulations: Sequence[int],
        question_sets: Sequence[QuestionSet],
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """All arms on all question sets, with paired differences.

        Args:
            job: where the steps are kept.
            files: filings, or folders of them; the home must hold no others.
            base: the model that all arms start from.
            options: of this program's training.
            recipe_minutes: time of the LLM to write the recipe's pairs; with 0 the recipe is
                given this program's pairs alone.
            accumulations: batches of a step of the recipe, one arm for each.
            question_sets: asked beside the synthetic questions.

        Raises:
            ConfigError: the home serves another model or holds other documents, there is no LLM,
                or pairs come from elsewhere.
            DataError: nothing could be ingested.
        """
        self._check(options, recipe_minutes)
        counts = job.step("ingest", lambda: self._ingest(files, progress))
        releases = {BASE: job.step("base", lambda: self._base_release(base))}
        model = self._improver.finetune(job, releases[BASE], options, progress)
        data = load_training_data(job.folder / "data")
        learnt = [pair for pair in data.pairs if pair.split != "test"]
        by_llm = job.step(
            "recipe questions",
            lambda: self._write_pairs(job, data, len(learnt), recipe_minutes, progress),
        )
        trained: dict[str, ModelCard] = {}
        training: dict[str, dict[str, Any]] = {}
        for steps in accumulations:
            arm = f"recipe, {steps} batches a step"
            progress(f"training the {arm}", 0, 0)
            found = job.step(arm, partial(self._train_recipe, job, base, by_llm, steps))
            trained[arm] = self._registry.get(found["model"])
            training[arm] = found["training"]
        trained[OWN], training[OWN] = model, dict(model.training)
        for arm, card in trained.items():
            releases[arm] = self._index(job, arm, card, progress)
        sets = [question_set(data.pairs, "test", "held-out synthetic"), *question_sets]
        held_out = seen_documents(model)
        return {
            **counts,
            "model": base.name,
            "pairs": len(learnt),
            "releases": releases,
            "training": training,
            "sets": [self._measure(one, releases, held_out, progress) for one in sets],
            "seconds": job.seconds,
        }

    def _check(self, options: FinetuneOptions, recipe_minutes: float) -> None:
        if recipe_minutes and self._generator is None:
            raise ConfigError(
                "the recipe's pairs are written by an LLM and RAGLOOP_LLM is none: set it, or give "
                "the recipe this program's pairs with --recipe-minutes 0"
            )
        if options.training.texts_file or options.data.only_own:
            raise ConfigError(
                "all arms learn from equally many pairs of the filings: leave out --train-data "
                "and --only-own"
            )

    def _base_release(self, base: ModelCard) -> str:
        live = self._improver.live_release()
        if self._improver.model_of(live).fingerprint != base.fingerprint:
            raise ConfigError(
                f"this home serves another model than {base.name}, from which all arms are to "
                "start: set RAGLOOP_HOME to a new folder"
            )
        return live

    def _ingest(self, files: Sequence[Path], progress: Progress) -> dict[str, Any]:
        outcomes = self._ingestion.run(files, progress)
        named = {outcome.document.document_id for outcome in outcomes if outcome.document}
        if not named:
            raise DataError("nothing could be ingested: name a folder that holds filings")
        documents = self._chunks.documents()
        if others := [document.name for document in documents if document.document_id not in named]:
            raise ConfigError(
                f"this home holds {len(others)} documents that were not named ({others[0]}), and "
                "would train on them: set RAGLOOP_HOME to a new folder"
            )
        return {
            "documents": len(documents),
            "chunks": sum(document.chunks for document in documents),
            "refused": {o.path: o.message for o in outcomes if o.status == "refused"},
        }

    def _index(self, job: Job, arm: str, model: ModelCard, progress: Progress) -> str:
        return job.step(
            f"reindex {arm}",
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
        chance. A question of this program's data that the LLM writes too is left out: it may be
        one of the test.
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
                    # Another order of passages than the training data's own.
                    seed=self._seed + 1,
                    dropped=Counter(),
                    progress=progress,
                )
            )
            known = {question_digest(pair.question) for pair in data.pairs}
            by_llm = [
                (draft.question, draft.chunk.chunk_id)
                for draft in drafts
                if question_digest(draft.question) not in known
            ]
        others = [(pair.question, pair.chunk_id) for pair in data.pairs if pair.split != "test"]
        Random(f"recipe {self._seed}").shuffle(others)
        pairs = [*by_llm, *others][:wanted]
        write_atomically(folder / _PAIRS, json.dumps(pairs))
        return min(len(by_llm), wanted)

    def _train_recipe(
        self, job: Job, base: ModelCard, by_llm: int, accumulation: int
    ) -> dict[str, Any]:
        """The recipe's model, and how it was trained: the best of its epochs may be the base."""
        from finetune.recipe import Recipe, train_by_recipe

        pairs = json.loads((job.folder / "recipe" / _PAIRS).read_text(encoding="utf-8"))
        chunks = {chunk.chunk_id: chunk for chunk in self._chunks.chunks()}
        folder = job.folder / "recipe" / f"model-{accumulation}"
        settings = Recipe(accumulation=accumulation)
        figures = train_by_recipe(
            base,
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
        training = figures | seen | {"recipe": asdict(settings)}
        name = f"{base.name}+recipe-{accumulation}"
        added = self._registry.add(folder, name=name, base=base.fingerprint, training=training)
        return {"model": added.fingerprint, "training": training}

    def _measure(
        self,
        questions: QuestionSet,
        releases: Mapping[str, str],
        seen: frozenset[str],
        progress: Progress,
    ) -> dict[str, Any]:
        """Runs of all arms, and paired differences: on all questions, and on those about
        documents that this program's training did not see."""
        runs = {
            arm: self._evaluator.run(questions, release, progress, stages=VECTORS_ALONE)
            for arm, release in releases.items()
        }
        unseen = [
            question.question_id
            for question in questions.questions
            if question.question_id in runs[BASE].per_question
            and not judged_documents(question) & seen
            and question.metadata.get("document") not in seen
        ]
        arms = [BASE, *(arm for arm in runs if arm not in (BASE, OWN)), OWN]
        return {
            "question_set": questions.name,
            "split": questions.split,
            "questions": runs[BASE].questions,
            "unseen_questions": len(unseen),
            "runs": {arm: run_document(runs[arm]) for arm in arms},
            "differences": {
                f"{b} - {a}": self._difference(runs[a], runs[b], unseen)
                for a, b in combinations(arms, 2)
            },
        }

    def _difference(self, a: Run, b: Run, unseen: Sequence[str]) -> dict[str, Any]:
        found: dict[str, Any] = dict(compare(a, b, self._seed).as_dict()["difference"])
        if unseen:
            on_unseen = paired(a, b, HEADLINE, self._seed, unseen)
            found[f"{HEADLINE} on unseen documents"] = asdict(on_unseen)
        return found
