"""What a model was trained on is known of it, and is asked in no evaluation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from eval.history import History
from finetune.options import DataOptions, TrainedModel, TrainingData, TrainOptions
from rag_service.core.errors import DataError, ModelError
from rag_service.core.ids import document_of, question_digest
from rag_service.core.types import Document, ModelCard, Pair, Question
from rag_service.loop.evaluation import Evaluator
from rag_service.loop.seen import seen_questions, unseen, write_questions
from rag_service.loop.training import FinetuneOptions, Finetuner
from tests.fakes.answering import World
from tests.fakes.filings import filings
from tests.fakes.searches import fixed_searches
from tests.unit.eval_cases import question_set

CHUNKS = filings(3)
TRAINED, TESTED = CHUNKS[0], CHUNKS[-1]
BASE = ModelCard("mbase", "base", "nowhere", 64, 256, "", "", "2024-01-01T00:00:00Z")
NAMES = {document_of(chunk.chunk_id): chunk.document for chunk in CHUNKS}
PAIR = Pair("q", "What were sales?", "5", TESTED.chunk_id, TESTED.document, "B", "template", "test")


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "home")
    for chunk in CHUNKS:
        if chunk.position == 0:
            own = [c for c in CHUNKS if c.document == chunk.document]
            name = chunk.document
            document = Document(
                document_of(chunk.chunk_id), name, chunk.facts, 8, len(own), 4, "2024"
            )
            world.chunks.replace(document, own, None)
    return world


def _trained(world: World, *questions: str, base: ModelCard = BASE) -> ModelCard:
    """A model trained on these questions about one document, live."""
    folder = world.home / f"model{len(world.registry.all())}"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_text(" ".join(questions))
    write_questions(folder, questions, base)
    card = world.registry.add(
        folder,
        name="tuned",
        base=base.fingerprint,
        training={"train_documents": [TRAINED.document]},
    )
    world.add_release(card.fingerprint, CHUNKS, live=True)
    return card


def _evaluator(world: World) -> Evaluator:
    return Evaluator(
        chunks=world.chunks,
        vectors=world.vectors,
        releases=world.releases,
        registry=world.registry,
        serving=world.serving,
        retriever=world.retriever,
        history=History(world.home / "history"),
        seed=7,
    )


def _question(question_id: str, text: str) -> Question:
    return Question(question_id, text, {TESTED.chunk_id: 1}, {"document": TESTED.document})


def test_a_planted_question_is_refused_in_every_evaluation(world: World) -> None:
    _trained(world, "What were net sales of Alder Mills in 2022?", "How much was Cedarline's debt?")
    evaluator = _evaluator(world)
    clean = question_set(_question("q1", "What was goodwill of Cedarline in 2023?"))
    assert evaluator.run(clean, "r0001").questions == 1
    leaking = question_set(*clean.questions, _question("q2", "how much was  Cedarlines debt"))
    with pytest.raises(DataError, match=r"the model was trained on 1 of its questions \(q2\)"):
        evaluator.run(leaking, "r0001")


def test_questions_on_documents_that_were_trained_on_are_told_apart(world: World) -> None:
    _trained(world, "What were net sales of Alder Mills in 2022?")
    questions = [
        replace(_question(f"q{n}", f"What was line {n} of Alder Mills?"), relevant={key: 1})
        for n, key in enumerate([TRAINED.chunk_id] * 5 + [TESTED.chunk_id] * 5)
    ]
    run = _evaluator(world).run(question_set(*questions), "r0001")
    assert run.slice_questions["trained_on=yes"] == ("q0", "q1", "q2", "q3", "q4")


def test_a_model_that_forgot_its_questions_cannot_be_measured(world: World) -> None:
    card = _trained(world, "What were net sales of Alder Mills in 2022?")
    (Path(card.path) / "training_questions.txt").unlink()
    with pytest.raises(ModelError, match="train it again"):
        _evaluator(world).run(question_set(_question("q1", "What was goodwill?")), "r0001")


def test_a_model_that_was_never_trained_here_saw_nothing() -> None:
    assert seen_questions(BASE) == frozenset()
    assert unseen([PAIR], BASE, NAMES) == [PAIR]


def test_what_the_base_was_trained_on_counts_too(world: World) -> None:
    first = _trained(world, "How much was the debt?")
    second = _trained(world, "How much was goodwill?", base=first)
    assert len(seen_questions(second)) == 2


def test_documents_and_questions_that_the_live_model_saw_test_nobody(world: World) -> None:
    card = _trained(world, "How much was the debt?")
    pairs = [
        replace(PAIR, question_id="q1", chunk_id=TRAINED.chunk_id, document=TRAINED.document),
        replace(PAIR, question_id="q2", question="How much was the debt?!"),
        replace(PAIR, question_id="q3"),
        replace(PAIR, question_id="q4", relevant=(TESTED.chunk_id, TRAINED.chunk_id)),
    ]
    assert [pair.question_id for pair in unseen(pairs, card, NAMES)] == ["q3"]


def test_own_texts_count_as_they_stood_when_training_began(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = tmp_path / "texts.jsonl"
    texts.write_text('{"anchor": "What was the dividend?", "positive": "It was 4."}\n')

    def trained(*_: object) -> TrainedModel:
        texts.unlink()
        folder = tmp_path / "trained"
        folder.mkdir()
        (folder / "model.safetensors").write_text("trained")
        return TrainedModel(folder, {"train_documents": [], "validation_documents": []})

    monkeypatch.setattr("rag_service.loop.training.train", trained)
    options = FinetuneOptions(DataOptions(), TrainOptions(texts_file=str(texts)))
    card = Finetuner(world.chunks, world.registry, None).train(
        BASE,
        TrainingData((PAIR,), {}, tmp_path, "d" * 16),
        fixed_searches({}),
        lambda chunks: np.empty((0, 64), np.float32),
        tmp_path / "out",
        options,
    )
    assert question_digest("what was the dividend") in seen_questions(card)


def test_questions_on_a_document_that_was_removed_meanwhile_are_left_out(
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    given: list[TrainingData] = []

    def trained(base: ModelCard, folder: Path, data: TrainingData, *_: object) -> TrainedModel:
        given.append(data)
        raise DataError("that is enough")

    monkeypatch.setattr("rag_service.loop.training.train", trained)
    gone = replace(PAIR, question_id="q2", chunk_id="gone.1", document="GONE_2023_10K.pdf")
    finetuner = Finetuner(world.chunks, world.registry, None)
    for pairs in [(PAIR, gone), (PAIR,)]:
        with pytest.raises(DataError, match="enough"):
            finetuner.train(
                BASE,
                TrainingData(pairs, {}, tmp_path, "d" * 16),
                fixed_searches({}),
                lambda chunks: np.empty((0, 64), np.float32),
                tmp_path / "out",
                FinetuneOptions(DataOptions(), TrainOptions()),
            )
    left_out, whole = given
    assert left_out.pairs == whole.pairs == (PAIR,)
    assert left_out.fingerprint != whole.fingerprint == "d" * 16, "it is another training"
    assert "1 questions are left out" in caplog.text
