"""Documents and companies stay apart, and leaks are found."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.options import TrainingData, TrainOptions
from finetune.split import assign_splits, check_leakage, remove_leaks, require_all_splits
from finetune.train import train
from rag_service.core.errors import DataError
from rag_service.core.types import Chunk, ModelCard, Pair, Split
from tests.fakes.filings import filing, filings


def _pair(chunk: Chunk, split: Split, question: str) -> Pair:
    return Pair(
        question_id=f"q-{question}-{chunk.chunk_id}",
        question=question,
        answer="1",
        chunk_id=chunk.chunk_id,
        document=chunk.document,
        company="x",
        source="template",
        split=split,
        relevant=(chunk.chunk_id,),
    )


def _invented(companies: int) -> list[Chunk]:
    """One chunk of each company's only filing."""
    return [filing(f"Company {number}", 2023)[0] for number in range(companies)]


def test_companies_stay_together_from_four_on() -> None:
    chunks = filings(6)
    split = assign_splits(chunks, seed=1)
    assert len(split) == 12
    by_company: dict[str, set[Split]] = {}
    for document, name in split.items():
        by_company.setdefault(document.partition("_")[0], set()).add(name)
    assert all(len(names) == 1 for names in by_company.values())


@pytest.mark.parametrize("companies", [4, 8, 9, 40])
def test_splits_keep_their_proportions(companies: int) -> None:
    chunks = _invented(companies)
    for seed in range(20):
        sizes = Counter(assign_splits(chunks, seed).values())
        assert sizes["train"] >= companies // 2
        assert sizes["validation"] >= 1
        assert sizes["test"] >= max(1, round(companies / 5))
    assert 0.45 < sizes["train"] / companies < 0.75


def test_more_companies_leave_the_others_where_they_are() -> None:
    chunks = _invented(40)
    moves = 0
    for seed in range(20):
        before = assign_splits(chunks[:4], seed)
        for count in range(5, 41):
            after = assign_splits(chunks[:count], seed)
            moved = [(before[name], after[name]) for name in before if before[name] != after[name]]
            assert len(moved) <= 2
            assert not {("train", "test"), ("test", "train")} & set(moved)
            moves += len(moved)
            before = after
    # On average, for 36 companies that are added one by one.
    assert moves / 20 < 12


def test_another_filing_of_a_known_company_joins_it_and_moves_none() -> None:
    before = assign_splits(filings(6, (2022,)), seed=1)
    after = assign_splits(filings(6, (2022, 2023)), seed=1)
    assert {name: after[name] for name in before} == before
    assert all(after[name] == after[name.replace("2023", "2022")] for name in after)


@pytest.mark.parametrize("seed", range(5))
def test_few_companies_are_divided_by_document(seed: int) -> None:
    split = assign_splits(filings(2, (2019, 2021, 2023)), seed)
    assert set(split.values()) == {"train", "validation", "test"}
    assert split == assign_splits(filings(2, (2019, 2021, 2023)), seed)


def test_too_few_documents_are_refused_with_the_number_needed() -> None:
    with pytest.raises(DataError, match="at least 3"):
        assign_splits(filings(2, (2023,)), seed=1)


def test_a_document_in_two_splits_is_a_leak() -> None:
    chunks = filing("Alder Mills", 2023)
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    apart = [_pair(chunks[0], "train", "a"), _pair(chunks[1], "test", "b")]
    with pytest.raises(DataError, match=r"ALDERMILLS_2023_10K.pdf is in the splits train and test"):
        check_leakage(apart, by_id)


def test_a_relevant_chunk_of_another_splits_document_is_a_leak() -> None:
    ours, theirs = filing("Alder Mills", 2022)[0], filing("Alder Mills", 2023)[0]
    by_id = {ours.chunk_id: ours, theirs.chunk_id: theirs}
    pair = replace(_pair(ours, "train", "a"), relevant=(ours.chunk_id, theirs.chunk_id))
    with pytest.raises(DataError, match="in the splits train and test"):
        check_leakage([pair, _pair(theirs, "test", "b")], by_id)


@pytest.mark.parametrize("what", ["question", "passage"])
def test_a_shared_question_or_passage_is_a_leak_and_leaves_the_earlier_split(what: str) -> None:
    ours, other = filing("Alder Mills", 2023)[4], filing("Birchwater", 2023)[4]
    if what == "passage":
        other = replace(other, text=ours.text.replace(" ", "  "))
    by_id = {ours.chunk_id: ours, other.chunk_id: other}
    pairs = [
        _pair(ours, "train", "Same?" if what == "question" else "one?"),
        _pair(other, "test", "same?" if what == "question" else "two?"),
    ]
    with pytest.raises(DataError, match=f"share a {what}"):
        check_leakage(pairs, by_id)
    kept, dropped = remove_leaks(pairs, by_id)
    assert [pair.split for pair in kept] == ["test"]
    assert dropped == {"shared between splits": 1}
    check_leakage(kept, by_id)


@pytest.mark.parametrize("text", ["WHAT were  Sales", "What were sales?!", "“What were sales?”"])
def test_a_planted_test_question_is_refused_however_it_is_written(text: str) -> None:
    ours, other = filing("Alder Mills", 2023)[4], filing("Birchwater", 2023)[4]
    by_id = {ours.chunk_id: ours, other.chunk_id: other}
    planted = [_pair(ours, "train", text), _pair(other, "test", "What were sales?")]
    with pytest.raises(DataError, match=r"\(train\) and .* \(test\) share a question"):
        check_leakage(planted, by_id)


def test_training_is_refused_with_a_planted_question(tmp_path: Path) -> None:
    chunks = filings(3, (2023,))
    firsts = [chunk for chunk in chunks if chunk.position == 0]
    splits: tuple[Split, ...] = ("train", "validation", "test")
    pairs = [
        _pair(chunk, split, f"What of {split}?")
        for chunk, split in zip(firsts, splits, strict=True)
    ]
    planted = (*pairs, _pair(firsts[0], "train", "what of TEST"))
    data = TrainingData(planted, {}, tmp_path, "f")
    base = ModelCard("m", "base", str(tmp_path), 8, 8, "", "", "2024")
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    with pytest.raises(DataError, match="share a question"):
        train(base, tmp_path, data, by_id, tmp_path / "out", TrainOptions())
    assert not (tmp_path / "out").exists()


def test_a_passage_that_also_answers_a_test_question_is_not_trained_on() -> None:
    ours, other = filing("Alder Mills", 2023)[4:6], filing("Birchwater", 2023)[4:6]
    also = replace(other[1], text=ours[0].text)
    by_id = {chunk.chunk_id: chunk for chunk in (*ours, other[0], also)}
    test = replace(_pair(other[0], "test", "b"), relevant=(other[0].chunk_id, also.chunk_id))
    pairs = [_pair(ours[0], "train", "a"), _pair(ours[1], "train", "c"), test]
    with pytest.raises(DataError, match="share a passage"):
        check_leakage(pairs, by_id)
    kept, dropped = remove_leaks(pairs, by_id)
    assert kept == pairs[1:]
    assert dropped == {"shared between splits": 1}


def test_a_vanished_chunk_and_an_empty_split_are_named() -> None:
    chunk = filing("Alder Mills", 2023)[0]
    pair = _pair(chunk, "train", "a")
    with pytest.raises(DataError, match="not stored any more"):
        check_leakage([pair], {})
    with pytest.raises(DataError, match="split validation"):
        require_all_splits([pair])
