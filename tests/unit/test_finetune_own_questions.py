"""A user's own questions find their chunks, go to their documents' splits, and join the others."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from finetune.build import build_pairs
from finetune.options import DataOptions
from finetune.own_questions import OwnQuestion, load_questions, own_pairs, with_own
from finetune.split import SPLITS, assign_splits
from rag_service.core.errors import DataError
from rag_service.core.types import Chunk, Split
from tests.fakes.filings import filings

CHUNKS = filings()
SPLIT_OF = assign_splits(CHUNKS, 13)


def first(split: Split, kind: str = "prose") -> Chunk:
    return next(c for c in CHUNKS if SPLIT_OF[c.document] == split and c.kind == kind)


def test_chunk_ids_pages_and_passages_are_all_found() -> None:
    chunk = first("test")
    asked = [
        OwnQuestion("f row 2", "By id?", chunk_id=chunk.chunk_id),
        OwnQuestion("f row 3", "By page?", page=f"{chunk.document}#page={chunk.page_start}"),
        OwnQuestion("f row 4", "By text?", passage=f"  {chunk.text.upper()} "),
        OwnQuestion("f row 5", "By part?", passage=chunk.text.split(". ")[1] + "!"),
        OwnQuestion("f row 6", "By more?", passage=f"Before. {chunk.text}\n\nAnd behind."),
    ]
    pairs = own_pairs(asked, CHUNKS, SPLIT_OF)
    assert [pair.question for pair in pairs] == [one.question for one in asked]
    for pair in (pairs[0], pairs[1], pairs[2], pairs[4]):
        assert pair.chunk_id == chunk.chunk_id
        assert pair.relevant == (chunk.chunk_id,)
    for pair in pairs:
        assert pair.split == "test"
        assert pair.source == "own"
        assert chunk.chunk_id in pair.relevant


def test_the_answer_says_which_chunk_of_a_page_is_meant() -> None:
    table, prose = first("train", "table"), first("train")
    beside = replace(prose, chunk_id="beside", page_start=1, page_end=2)
    table = replace(table, page_start=1, page_end=1)
    answer = table.text.split("\n")[-1].split(" | ")[1]
    chunks = [beside, table]

    def ask(text: str, found: str = "") -> tuple[str, tuple[str, ...]]:
        asked = OwnQuestion("f row 2", text, found, page=f"{table.document}#page=1")
        [pair] = own_pairs([asked], chunks, SPLIT_OF)
        return pair.chunk_id, pair.relevant

    assert ask("How much was it?", answer) == (table.chunk_id, (table.chunk_id,))
    assert ask(f"What of {prose.heading}?") == ("beside", ("beside", table.chunk_id))


def test_a_passage_in_several_splits_is_never_trained_on() -> None:
    tested, trained = first("test"), first("train")
    twin = replace(trained, chunk_id="twin", text=tested.text, context=tested.context)
    [pair] = own_pairs(
        [OwnQuestion("f row 2", "Which?", passage=tested.text)], [twin, *CHUNKS], SPLIT_OF
    )
    assert (pair.split, pair.document) == ("test", tested.document)
    assert "twin" not in pair.relevant


def test_rows_that_match_nothing_are_named_together() -> None:
    chunk = CHUNKS[0]
    asked = [
        OwnQuestion("f row 2", "?", chunk_id="gone"),
        OwnQuestion("f row 3", "?", page="NONE.pdf#page=1"),
        OwnQuestion("f row 4", "?", page=f"{chunk.document}#page=999"),
        OwnQuestion("f row 5", "?", passage="words that nobody ever wrote into a filing"),
        OwnQuestion("f row 6", "?", chunk_id=chunk.chunk_id),
    ]
    with pytest.raises(DataError) as caught:
        own_pairs(asked, CHUNKS, SPLIT_OF)
    assert caught.value.message == (
        "f row 2: no chunk gone is stored; f row 3: no document NONE.pdf is ingested; "
        f"f row 4: no chunk of {chunk.document} stands on page 999; "
        "f row 5: no stored chunk holds this passage"
    )


def test_one_question_with_two_answers_is_one_question() -> None:
    one, two = [c for c in CHUNKS if c.document == CHUNKS[0].document][:2]
    rows = [OwnQuestion("f row 2", "What?", chunk_id=chunk.chunk_id) for chunk in (one, two)]
    [pair] = own_pairs(rows, CHUNKS, SPLIT_OF)
    assert pair.relevant == (one.chunk_id, two.chunk_id)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("answer,page\nx,A.pdf#page=1\n", r"has the columns answer, page; expected question \(or"),
        ("question,answer\nq,a\n", "chunk_id, page .* or passage, which say what answers"),
        ("question,page\nq,A.pdf p. 7\n", "row 2: page is 'A.pdf p. 7', expected FILE.pdf#page=N"),
        ("question,page\nq,A.pdf#page=0\n", "expected FILE.pdf#page=N"),
        ("question,page,chunk_id\nq,,\n", "row 2: chunk_id and page are empty"),
        ("question,page\n,A.pdf#page=1\n", "row 2: question is empty"),
        (f"question,page\nq,A.pdf#page={'9' * 5000}\n", "9999', expected FILE.pdf#page=N"),
        ("question,passage\nq,too few words\n", "row 2: passage has fewer than 5 words"),
    ],
)
def test_wrong_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "own.csv"
    path.write_text(content)
    with pytest.raises(DataError, match=message):
        load_questions(path)


def test_each_row_says_in_its_own_way_what_answers(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("Query,Chunk ID,page,answer\nq1,c1,,7\nq2,,A.pdf#page=3,\n")
    one, two = load_questions(path)
    assert (one.question, one.chunk_id, one.page, one.answer) == ("q1", "c1", "", "7")
    assert (two.question, two.chunk_id, two.page, two.answer) == ("q2", "", "A.pdf#page=3", "")


def test_a_question_longer_than_retrieval_takes_is_refused_by_its_row(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text(f"Query,chunk_id\n  1234567  ,{CHUNKS[0].chunk_id}\n12345678,c2\n")
    assert len(load_questions(path)) == len(load_questions(path, 8)) == 2
    with pytest.raises(DataError, match=r"row 3: query has 8 characters; at most 7 are taken"):
        load_questions(path, 7)
    options = DataOptions(60, questions_file=str(path), max_question_chars=7)
    with pytest.raises(DataError, match="row 3: query has 8 characters"):
        build_pairs(CHUNKS, None, options, tmp_path / "data")


def test_a_blank_cell_is_an_empty_one(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"question": "q", "chunk_id": " ", "page": "A.pdf#page=1", "answer": " "}')
    [asked] = load_questions(path)
    assert (asked.chunk_id, asked.page, asked.answer) == ("", "A.pdf#page=1", "")


def _questions(folder: Path, asked: Mapping[str, Chunk]) -> str:
    path = folder / "own.csv"
    rows = "".join(f"{text},{chunk.chunk_id}\n" for text, chunk in asked.items())
    path.write_text(f"question,chunk_id\n{rows}")
    return str(path)


def test_own_questions_are_added_to_the_generated_ones(tmp_path: Path) -> None:
    plain = build_pairs(CHUNKS, None, DataOptions(max_questions=60), tmp_path / "plain")
    taken = plain.pairs[0]
    chunk = next(c for c in CHUNKS if c.chunk_id == taken.chunk_id)
    file = _questions(tmp_path, {"What of it?": first("test"), taken.question: chunk})
    options = DataOptions(max_questions=60, questions_file=file)
    data = build_pairs(CHUNKS, None, options, tmp_path / "data")
    own = [pair for pair in data.pairs if pair.source == "own"]
    assert [pair.question for pair in own] == ["What of it?", taken.question]
    assert data.dropped["asked by the user"] == 1
    assert len(data.pairs) == len(plain.pairs) + 1


def test_own_questions_take_the_place_of_generated_ones(tmp_path: Path) -> None:
    asked = {f"Of {split}?": first(split) for split in SPLITS}
    options = DataOptions(60, questions_file=_questions(tmp_path, asked), only_own=True)
    data = build_pairs(CHUNKS, None, options, tmp_path / "all")
    assert [pair.question for pair in data.pairs] == list(asked)
    assert [pair.split for pair in data.pairs] == ["train", "validation", "test"]

    some = {"Trained?": first("train"), "Tested?": first("test")}
    options = replace(options, questions_file=_questions(tmp_path, some))
    data = build_pairs(CHUNKS, None, options, tmp_path / "some")
    by_split = {split: [p for p in data.pairs if p.split == split] for split in SPLIT_OF.values()}
    assert [pair.question for pair in by_split["train"]] == ["Trained?"]
    assert [pair.question for pair in by_split["test"]] == ["Tested?"]
    assert by_split["validation"]
    assert all(pair.source == "template" for pair in by_split["validation"])

    none = {"Tested?": first("test")}
    options = replace(options, questions_file=_questions(tmp_path, none))
    with pytest.raises(DataError, match="in the split train"):
        build_pairs(CHUNKS, None, options, tmp_path / "none")


def test_without_own_ones_nothing_is_dropped() -> None:
    generated = own_pairs(
        [OwnQuestion("f row 2", "Which?", chunk_id=CHUNKS[0].chunk_id)], CHUNKS, SPLIT_OF
    )
    assert with_own([], generated, only=False) == (generated, {})
