"""Documents and companies stay apart, and leaks are found."""

from collections import Counter
from dataclasses import replace

import pytest

from finetune.split import assign_splits, check_leakage, remove_leaks, require_all_splits
from rag_service.core.errors import DataError
from rag_service.core.types import Chunk, Pair, Split
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


def test_companies_stay_together_from_four_on() -> None:
    chunks = filings(6)
    split = assign_splits(chunks, seed=1)
    assert len(split) == 12
    by_company: dict[str, set[Split]] = {}
    for document, name in split.items():
        by_company.setdefault(document.partition("_")[0], set()).add(name)
    assert all(len(names) == 1 for names in by_company.values())
    assert Counter(split.values()) == {"train": 6, "validation": 2, "test": 4}


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


def test_a_vanished_chunk_and_an_empty_split_are_named() -> None:
    chunk = filing("Alder Mills", 2023)[0]
    pair = _pair(chunk, "train", "a")
    with pytest.raises(DataError, match="not stored any more"):
        check_leakage([pair], {})
    with pytest.raises(DataError, match="split validation"):
        require_all_splits([pair])
