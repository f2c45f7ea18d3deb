"""Hard negatives: near, and never an answer."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.amounts import amounts_in
from finetune.build import build_pairs
from finetune.negatives import Search, mine
from finetune.options import DataOptions
from rag_service.core.ids import text_digest
from rag_service.core.types import Chunk, Hit, Pair
from tests.fakes.filings import filings


@pytest.fixture
def pairs(tmp_path: Path) -> list[Pair]:
    data = build_pairs(filings(), None, DataOptions(max_questions=120), tmp_path)
    return list(data.pairs)


def _words(text: str) -> set[str]:
    return set(text.lower().split())


def _search(chunks: Sequence[Chunk]) -> Search:
    def search(questions: Sequence[str], k: int) -> list[list[Hit]]:
        found = []
        for question in questions:
            scored = sorted(
                (
                    (len(_words(question) & _words(c.embedded_text)) / 20, c.chunk_id, c)
                    for c in chunks
                ),
                key=lambda entry: (-entry[0], entry[1]),
            )[:k]
            found.append([Hit(r, s, c) for r, (s, _, c) in enumerate(scored, start=1)])
        return found

    return search


def test_every_training_question_gets_a_passage_that_does_not_answer(pairs: list[Pair]) -> None:
    chunks = filings()
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    mined = mine(pairs, _search(chunks), by_id)
    training = {pair.question_id: pair for pair in pairs if pair.split == "train"}
    assert set(mined) == set(training)
    same_company = 0
    for question_id, chunk_id in mined.items():
        pair, chunk = training[question_id], by_id[chunk_id]
        assert chunk_id not in pair.relevant
        assert text_digest(chunk.text) != text_digest(by_id[pair.chunk_id].text)
        same_company += chunk.facts.company == by_id[pair.chunk_id].facts.company
        if pair.kind == "level" and chunk.facts.company == by_id[pair.chunk_id].facts.company:
            assert not amounts_in(pair.answer) <= amounts_in(chunk.text)
    assert same_company > 0.8 * len(mined)


def _hits(*scored: tuple[Chunk, float]) -> Search:
    hits = [Hit(rank, score, chunk) for rank, (chunk, score) in enumerate(scored, start=1)]
    return lambda questions, k: [hits for _ in questions]


def test_margin_identity_and_preference_decide(pairs: list[Pair]) -> None:
    chunks = filings()
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    pair = next(p for p in pairs if p.split == "train" and p.kind == "section")
    positive = by_id[pair.chunk_id]
    ours = [c for c in chunks if c.facts.company == positive.facts.company and c.kind == "prose"]
    near, plain = [c for c in ours if c.heading != positive.heading][:2]
    trained = {p.document for p in pairs if p.split == "train"}
    foreign = next(
        c for c in chunks if c.facts.company != positive.facts.company and c.document in trained
    )
    twin = replace(positive, chunk_id="other.twin", text=positive.text + " ")
    search = _hits((near, 0.97), (positive, 1.0), (twin, 0.9), (foreign, 0.85), (plain, 0.8))
    assert mine(pairs, search, by_id)[pair.question_id] == plain.chunk_id
    loose = mine(pairs, search, by_id, relative_margin=0.02)
    assert loose[pair.question_id] == near.chunk_id


def test_held_out_documents_give_no_negatives(pairs: list[Pair]) -> None:
    by_id = {chunk.chunk_id: chunk for chunk in filings()}
    training = [pair for pair in pairs if pair.split == "train"]
    trained = {pair.document for pair in training}
    held_out = [chunk for chunk in by_id.values() if chunk.document not in trained]
    allowed = next(c for c in by_id.values() if c.document in trained and c.kind == "prose")
    assert held_out
    search = _hits(*((chunk, 0.5) for chunk in held_out), (allowed, 0.1))
    mined = mine(pairs, search, by_id)
    assert {by_id[chunk].document for chunk in mined.values()} <= trained
    assert allowed.chunk_id in mined.values()

    # Its own document answers throughout, so that chance has to look elsewhere.
    pair = training[0]
    own = tuple(c.chunk_id for c in by_id.values() if c.document == pair.document)
    other = next(p for p in training if p.document != pair.document)
    for seed in range(20):
        drawn = mine(
            [replace(pair, relevant=own), other], lambda texts, k: [[] for _ in texts], by_id,
            seed=seed,
        )  # fmt: skip
        assert by_id[drawn[pair.question_id]].document == other.document


def test_without_hits_a_passage_of_the_same_document_is_drawn(pairs: list[Pair]) -> None:
    by_id = {chunk.chunk_id: chunk for chunk in filings()}
    mined = mine(pairs, lambda questions, k: [[] for _ in questions], by_id)
    training = {pair.question_id: pair for pair in pairs if pair.split == "train"}
    assert all(by_id[mined[q]].document == pair.document for q, pair in training.items())
    assert all(mined[q] not in pair.relevant for q, pair in training.items())
