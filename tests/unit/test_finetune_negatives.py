"""Hard negatives: near, and never an answer."""

from dataclasses import replace

import pytest

from finetune.build import build_pairs
from finetune.figures import PrintedFigures, figures_in
from finetune.negatives import mine
from finetune.options import DataOptions
from rag_service.core.errors import DataError
from rag_service.core.ids import text_digest
from rag_service.core.types import Chunk, Pair
from tests.fakes.filings import filings
from tests.fakes.searches import fixed_searches, word_searches

CHUNKS = filings()
BY_ID = {chunk.chunk_id: chunk for chunk in CHUNKS}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    folder = tmp_path_factory.mktemp("data")
    return list(build_pairs(CHUNKS, None, DataOptions(max_questions=120), folder).pairs)


class Case:
    """A training question on a passage of prose, and chunks that stand in some relation to it."""

    def __init__(self, pairs: list[Pair]) -> None:
        documents = {p.document for p in pairs if p.split == "train"}
        self.pair = next(p for p in pairs if p.split == "train" and p.kind == "section")
        self.positive = BY_ID[self.pair.chunk_id]
        ours = [c for c in CHUNKS if c.document == self.positive.document and c.kind == "prose"]
        self.near, self.plain, self.third = [c for c in ours if c != self.positive]
        self.foreign = next(
            c
            for c in CHUNKS
            if c.facts.company != self.positive.facts.company
            and c.document in documents
            and c.kind == "prose"
        )
        # What holds of one question is looked at, but training documents come from all pairs.
        self.pairs = [self.pair, *(p for p in pairs if p.split == "train" and p != self.pair)]

    def mined(self, *args: object, **more: object) -> tuple[str, ...]:
        return mine(self.pairs, *args, **more)[self.pair.question_id]  # type: ignore[arg-type]


@pytest.fixture
def case(pairs: list[Pair]) -> Case:
    return Case(pairs)


def test_every_training_question_gets_a_passage_that_does_not_answer(pairs: list[Pair]) -> None:
    mined = mine(pairs, word_searches(CHUNKS), BY_ID)
    training = {pair.question_id: pair for pair in pairs if pair.split == "train"}
    assert set(mined) == set(training)
    same_company = 0
    for question_id, (chunk_id,) in mined.items():
        pair, chunk = training[question_id], BY_ID[chunk_id]
        assert chunk_id not in pair.relevant
        assert text_digest(chunk.text) != text_digest(BY_ID[pair.chunk_id].text)
        if chunk.facts.company == BY_ID[pair.chunk_id].facts.company:
            same_company += 1
            if pair.kind == "level":
                printed = PrintedFigures(chunk)
                assert not all(map(printed.state, figures_in(pair.answer)))
    assert same_company > 0.8 * len(mined)


def test_the_margin_below_the_positive_decides(case: Case) -> None:
    searches = fixed_searches({case.near: 0.97, case.positive: 1.0, case.plain: 0.8})
    assert case.mined(searches, BY_ID) == (case.plain.chunk_id,)
    assert case.mined(searches, BY_ID, relative_margin=0.02) == (case.near.chunk_id,)


def test_a_positive_that_no_search_finds_sets_the_margin_too(case: Case) -> None:
    searches = fixed_searches({case.near: 0.6, case.plain: 0.5}, similarity={case.positive: 0.55})
    assert case.mined(searches, BY_ID) == (case.plain.chunk_id,)


def test_bm25_finds_candidates_that_the_vectors_judge(case: Case) -> None:
    close = fixed_searches(
        {case.positive: 0.9}, [case.near, case.plain], {case.near: 0.89, case.plain: 0.5}
    )
    assert case.mined(close, BY_ID) == (case.plain.chunk_id,)
    far = fixed_searches(
        {case.positive: 0.9}, [case.near, case.plain], {case.near: 0.4, case.plain: 0.5}
    )
    assert case.mined(far, BY_ID) == (case.near.chunk_id,)


def test_what_both_searches_find_comes_first(case: Case) -> None:
    searches = fixed_searches(
        {case.positive: 0.9, case.near: 0.7, case.plain: 0.6}, [case.plain], {}
    )
    assert case.mined(searches, BY_ID) == (case.plain.chunk_id,)


def test_another_company_is_no_answer_however_near_it_is(case: Case) -> None:
    searches = fixed_searches({case.foreign: 0.99, case.near: 0.98, case.positive: 0.9})
    assert case.mined(searches, BY_ID) == (case.foreign.chunk_id,)
    # Unless the question leaves open which company it means.
    open_ = replace(case.pair, question="What is said of the leases of stores?")
    chosen = mine([open_, *case.pairs[1:]], searches, BY_ID)[open_.question_id]
    assert case.foreign.chunk_id not in chosen


def test_twins_of_the_positive_are_left_out_whatever_their_case_and_marks(case: Case) -> None:
    words = case.positive.text
    for number, text in enumerate((words + " ", words.upper(), words.replace(".", " ;"))):
        twin = replace(case.foreign, chunk_id=f"{case.foreign.document_id}.{number}", text=text)
        searches = fixed_searches({case.positive: 1.0, twin: 0.5, case.plain: 0.4})
        assert case.mined(searches, BY_ID | {twin.chunk_id: twin}) == (case.plain.chunk_id,)


@pytest.mark.parametrize(
    "printed", ["It was 1,200 in all.", "It was 1200.", "It came to $1.2 billion in all."]
)
def test_chunks_of_the_company_that_print_the_answer_are_left_out(case: Case, printed: str) -> None:
    unit = replace(case.near, text=f"(in millions) {printed}", kind="table")
    chunks = BY_ID | {unit.chunk_id: unit}
    searches = fixed_searches({case.positive: 1.0, unit: 0.5, case.third: 0.4})
    asked = replace(case.pair, answer="$1,200 million", kind="level")
    mined = mine([asked, *case.pairs[1:]], searches, chunks)
    assert mined[asked.question_id] == (case.third.chunk_id,)
    other = replace(asked, answer="$1,300 million")
    alone = fixed_searches({case.positive: 1.0, unit: 0.5})
    mined = mine([other, *case.pairs[1:]], alone, chunks)
    assert mined[asked.question_id] == (unit.chunk_id,)


def test_several_negatives_are_different_and_filled_up(case: Case) -> None:
    copy = replace(case.near, chunk_id=f"{case.near.document_id}.copy")
    searches = fixed_searches({case.positive: 1.0, case.near: 0.9, copy: 0.9, case.plain: 0.8})
    chunks = BY_ID | {copy.chunk_id: copy}
    mined = case.mined(searches, chunks, count=4)
    assert len({chunks[chunk_id].text for chunk_id in mined}) == 4
    assert case.plain.chunk_id in mined[:2]
    assert {chunks[c].document for c in mined[2:]} == {case.pair.document}
    assert case.mined(searches, chunks, count=4) == mined
    with pytest.raises(DataError, match="99 negatives are wanted"):
        case.mined(searches, chunks, count=99)


def test_held_out_documents_give_no_negatives(pairs: list[Pair]) -> None:
    training = [pair for pair in pairs if pair.split == "train"]
    trained = {pair.document for pair in training}
    held_out = [chunk for chunk in CHUNKS if chunk.document not in trained]
    allowed = next(c for c in CHUNKS if c.document in trained and c.kind == "prose")
    assert held_out
    searches = fixed_searches(
        {**dict.fromkeys(held_out, 0.5), allowed: 0.1}, held_out, default=1.0,
        similarity={allowed: 0.1},
    )  # fmt: skip
    mined = mine(pairs, searches, BY_ID)
    assert {BY_ID[chunk].document for (chunk,) in mined.values()} <= trained
    assert allowed.chunk_id in {chunk for (chunk,) in mined.values()}

    # Its own document answers throughout, so that chance has to look elsewhere.
    pair = training[0]
    own = tuple(c.chunk_id for c in CHUNKS if c.document == pair.document)
    other = next(p for p in training if p.document != pair.document)
    for seed in range(20):
        drawn = mine([replace(pair, relevant=own), other], fixed_searches(), BY_ID, seed=seed)
        (chunk_id,) = drawn[pair.question_id]
        assert BY_ID[chunk_id].document == other.document


def test_without_hits_a_passage_of_the_same_document_is_drawn(pairs: list[Pair]) -> None:
    mined = mine(pairs, fixed_searches(), BY_ID)
    training = {pair.question_id: pair for pair in pairs if pair.split == "train"}
    assert all(BY_ID[mined[q][0]].document == pair.document for q, pair in training.items())
    assert all(mined[q][0] not in pair.relevant for q, pair in training.items())


def test_a_vanished_chunk_is_named_and_what_the_store_lacks_is_passed_over(case: Case) -> None:
    gone: Chunk = replace(case.near, chunk_id=f"{case.near.document_id}.gone")
    searches = fixed_searches({case.positive: 1.0, gone: 0.5, case.plain: 0.4})
    assert case.mined(searches, BY_ID) == (case.plain.chunk_id,)
    without = {key: chunk for key, chunk in BY_ID.items() if key != case.pair.chunk_id}
    with pytest.raises(DataError, match="not stored any more"):
        case.mined(searches, without)
