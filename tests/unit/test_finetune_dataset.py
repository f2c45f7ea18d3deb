"""Training data on disk: what is saved is what is loaded, and wrong rows are named."""

import csv
import json
from pathlib import Path

import pytest

from finetune.build import build_pairs
from finetune.dataset import fingerprint, load, save, to_columns, to_triplets
from finetune.options import DataOptions, TrainingData
from rag_service.core.errors import DataError
from tests.fakes.filings import filings


@pytest.fixture
def data(tmp_path: Path) -> TrainingData:
    return build_pairs(filings(4), None, DataOptions(max_questions=60), tmp_path / "data")


def test_pairs_come_back_as_they_were(data: TrainingData) -> None:
    assert load(data.folder) == data


def test_the_table_and_the_manifest_describe_the_pairs(data: TrainingData) -> None:
    with (data.folder / "pairs.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["question"] for row in rows] == [pair.question for pair in data.pairs]
    assert rows[0]["chunk_id"] in rows[0]["relevant"].split()
    manifest = json.loads((data.folder / "manifest.json").read_text())
    assert manifest["fingerprint"] == data.fingerprint == fingerprint(data.pairs)
    assert manifest["pairs"] == sum(manifest["splits"].values()) == len(data.pairs)
    assert manifest["seed"] == 13
    named = [document for names in manifest["documents"].values() for document in names]
    assert len(named) == len(set(named)) == 8


def test_the_fingerprint_follows_the_content_and_not_the_order(
    data: TrainingData, tmp_path: Path
) -> None:
    assert fingerprint(data.pairs[::-1]) == data.fingerprint
    assert save(data.pairs[1:], {}, tmp_path, seed=1).fingerprint != data.fingerprint


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("split", "dev", "row 3: split"),
        ("question", " ", "row 3: question is empty"),
        ("chunk_id", "gone", "row 3: relevant lacks"),
        ("relevant", 7, "row 3: relevant"),
    ],
)
def test_a_wrong_row_is_named(data: TrainingData, field: str, value: object, message: str) -> None:
    source = data.folder / "pairs.jsonl"
    lines = source.read_text().splitlines()
    lines[2] = json.dumps(json.loads(lines[2]) | {field: value})
    source.write_text("\n".join(lines))
    with pytest.raises(DataError, match=message):
        load(data.folder)


def test_broken_missing_repeated_and_foreign_rows_are_refused(data: TrainingData) -> None:
    source = data.folder / "pairs.jsonl"
    lines = source.read_text().splitlines()
    source.write_text("\n".join([*lines, "{half"]))
    with pytest.raises(DataError, match=f"row {len(lines) + 1}"):
        load(data.folder)
    source.write_text("\n".join([*lines, lines[0]]))
    with pytest.raises(DataError, match="stands in row 1 too"):
        load(data.folder)
    source.write_text("\n".join(lines[1:]))
    with pytest.raises(DataError, match=r"not what manifest\.json describes"):
        load(data.folder)
    source.unlink()
    with pytest.raises(DataError, match="is missing"):
        load(data.folder)


def test_the_trainer_sees_what_the_encoder_serves(data: TrainingData) -> None:
    chunks = {chunk.chunk_id: chunk for chunk in filings(4)}
    pairs = data.pairs[:5]
    columns = to_columns(pairs, chunks)
    assert list(columns) == ["anchor", "positive"]
    assert columns["positive"][0] == chunks[pairs[0].chunk_id].embedded_text
    one, two = list(chunks)[:2]
    columns = to_columns(pairs, chunks, {pair.question_id: (one, two) for pair in pairs})
    assert list(columns) == ["anchor", "positive", "negative_1", "negative_2"]
    assert columns["negative_2"] == [chunks[two].embedded_text] * len(pairs)
    with pytest.raises(DataError, match="no hard negative"):
        to_columns(pairs, chunks, {pairs[0].question_id: (one,)})
    with pytest.raises(DataError, match="1 hard negative"):
        to_columns(pairs, chunks, {p.question_id: (one, two)[: 1 + n] for n, p in enumerate(pairs)})
    with pytest.raises(DataError, match="not stored any more"):
        to_columns(pairs, {})


def test_triplets_have_a_row_for_each_negative() -> None:
    columns = {"anchor": ["a", "b"], "positive": ["p", "q"]}
    negatives = {"negative_1": ["n", "m"], "negative_2": ["x", "y"]}
    assert to_triplets(columns | negatives) == {
        "anchor": ["a", "b", "a", "b"],
        "positive": ["p", "q", "p", "q"],
        "negative": ["n", "m", "x", "y"],
    }
