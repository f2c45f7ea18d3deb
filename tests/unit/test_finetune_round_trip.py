"""The way back from a question to its chunk, and what follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.build import build_pairs
from finetune.dataset import load
from finetune.options import DataOptions
from finetune.round_trip import DEPTH, EASY_WEIGHT, check, drawn
from finetune.searches import Search, Searches
from rag_service.core.types import Hit, Pair, Split
from tests.fakes.filings import filings
from tests.fakes.searches import word_searches
from tests.unit.test_finetune_llm import Scripted, _good

CHUNKS = {chunk.chunk_id: chunk for chunk in filings(3)}
IDS = list(CHUNKS)


def _pair(number: int, split: Split = "train", **more: str) -> Pair:
    chunk = CHUNKS[IDS[number]]
    pair = Pair(
        f"q{number}", f"Question {number}?", "1", chunk.chunk_id, chunk.document, "x",
        "some LLM", split, (chunk.chunk_id,),
    )  # fmt: skip
    return replace(pair, **more)  # type: ignore[arg-type]


def _at(ranks: Mapping[str, int]) -> Search:
    """Finds each question's chunk at a rank, 0: not at all; the others' chunks stand around it."""

    def search(questions: Sequence[str], k: int) -> list[list[Hit]]:
        found = []
        for question in questions:
            own = IDS[int(question.removeprefix("Question ").rstrip("?"))]
            ids = [chunk_id for chunk_id in IDS if chunk_id != own]
            if rank := ranks[question]:
                ids.insert(rank - 1, own)
            hits = [Hit(r, 1 / r, CHUNKS[c]) for r, c in enumerate(ids, start=1)]
            found.append(hits[:k])
        return found

    return search


def _searches(ranks: Mapping[int, tuple[int, int]], learnt: Sequence[str] = ()) -> Searches:
    named = {f"Question {number}?": both for number, both in ranks.items()}
    return Searches(
        _at({question: both[0] for question, both in named.items()}),
        _at({question: both[1] for question, both in named.items()}),
        lambda questions, ids: [[0.0 for _ in keys] for keys in ids],
        learnt,
    )


def test_a_question_that_no_search_finds_is_dropped_and_counted() -> None:
    pairs = [_pair(0), _pair(1), _pair(2)]
    kept, dropped = check(pairs, _searches({0: (0, 0), 1: (9, 0), 2: (0, 3)}))
    assert [pair.question_id for pair in kept] == ["q1", "q2"]
    assert dropped == {f"not among the first {DEPTH} of any search": 1}
    assert check(pairs[1:], _searches({1: (9, 0), 2: (0, 3)}))[1] == {}


def test_a_question_that_every_search_finds_first_weighs_less() -> None:
    pairs = [_pair(number) for number in range(4)]
    kept, _ = check(pairs, _searches({0: (1, 1), 1: (1, 2), 2: (2, 1), 3: (1, 0)}))
    assert [pair.weight for pair in kept] == [EASY_WEIGHT, 1.0, 1.0, 1.0]


def test_any_relevant_chunk_counts() -> None:
    pair = replace(_pair(3), relevant=(IDS[3], IDS[0]))
    (kept,), dropped = check([pair], _searches({3: (0, 0)}))
    # The first of the other chunks is relevant too, and is found first by both.
    assert kept.weight == EASY_WEIGHT
    assert not dropped


def test_what_the_release_was_trained_on_is_not_easy_for_the_base() -> None:
    pair = _pair(0)
    (kept,), _ = check([pair], _searches({0: (1, 1)}, learnt=[pair.document]))
    assert kept.weight == 1.0


@pytest.mark.parametrize("split", ["validation", "test"])
def test_what_measures_is_not_filtered_by_what_is_measured(split: Split) -> None:
    pairs = [_pair(0, split), _pair(1, split)]
    assert check(pairs, _searches({0: (0, 0), 1: (1, 1)})) == (pairs, {})


@pytest.mark.parametrize("source", ["own", "template"])
def test_a_question_that_is_known_to_be_right_stays(source: str) -> None:
    pair = _pair(0, source=source)
    assert check([pair], _searches({0: (0, 0)})) == ([pair], {})


def test_of_easy_questions_the_same_part_is_drawn_each_time() -> None:
    easy = [replace(_pair(0), question_id=f"e{n}", weight=0.25) for n in range(800)]
    whole = [replace(_pair(0), question_id=f"w{n}") for n in range(20)]
    taken = drawn([*easy, *whole])
    assert taken[-20:] == whole
    assert 150 < len(taken) - 20 < 250
    assert drawn([*whole, *easy]) == [*taken[-20:], *taken[:-20]]
    halves = drawn([replace(pair, weight=0.5) for pair in easy])
    assert {pair.question_id for pair in taken[:-20]} <= {pair.question_id for pair in halves}


def test_building_makes_the_round_trip_and_keeps_the_weights(tmp_path: Path) -> None:
    chunks = filings()
    plain = build_pairs(chunks, None, DataOptions(max_questions=300), tmp_path / "a")
    assert {pair.weight for pair in plain.pairs} == {1.0}
    told: list[str] = []
    data = build_pairs(
        chunks, None, DataOptions(max_questions=300), tmp_path / "b",
        lambda step, done, total: told.append(step), word_searches(chunks),
    )  # fmt: skip
    weights = {pair.weight for pair in data.pairs if pair.split == "train"}
    assert weights == {EASY_WEIGHT, 1.0}
    assert {pair.weight for pair in data.pairs if pair.split != "train"} == {1.0}
    assert "round trip" in told
    assert load(data.folder).pairs == data.pairs


def test_building_drops_what_an_llm_asks_in_vain(tmp_path: Path) -> None:
    chunks = filings()
    options = DataOptions(max_questions=60, max_llm_questions=20)
    plain = build_pairs(chunks, Scripted(_good), options, tmp_path / "a")
    data = build_pairs(chunks, Scripted(_good), options, tmp_path / "b", searches=word_searches([]))
    lost = {pair for pair in plain.pairs if pair not in data.pairs}
    assert lost
    assert {(pair.split, pair.source) for pair in lost} == {("train", "scripted")}
    assert data.dropped[f"not among the first {DEPTH} of any search"] == len(lost)
