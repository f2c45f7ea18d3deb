"""The whole loop over fake stores with planted candidates: what it refuses, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eval.gate import GateThresholds, decide
from eval.history import History
from eval.probe.measure import load as load_probe
from finetune.dataset import save
from finetune.options import DataOptions, TrainingData, TrainOptions
from rag_service.answering.retrieve import VECTORS_ALONE, Retriever
from rag_service.answering.serving import Serving
from rag_service.cli.improving import print_improvement
from rag_service.cli.output import stdout_console
from rag_service.core.errors import DataError, ReleaseConflict
from rag_service.core.types import (
    Chunk,
    Document,
    IndexSpec,
    ModelCard,
    Pair,
    Split,
    Stage,
    Vectors,
)
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.loop.evaluation import Evaluator
from rag_service.loop.improve import Improvement, Improver
from rag_service.loop.jobs import JobStore
from rag_service.loop.judging import Judge
from rag_service.loop.seen import write_questions
from rag_service.loop.training import FinetuneOptions
from tests.fakes.filings import COMPANIES, filings
from tests.fakes.models import CutEmbedder, FakeEmbedder, FakeRegistry
from tests.fakes.stores import FakeChunkStore, FakeRedis, FakeReleaseStore, FakeVectorStore

DIMS = 512
CHUNKS = filings(3)
HELD_OUT = [chunk for chunk in CHUNKS if chunk.facts.company.title().startswith(COMPANIES[1:3])]
PROBE = load_probe()


def question(chunk: Chunk) -> str:
    return f"Riddle {sha256(chunk.chunk_id.encode()).hexdigest()[:12]}?"


class Clock:
    """Time in which nothing but the encoders' queries takes any."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Planted(FakeEmbedder):
    """Finds what it knows, as if by understanding, and words in the rest."""

    def __init__(
        self, name: str, chunks: Collection[Chunk], general: int, clock: Clock, query_seconds: float
    ) -> None:
        super().__init__(DIMS, name)
        self._clock, self._query_seconds = clock, query_seconds
        self._topics = {question(chunk): chunk.chunk_id for chunk in chunks}
        self._topics |= {chunk.embedded_text: chunk.chunk_id for chunk in CHUNKS}
        for question_id in [*PROBE.questions][:general]:
            (passage_id,) = PROBE.relevant[question_id]
            self._topics |= dict.fromkeys(
                (PROBE.questions[question_id], PROBE.passages[passage_id]), passage_id
            )

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self._clock.seconds += self._query_seconds
        return self.embed_documents(texts)

    def embed_documents(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Vectors:
        return super().embed_documents([self._topics.get(text, text) for text in texts], on_done)


class PlantedRegistry(FakeRegistry):
    def __init__(self) -> None:
        super().__init__(dims=DIMS)
        self.planted: dict[str, Planted] = {}

    def plant(self, card: ModelCard, embedder: Planted) -> None:
        self._cards[card.fingerprint] = card
        self.planted[card.fingerprint] = embedder

    def load(self, fingerprint: str) -> FakeEmbedder:
        card = self.get(fingerprint)
        return (
            CutEmbedder(self.planted[card.cut_from], card)
            if card.cut_from
            else (self.planted[fingerprint])
        )


class Finetuner:
    """Hands out prepared pairs and the planted model."""

    def __init__(self, pairs: Sequence[Pair], card: ModelCard) -> None:
        self.pairs = list(pairs)
        self.card = card

    def build_data(self, folder: Path, *_: object) -> TrainingData:
        return save(self.pairs, {}, folder, seed=7)

    def train(self, *_: object) -> ModelCard:
        return self.card


class Loop:
    """A live release that knows half of the held-out riddles, and a candidate to come."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.clock = Clock()
        redis = FakeRedis()
        self.vectors, self.chunks = FakeVectorStore(redis), FakeChunkStore(redis)
        self.releases, self.registry = FakeReleaseStore(redis), PlantedRegistry()
        for name in dict.fromkeys(chunk.document for chunk in CHUNKS):
            own = [chunk for chunk in CHUNKS if chunk.document == name]
            document = Document(own[0].document_id, name, own[0].facts, 9, len(own), 0, "2025")
            self.chunks.replace(document, own, None)
        self.plant("live", HELD_OUT[::2])
        self.plant("candidate", HELD_OUT)
        self.finetuner = Finetuner(list(map(pair, CHUNKS)), self.registry.get("candidate"))
        self.history = History(home / "history")
        self.held: list[str] = []

    def plant(
        self,
        name: str,
        known: Collection[Chunk],
        *,
        general: int = len(PROBE.questions),
        query_seconds: float = 0.01,
        **training: object,
    ) -> ModelCard:
        folder = self.home / name
        folder.mkdir(exist_ok=True)
        base = "" if name == "live" else "live"
        card = ModelCard(name, name, str(folder), DIMS, 256, "", "", "2025", base, training)
        self.registry.plant(card, Planted(name, known, general, self.clock, query_seconds))
        return card

    def make_parts(self, stages: Collection[Stage] = VECTORS_ALONE) -> None:
        def spec(release: str, model: ModelCard) -> IndexSpec:
            return IndexSpec(f"ix-{release}", model.dims, model.fingerprint)

        stores = (self.chunks, self.vectors, self.releases, self.registry)
        self.indexer = ShadowIndexer(*stores, spec)
        self.promoter = Promoter(self.indexer, self.vectors, self.releases, self.registry, keep=3)
        serving = Serving(self.releases, self.vectors, self.registry)
        retriever = Retriever(serving, self.vectors, 2000, stages=stages)
        evaluator = Evaluator(
            chunks=self.chunks,
            vectors=self.vectors,
            releases=self.releases,
            registry=self.registry,
            serving=serving,
            retriever=retriever,
            history=self.history,
            seed=7,
            clock=self.clock,
        )
        self.judge = Judge(
            chunks=self.chunks,
            releases=self.releases,
            registry=self.registry,
            indexer=self.indexer,
            evaluator=evaluator,
            history=self.history,
            hold=self.held.append,
            seed=7,
        )
        self.improver = Improver(
            home=self.home,
            chunks=self.chunks,
            releases=self.releases,
            registry=self.registry,
            retriever=retriever,
            finetuner=self.finetuner,  # type: ignore[arg-type]
            indexer=self.indexer,
            judge=self.judge,
            promoter=self.promoter,
            hold=self.held.append,
        )
        if self.releases.current() is None:
            live = self.indexer.build(self.registry.get("live"))
            self.promoter.promote(live.release)

    def improve(self) -> Improvement:
        self.make_parts()
        options = FinetuneOptions(data=DataOptions(), training=TrainOptions())
        with JobStore(self.home).run("improve", {}) as job:
            return self.improver.run(job, options, GateThresholds())

    @property
    def live(self) -> str:
        current = self.releases.current()
        return current.model if current else ""


def pair(chunk: Chunk) -> Pair:
    split: Split = "test" if chunk in HELD_OUT else "train"
    return Pair(
        question_id=f"q{chunk.chunk_id}",
        question=question(chunk),
        answer="yes",
        chunk_id=chunk.chunk_id,
        document=chunk.document,
        company=chunk.facts.company,
        source="template",
        split=split,
        relevant=(chunk.chunk_id,),
        kind="free",
    )


@pytest.fixture
def loop(tmp_path: Path) -> Loop:
    return Loop(tmp_path)


def test_a_better_candidate_goes_live_with_all_that_was_measured(
    loop: Loop, capsys: pytest.CaptureFixture[str]
) -> None:
    improvement = loop.improve()
    assert improvement.judged.decision.promoted, improvement.judged.decision.reasons
    assert loop.live == "candidate"
    assert set(loop.held) == {"r0001", "r0002"}
    assert improvement.judged.after.questions == len(HELD_OUT) == 32
    document = improvement.as_dict()
    assert document["probe"]["before"]["model"] == "live"
    assert document["probe"]["difference"]["value"] == pytest.approx(0.0, abs=0.03)
    assert document["latency"]["ratio"]["value"] == pytest.approx(1.0)
    assert document["seconds"].keys() >= {"evaluate", "latency", "gate", "promote"}

    (kept,) = loop.history.decisions()
    assert kept.thresholds
    assert kept.facts
    runs = loop.history.get(kept.before), loop.history.get(kept.after)
    assert (
        decide(*runs, kept.thresholds, kept.facts) == kept.decision == improvement.judged.decision
    )
    assert kept.facts.latency == improvement.judged.latency
    assert all(run.probe for run in runs)

    print_improvement(stdout_console(), document)
    shown = capsys.readouterr().out
    assert "general text, ndcg@10, 84 questions" in shown
    assert "a query takes" in shown
    assert "95 % intervals by bootstrap over questions" in shown


def test_a_worse_model_stays_out(loop: Loop) -> None:
    loop.plant("candidate", HELD_OUT[::4])
    worse, *slices = refused(loop)
    assert worse.startswith("ndcg@10 is worse")
    assert all(reason.startswith("slice ") for reason in slices)


def test_a_better_model_on_ten_questions_stays_out(loop: Loop) -> None:
    loop.finetuner.pairs = [
        *(pair(chunk) for chunk in CHUNKS if chunk not in HELD_OUT),
        *map(pair, HELD_OUT[:10]),
    ]
    assert refused(loop) == ("too few questions: 10, and 30 are needed for a proof",)


def test_a_model_that_forgot_general_text_stays_out(loop: Loop) -> None:
    loop.plant("candidate", HELD_OUT, general=60)
    (reason,) = refused(loop)
    assert reason.startswith("general text was forgotten")


def test_a_slower_model_stays_out(loop: Loop) -> None:
    loop.plant("candidate", HELD_OUT, query_seconds=0.0111)
    (reason,) = refused(loop)
    assert reason.startswith("a query takes longer")


def test_a_model_whose_card_names_a_test_document_stays_out(loop: Loop) -> None:
    leaked = HELD_OUT[0].document
    card = loop.plant("candidate", HELD_OUT, train_documents=[leaked])
    write_questions(Path(card.path), ["Something else?"], loop.registry.get("live"))
    (reason,) = refused(loop)
    assert reason == (
        f"leak: the model was trained on 1 of the documents that it is tested on ({leaked})"
    )


def test_a_test_question_among_the_training_pairs_stops_the_training(loop: Loop) -> None:
    stolen = replace(pair(CHUNKS[0]), question=question(HELD_OUT[0]))
    loop.finetuner.pairs[0] = stolen
    with pytest.raises(DataError, match=r"^leak: the test shares 1 of its questions \(q.*nothing"):
        loop.improve()
    assert loop.live == "live"
    assert loop.history.all() == []


def test_a_model_that_names_a_test_question_as_trained_on_is_not_measured(loop: Loop) -> None:
    card = loop.registry.get("candidate")
    write_questions(Path(card.path), [question(HELD_OUT[0])], loop.registry.get("live"))
    with pytest.raises(DataError, match=r"leaks: the model was trained on 1 of its questions"):
        loop.improve()
    assert loop.live == "live"
    (journal,) = JobStore(loop.home).all()
    assert journal["state"] == "failed"
    assert "leaks" in journal["reason"]


def test_a_passage_that_the_live_model_saw_elsewhere_is_not_asked_for(loop: Loop) -> None:
    seen, repeating = HELD_OUT[0], HELD_OUT[-1]
    live = loop.plant("live", HELD_OUT[::2], train_documents=[seen.document])
    write_questions(Path(live.path), ["Something else?"], loop.registry.get("candidate"))
    repeats = replace(pair(repeating), relevant=(repeating.chunk_id, seen.chunk_id))
    loop.finetuner.pairs[CHUNKS.index(repeating)] = repeats
    asked = [chunk for chunk in HELD_OUT if chunk.document != seen.document][:-1]
    assert refused(loop) == (f"too few questions: {len(asked)}, and 30 are needed for a proof",)


def test_a_candidate_with_a_chunk_missing_stays_out(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = loop.vectors.write

    def losing(index: str, chunks: Sequence[Chunk], vectors: Vectors, *rest: Any) -> None:
        lost = [i for i, c in enumerate(chunks) if c == CHUNKS[5] and index != "ix-r0001"]
        kept = [chunk for i, chunk in enumerate(chunks) if i not in lost]
        write(index, kept, np.delete(vectors, lost, axis=0), *rest)

    monkeypatch.setattr(loop.vectors, "write", losing)
    (reason,) = refused(loop)
    assert reason == "the candidate's index is not complete (chunks missing: 1)"
    (kept,) = loop.history.decisions()
    assert kept.facts
    assert (kept.decision.promoted, kept.decision.reasons) == (False, (reason,))
    assert (kept.facts.complete, kept.facts.missing) == (False, 1)
    (journal,) = JobStore(loop.home).all()
    assert (journal["state"], "promote" in journal["steps"]) == ("done", False)


def test_documents_that_change_throughout_are_no_fault_of_the_candidate(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = loop.vectors.write
    document = loop.chunks.documents()[0]
    own = [chunk for chunk in CHUNKS if chunk.document == document.name]

    def changing(index: str, chunks: Sequence[Chunk], *rest: Any) -> None:
        write(index, chunks, *rest)
        if index != "ix-r0001":
            kept = own if loop.chunks.revision() % 2 else own[1:]
            loop.chunks.replace(document, kept, loop.releases.current().release)  # type: ignore[union-attr]

    monkeypatch.setattr(loop.vectors, "write", changing)
    with pytest.raises(ReleaseConflict, match="is not complete after 10 passes"):
        loop.improve()
    assert loop.history.decisions() == []
    (journal,) = JobStore(loop.home).all()
    assert journal["state"] == "running"


def test_what_comes_of_a_cut_live_model_is_cut_as_it_is(loop: Loop) -> None:
    loop.make_parts()
    cut = loop.registry.truncated("live", 64)
    loop.promoter.promote(loop.indexer.build(cut).release)
    improvement = loop.improve()
    assert improvement.judged.before.model == cut.fingerprint
    trained = loop.registry.get(improvement.judged.after.model)
    assert (trained.cut_from, trained.dims) == ("candidate", 64)
    assert loop.improver._root(trained) == loop.improver._root(cut) == loop.registry.get("live")


def test_a_job_killed_behind_its_promotion_does_not_undo_a_rollback(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote = Promoter.promote

    def killed(self: Promoter, name: str, *rest: Any, **more: Any) -> None:
        promote(self, name, *rest, **more)
        if "instead_of" in more:
            assert loop.live == "candidate"
            self.rollback()
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Promoter, "promote", killed)
        with pytest.raises(KeyboardInterrupt):
            loop.improve()
    with pytest.raises(ReleaseConflict, match="was live already and is not any more"):
        loop.improve()
    assert loop.live == "live"
    (journal,) = JobStore(loop.home).all()
    assert journal["state"] == "failed"


def refused(loop: Loop) -> tuple[str, ...]:
    improvement = loop.improve()
    assert not improvement.judged.decision.promoted
    assert loop.live == "live"
    return improvement.judged.decision.reasons
