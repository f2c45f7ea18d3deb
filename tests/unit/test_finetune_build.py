"""From chunks to training data, and from it to question sets."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.build import build_pairs, question_set
from finetune.options import DataOptions
from finetune.split import check_leakage
from rag_service.core.errors import ConfigError, DataError
from rag_service.core.types import Chunk
from tests.fakes.filings import filings
from tests.unit.test_finetune_llm import Scripted, _good


def test_all_splits_kinds_and_documents_are_represented(tmp_path: Path) -> None:
    chunks = filings()
    told: list[tuple[str, int, int]] = []
    data = build_pairs(
        chunks, None, DataOptions(max_questions=300), tmp_path, lambda *step: told.append(step)
    )
    check_leakage(data.pairs, {chunk.chunk_id: chunk for chunk in chunks})
    assert len({pair.document for pair in data.pairs}) == 12
    assert {pair.kind for pair in data.pairs} == {"level", "change", "share", "derived", "section"}
    counts = Counter(pair.split for pair in data.pairs)
    assert counts["train"] > counts["test"] > counts["validation"] > 0
    assert len({pair.question_id for pair in data.pairs}) == len(data.pairs)
    assert told[-1][1] == told[-1][2] > 0


@pytest.mark.parametrize("seed", range(4))
def test_few_companies_have_no_relevant_chunk_in_another_split(tmp_path: Path, seed: int) -> None:
    chunks = filings(2, (2019, 2020, 2021, 2022, 2023))
    data = build_pairs(chunks, None, DataOptions(max_questions=300, seed=seed), tmp_path)
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    check_leakage(data.pairs, by_id)
    split_of = {pair.document: pair.split for pair in data.pairs}
    for pair in data.pairs:
        assert pair.chunk_id in pair.relevant
        assert {split_of[by_id[chunk].document] for chunk in pair.relevant} == {pair.split}
    documents = [len({by_id[c].document for c in pair.relevant}) for pair in data.pairs]
    assert max(documents) > 1


def test_limits_are_kept_and_the_build_repeats(tmp_path: Path) -> None:
    options = DataOptions(max_questions=50, per_chunk=1, per_statement=1)
    first = build_pairs(filings(), None, options, tmp_path / "a")
    assert len(first.pairs) == 50
    rows = Counter(p.chunk_id for p in first.pairs if p.kind in {"level", "change", "share"})
    assert max(rows.values()) == 1
    assert build_pairs(filings(), None, options, tmp_path / "b").pairs == first.pairs
    other = replace(options, seed=99)
    assert build_pairs(filings(), None, other, tmp_path / "c").fingerprint != first.fingerprint


def test_llm_questions_come_on_top_and_a_missing_llm_is_an_error(tmp_path: Path) -> None:
    options = DataOptions(max_questions=50, max_llm_questions=5)
    llm = Scripted(_good)
    data = build_pairs(filings(), llm, options, tmp_path)
    assert Counter(pair.source for pair in data.pairs) == {"template": 50, "scripted": 5}
    with pytest.raises(ConfigError, match="RAGLOOP_LLM"):
        build_pairs(filings(), None, options, tmp_path)


def test_a_passage_printed_twice_is_relevant_twice(tmp_path: Path) -> None:
    chunks = filings()
    twin = replace(chunks[0], chunk_id=f"{chunks[0].document_id}.twin", cells=None, heading="")
    data = build_pairs([*chunks, twin], None, DataOptions(), tmp_path)
    mine = [pair for pair in data.pairs if pair.chunk_id == chunks[0].chunk_id]
    assert mine
    assert all(twin.chunk_id in pair.relevant for pair in mine)


def repeated(chunks: list[Chunk]) -> list[Chunk]:
    """The chunks, where each company prints one passage word for word in all of its filings."""
    text = "The plan of {} is funded as the law asks, and its assets are held in trust. " * 3
    return [
        replace(chunk, text=text.replace("{}", chunk.facts.company)) if _repeats(chunk) else chunk
        for chunk in chunks
    ]


def _repeats(chunk: Chunk) -> bool:
    return chunk.heading.endswith("Plant Closures")


def test_a_passage_of_several_filings_is_relevant_in_each_of_the_company(tmp_path: Path) -> None:
    chunks = repeated(filings())
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    data = build_pairs(chunks, None, DataOptions(max_questions=600), tmp_path)
    check_leakage(data.pairs, by_id)
    split_of = {pair.document: pair.split for pair in data.pairs}
    on_it = [pair for pair in data.pairs if _repeats(by_id[pair.chunk_id])]
    assert {pair.split for pair in on_it} == {"train", "validation", "test"}
    for pair in on_it:
        twins = {
            chunk.chunk_id
            for chunk in chunks
            if chunk.text == by_id[pair.chunk_id].text
            and chunk.facts.company == by_id[pair.chunk_id].facts.company
            and split_of[chunk.document] == pair.split
        }
        assert len(twins) == 2
        assert twins <= set(pair.relevant)


def test_a_passage_of_several_filings_is_trained_on_once(tmp_path: Path) -> None:
    chunks = repeated(filings())
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    data = build_pairs(chunks, None, DataOptions(max_questions=600), tmp_path)
    trained = [pair for pair in data.pairs if pair.split == "train"]
    on_it = [by_id[pair.chunk_id] for pair in trained if _repeats(by_id[pair.chunk_id])]
    assert on_it
    assert len({chunk.chunk_id for chunk in on_it}) == len({c.facts.company for c in on_it})
    texts = {pair.chunk_id: by_id[pair.chunk_id].text for pair in trained}
    assert len(set(texts.values())) == len(texts)
    assert data.dropped["passage printed twice"] > 0


@pytest.mark.parametrize("seed", range(4))
def test_what_a_test_question_asks_for_is_trained_on_in_no_filing(
    tmp_path: Path, seed: int
) -> None:
    chunks = repeated(filings(2, (2019, 2020, 2021, 2022, 2023)))
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    data = build_pairs(chunks, None, DataOptions(max_questions=600, seed=seed), tmp_path)
    check_leakage(data.pairs, by_id)
    texts = {
        split: {by_id[pair.chunk_id].text for pair in data.pairs if pair.split == split}
        for split in ("train", "validation", "test")
    }
    assert texts["train"].isdisjoint(texts["validation"] | texts["test"])
    assert texts["validation"].isdisjoint(texts["test"])
    documents = {pair.split: set[str]() for pair in data.pairs}
    for pair in data.pairs:
        documents[pair.split] |= {by_id[chunk].document for chunk in pair.relevant}
    assert documents["train"].isdisjoint(documents["validation"] | documents["test"])


def test_a_question_set_holds_one_split_with_gain_one(tmp_path: Path) -> None:
    data = build_pairs(filings(), None, DataOptions(max_questions=80), tmp_path)
    held_out = question_set(data.pairs, "test", "synthetic")
    pairs = {pair.question_id: pair for pair in data.pairs if pair.split == "test"}
    assert (held_out.name, held_out.split) == ("synthetic", "test")
    assert {question.question_id for question in held_out.questions} == set(pairs)
    for question in held_out.questions:
        pair = pairs[question.question_id]
        assert question.relevant == dict.fromkeys(pair.relevant, 1)
        assert question.metadata["company"] == pair.company
        assert question.metadata["kind"] == pair.kind


def test_documents_without_tables_or_headings_are_refused(tmp_path: Path) -> None:
    bare = [replace(chunk, heading="", cells=None) for chunk in filings()]
    with pytest.raises(DataError, match="no fit questions"):
        build_pairs(bare, None, DataOptions(), tmp_path)
