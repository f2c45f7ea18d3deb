"""Runs of a release on a question set, end to end through its Redis index, kept in the history."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from time import perf_counter

from eval import latency
from eval.evaluate import Search, evaluate
from eval.exact import StoredVectors
from eval.history import History
from eval.judgments import judged_documents
from eval.leakage import check
from eval.passages import placed
from eval.probe import measure as general
from eval.significance import interval
from rag_service.answering.retrieve import VECTORS_ALONE, Retriever
from rag_service.answering.serving import Pinned, Serving
from rag_service.core.errors import InvalidRequest, ReleaseConflict
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    ReleaseStore,
    VectorStore,
    no_progress,
)
from rag_service.core.types import (
    Hit,
    Interval,
    ModelCard,
    Probe,
    Question,
    QuestionSet,
    Run,
    Stage,
)
from rag_service.loop.seen import seen_documents, seen_questions

_SERVED = 10
"""Hits that a request is given by default."""


class Evaluator:
    """Measures what users get: the release's own encoder and its own index."""

    def __init__(
        self,
        *,
        chunks: ChunkStore,
        vectors: VectorStore,
        releases: ReleaseStore,
        registry: ModelRegistry,
        serving: Serving,
        retriever: Retriever,
        history: History,
        seed: int,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._chunks = chunks
        self._vectors = vectors
        self._releases = releases
        self._registry = registry
        self._serving = serving
        self._retriever = retriever
        self._history = history
        self._seed = seed
        self._clock = clock

    def run(
        self,
        question_set: QuestionSet,
        release: str,
        progress: Progress = no_progress,
        *,
        exact: bool = False,
        dims: Sequence[int] = (),
        probe: bool = False,
        stages: Collection[Stage] | None = None,
    ) -> Run:
        """Measure and keep.

        Args:
            question_set: what to ask.
            release: what to ask of.
            progress: told how many questions are done.
            exact: also search the index's vectors alone, by brute force, and say what share of
                the nearest its own search finds.
            dims: also search them cut to their first so many dimensions; implies ``exact``,
                which these are to be held against.
            probe: also measure the model on general text.
            stages: what the searches go through; by default, those of the service.

        Raises:
            DataError: no question's document is indexed, or the model was trained on a question.
            InvalidRequest: the release does not have more than ``dims`` dimensions.
            ReleaseConflict: documents changed during the measurement.
        """
        target = self._releases.get(release)
        if wrong := [size for size in dims if not 1 <= size < target.dims]:
            raise InvalidRequest(
                f"vectors of release {release} have {target.dims} dimensions: they cannot be cut "
                f"to {wrong[0]}"
            )
        card = self._registry.get(target.model)
        # Documents that it was trained on are told apart; a question that it was is no question.
        check(question_set, (), seen_questions(card))
        names = {document.document_id: document.name for document in self._chunks.documents()}
        marked = self._marked(question_set, card, names)
        through = frozenset(self._retriever.stages if stages is None else stages)

        def measure(questions: QuestionSet, search: Search, told: Progress) -> Run:
            return evaluate(
                questions,
                search,
                documents=names,
                release=target,
                seed=self._seed,
                stages=through,
                progress=told,
            )

        measured = measure(marked, self._searching(release, through), progress)
        if exact or dims:
            variants = self._variants(question_set, measured, dims, measure, progress)
            measured = replace(measured, variants=variants)
        if probe:
            measured = replace(measured, probe=self.probe(release))
        self._history.add(measured, question_set)
        return measured

    @property
    def stages(self) -> frozenset[Stage]:
        """What the service's searches go through."""
        return self._retriever.stages

    def probe(self, release: str) -> Probe:
        """How well the release's model does on general text."""
        return general.measure(self._serving.pin(release).embedder, self._seed)

    def latency(
        self, question_set: QuestionSet, before: str, after: str, limit: float
    ) -> latency.Latency:
        """How long a query takes under two releases, asked in turn, by vectors alone.

        The other stages are the same for both. Measured longer where it is in doubt whether a
        query takes ``limit`` times as long.
        """

        def asking(release: str) -> latency.Ask:
            return lambda question: self._retriever.search(
                question, _SERVED, release=release, stages=VECTORS_ALONE
            )

        questions = [question.text for question in question_set.questions]
        return latency.measure(
            asking(before), asking(after), questions, self._seed, limit=limit, clock=self._clock
        )

    def _searching(self, release: str, stages: Collection[Stage]) -> Search:
        return lambda queries, k: self._retriever.search_many(queries, k, release, stages)

    def _variants(
        self,
        question_set: QuestionSet,
        measured: Run,
        dims: Sequence[int],
        measure: Callable[[QuestionSet, Search, Progress], Run],
        progress: Progress,
    ) -> dict[str, Mapping[str, Interval]]:
        pinned = self._serving.pin(measured.release)
        ids = sorted(self._vectors.ids(pinned.release.index))
        stored = StoredVectors(ids, self._vectors.vectors(pinned.release.index, ids))
        # With its document alone a question stands in no slice.
        asked = tuple(
            replace(question, metadata={"document": measured.documents[question.question_id][0]})
            for question in question_set.questions
            if question.question_id in measured.documents
        )
        unsliced = replace(question_set, questions=asked)
        variants: dict[str, Mapping[str, Interval]] = {}
        for size in (None, *sorted(set(dims), reverse=True)):
            name = f"dims={size}" if size else "exact"
            search = self._by_brute_force(pinned, stored, size)
            variants[name] = measure(unsliced, search, _renamed(progress, name)).metrics
        texts = [question.text for question in asked]
        shares = stored.recall(
            pinned.embedder.embed_queries(texts),
            [
                [hit.chunk.chunk_id for hit in hits]
                for hits in self._retriever.search_many(
                    texts, _SERVED, measured.release, VECTORS_ALONE
                )
            ],
            _SERVED,
        )
        about = [str(question.metadata["document"]) for question in asked]
        found = interval(shares, self._seed, about)
        return variants | {"exact": {**variants["exact"], f"served_recall@{_SERVED}": found}}

    def _by_brute_force(self, pinned: Pinned, stored: StoredVectors, dims: int | None) -> Search:
        def search(queries: Sequence[str], k: int) -> list[list[Hit]]:
            found = stored.nearest(pinned.embedder.embed_queries(queries), k, dims)
            ids = sorted({chunk_id for results in found for chunk_id, _ in results})
            chunks = {chunk.chunk_id: chunk for chunk in self._chunks.load(ids)}
            if len(chunks) < len(ids):
                raise ReleaseConflict("documents changed during the measurement: evaluate again")
            return [
                [
                    Hit(rank, score, chunks[chunk_id])
                    for rank, (chunk_id, score) in enumerate(results, start=1)
                ]
                for results in found
            ]

        return search

    def _marked(
        self, question_set: QuestionSet, card: ModelCard, names: Mapping[str, str]
    ) -> QuestionSet:
        """The questions with where their passages stand, and whether the model has seen them."""
        judged = set().union(*map(judged_documents, question_set.questions))
        chunks = self._chunks.chunks(
            document for document, name in names.items() if {document, name} & judged
        )
        seen = seen_documents(card)
        questions = placed(question_set, chunks).questions
        if seen:
            questions = tuple(
                replace(q, metadata={**q.metadata, "trained_on": _trained_on(q, seen, names)})
                for q in questions
            )
        return replace(question_set, questions=questions)


def _trained_on(question: Question, seen: frozenset[str], names: Mapping[str, str]) -> str:
    documents = {names.get(document, document) for document in judged_documents(question)}
    documents.add(str(question.metadata.get("document", "")))
    return "yes" if documents & seen else "no"


def _renamed(progress: Progress, name: str) -> Progress:
    return lambda step, done, total: progress(f"{step} {name}", done, total)
