"""From training data to a reranker, measured on documents that it never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

from eval.compare import paired
from eval.evaluate import evaluate
from finetune.build import question_set
from finetune.dataset import load
from finetune.options import TrainingData, TrainOptions
from finetune.reranker import RerankerBase, Rivals, train_reranker
from finetune.round_trip import drawn
from finetune.searches import Searches
from rag_service.adapters.cross_encoder import load_cross_encoder
from rag_service.adapters.reranker_registry import FileRerankers, fingerprint
from rag_service.answering.retrieve import Retriever
from rag_service.core.errors import InvalidRequest, NotFound
from rag_service.core.protocols import ChunkStore, Progress, ReleaseStore, Reranker, no_progress
from rag_service.core.types import Chunk, Hit, QuestionSet, Run, Stage
from rag_service.loop.jobs import Job
from rag_service.loop.training import hard_negatives

DEFAULT_BASE = "cross-encoder/ms-marco-MiniLM-L-12-v2"

_CANDIDATES = 20
"""Hits that are put in another order, as many as a search reranks."""
_TESTED = 150
"""Most test questions: two rerankers read twenty passages for each."""
_MEASURES = ("ndcg@10", "mrr@10")


class RerankerTuner:
    """Trains a cross-encoder on the data of a fine-tuning of the embedding model."""

    def __init__(
        self,
        *,
        home: Path,
        chunks: ChunkStore,
        releases: ReleaseStore,
        retriever: Retriever,
        live_release: Callable[[], str],
        searches: Callable[[str], Searches],
        rerankers: FileRerankers,
        hold: Callable[[str], None],
    ) -> None:
        self._home = home
        self._chunks = chunks
        self._releases = releases
        self._retriever = retriever
        self._live_release = live_release
        self._searches = searches
        self._rerankers = rerankers
        self._hold = hold

    def data_folder(self, named: str) -> Path:
        """Training data: a folder of it, or of the job that is named, or of the newest one.

        Raises NotFound saying how to make some.
        """
        places = [Path(named), Path(named) / "data", self._home / "jobs" / named / "data"]
        if not named:
            made = (self._home / "jobs").glob("*/data/manifest.json")
            newest = max(made, key=lambda path: path.stat().st_mtime, default=None)
            places = [newest.parent] if newest else []
        for place in places:
            if (place / "manifest.json").is_file() and (place / "pairs.jsonl").is_file():
                return place.absolute()
        raise NotFound(
            f"there is no training data in {named}: name its folder or a job with --from"
            if named
            else "this home has no training data yet: run `ragloop finetune` or `ragloop improve`, "
            "whose data a reranker learns from too, or name a folder with --from"
        )

    def run(
        self,
        job: Job,
        base: str,
        folder: Path,
        options: TrainOptions,
        negatives: int,
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """Train on the train split, choose on validation, and measure on the test split.

        Candidates are what the live release finds, with all stages of a search but reranking.
        """
        start = self._base(base)
        live = job.step("start", self._live_release)
        self._hold(live)
        data = load(folder)
        chunks = {chunk.chunk_id: chunk for chunk in self._chunks.chunks()}
        rivals = Rivals(
            hard_negatives(
                replace(data, pairs=tuple(drawn(data.pairs))),
                self._searches(live),
                chunks,
                job.folder,
                negatives,
                progress,
            ),
            job.step("validation candidates", lambda: self._others(data, live)),
        )
        name = job.step(
            "train",
            lambda: self._train(start, data, chunks, rivals, job.folder, options, progress),
        )
        questions = self._test_questions(data, options.seed)
        measured = job.step(
            "evaluate",
            lambda: self._measure(start.name, name, questions, live, options.seed, progress),
        )
        return {
            "reranker": name,
            "base": start.name,
            "data": str(folder),
            "release": live,
            "stages": sorted(self._stages),
            **measured,
            "training": self._rerankers.training_of(name),
            "seconds": job.seconds,
        }

    def _base(self, name: str) -> RerankerBase:
        if started := self._rerankers.base_of(name):
            raise InvalidRequest(f"{name} was fine-tuned already: begin with its base, {started}")
        folder = self._rerankers.find(name)
        load_cross_encoder(folder, device="cpu")  # what is none is refused here
        return RerankerBase(name, fingerprint(folder), folder)

    @property
    def _stages(self) -> frozenset[Stage]:
        return self._retriever.stages - {"rerank"}

    def _train(
        self,
        base: RerankerBase,
        data: TrainingData,
        chunks: Mapping[str, Chunk],
        rivals: Rivals,
        folder: Path,
        options: TrainOptions,
        progress: Progress,
    ) -> str:
        trained = train_reranker(base, data, chunks, rivals, folder / "training", options, progress)
        return self._rerankers.keep(trained.folder, base=base.name, training=trained.figures)

    def _others(self, data: TrainingData, live: str) -> dict[str, list[str]]:
        """For each validation question, ids of the first hits that do not answer it."""
        pairs = [pair for pair in data.pairs if pair.split == "validation"]
        found = self._first_hits([pair.question for pair in pairs], live)
        return {
            pair.question_id: [
                hit.chunk.chunk_id for hit in hits if hit.chunk.chunk_id not in pair.relevant
            ]
            for pair, hits in zip(pairs, found, strict=True)
        }

    def _first_hits(self, questions: Sequence[str], live: str) -> list[list[Hit]]:
        return self._retriever.search_many(questions, _CANDIDATES, live, self._stages)

    def _test_questions(self, data: TrainingData, seed: int) -> QuestionSet:
        whole = question_set(data.pairs, "test", data.folder.parent.name)
        if not whole.questions:
            raise InvalidRequest(f"the training data in {data.folder} has no test questions")
        random = Random(f"reranker test {seed}")
        asked = random.sample(whole.questions, min(len(whole.questions), _TESTED))
        return replace(whole, questions=tuple(asked))

    def _measure(
        self,
        base: str,
        name: str,
        questions: QuestionSet,
        live: str,
        seed: int,
        progress: Progress,
    ) -> dict[str, Any]:
        texts = [question.text for question in questions.questions]
        hits = dict(zip(texts, self._first_hits(texts, live), strict=True))
        names = {document.document_id: document.name for document in self._chunks.documents()}
        release = self._releases.get(live)

        def measure(reranker: Reranker | None) -> Run:
            def search(batch: Sequence[str], k: int) -> list[list[Hit]]:
                found = [hits[question] for question in batch]
                if reranker is None:
                    return found
                return [_reranked(reranker, *asked) for asked in zip(batch, found, strict=True)]

            return evaluate(
                questions, search, documents=names, release=release, seed=seed, progress=progress
            )

        before, after = (measure(self._rerankers.load(one)) for one in (base, name))
        runs = {"retrieved": measure(None), "base": before, "reranker": after}
        return {
            "question_set": f"{questions.name}/{questions.split}",
            "questions": after.questions,
            "documents": len({about[0] for about in after.documents.values()}),
            "seed": seed,
            **{
                measured: {label: asdict(run.metrics[measured]) for label, run in runs.items()}
                for measured in _MEASURES
            },
            "difference": {
                measured: asdict(paired(before, after, measured, seed)) for measured in _MEASURES
            },
        }


def _reranked(reranker: Reranker, question: str, hits: Sequence[Hit]) -> list[Hit]:
    scores = reranker.score(question, [hit.chunk.embedded_text for hit in hits])
    best_first = sorted(zip(scores, hits, strict=True), key=lambda scored: -scored[0])
    return [
        replace(hit, rank=rank, score=score)
        for rank, (score, hit) in enumerate(best_first, start=1)
    ]
