"""A user's training texts: every format is read, and what is wrong is named."""

import json
from pathlib import Path
from random import Random

import pytest

from finetune.formats import FORMATS, TextData, load_texts
from rag_service.core.errors import ConfigError, DataError

_ROWS: dict[str, list[dict[str, object]]] = {
    "pairs": [
        {"question": "What, then?", "passage": 'He said "so".\nThen left.', "note": "x"},
        {"question": "And who?", "passage": "Nobody at all.", "note": ""},
    ],
    "triplets": [
        {"anchor": "a1", "positive": "p1", "hard-negative": "n1"},
        {"anchor": "a2", "positive": "p2", "hard-negative": "n2"},
    ],
    "scored": [
        {"sentence1": "a1", "sentence2": "b1", "similarity": 0.25},
        {"sentence1": "a2", "sentence2": "b2", "similarity": 1},
    ],
    "labelled": [
        {"text": "t1", "class": "north"},
        {"text": "t2", "class": "coast"},
        {"text": "t3", "class": "north"},
        {"text": "t4", "class": "coast"},
    ],
}
_COLUMNS = {
    "pairs": {
        "anchor": ("What, then?", "And who?"),
        "positive": ('He said "so".\nThen left.', "Nobody at all."),
    },
    "triplets": {"anchor": ("a1", "a2"), "positive": ("p1", "p2"), "negative": ("n1", "n2")},
    "scored": {"a": ("a1", "a2"), "b": ("b1", "b2"), "score": (0.25, 1.0)},
    "labelled": {"text": ("t1", "t2", "t3", "t4"), "label": (1, 0, 1, 0)},
}


def _write(folder: Path, rows: list[dict[str, object]], suffix: str) -> Path:
    path = folder / f"texts{suffix}"
    if suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return path
    separator = "\t" if suffix == ".tsv" else ","
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    quoted = [['"' + cell.replace('"', '""') + '"' for cell in row] for row in cells]
    # As spreadsheets write it: with a byte order mark and the line ends of Windows.
    text = "".join(separator.join(row) + "\r\n" for row in quoted)
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    return path


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize("data_format", FORMATS)
def test_every_format_is_read_from_every_kind_of_file(
    tmp_path: Path, data_format: str, suffix: str
) -> None:
    data = load_texts(_write(tmp_path, _ROWS[data_format], suffix), data_format)
    assert data.format == data_format
    assert data.columns == _COLUMNS[data_format]
    assert data.places[0].endswith(f"texts{suffix} row {1 if suffix == '.jsonl' else 2}")


@pytest.mark.parametrize(
    ("data_format", "row", "message"),
    [
        ("pairs", {"question": " ", "passage": "p"}, "row 3: question is empty"),
        ("pairs", {"question": "q", "passage": None}, "row 3: passage is empty"),
        ("pairs", {"question": "q"}, "row 3: passage is empty"),
        ("pairs", {"question": "q", "passage": 7}, "row 3: passage is no text: 7"),
        ("triplets", {"anchor": "a", "positive": "p", "hard-negative": ""}, "row 3: hard_negative"),
        ("scored", {"sentence1": "a", "sentence2": "b", "similarity": 1.5}, "row 3: similarity"),
        ("scored", {"sentence1": "a", "sentence2": "b", "similarity": "nan"}, "from 0 to 1"),
        ("scored", {"sentence1": "a", "sentence2": "b", "similarity": True}, "from 0 to 1"),
        ("scored", {"sentence1": "a", "sentence2": "b", "similarity": 10**400}, "row 3: .*00, exp"),
        ("labelled", {"text": "t", "class": []}, "row 5: class is no text"),
    ],
)
def test_a_wrong_row_is_named(
    tmp_path: Path, data_format: str, row: dict[str, object], message: str
) -> None:
    path = _write(tmp_path, [*_ROWS[data_format], row], ".jsonl")
    with pytest.raises(DataError, match=message):
        load_texts(path, data_format)


def test_wrong_columns_are_told_with_those_that_were_expected(tmp_path: Path) -> None:
    path = _write(tmp_path, _ROWS["labelled"], ".csv")
    with pytest.raises(DataError) as caught:
        load_texts(path, "triplets")
    assert "has the columns text, class" in caught.value.message
    assert "expected anchor (or question, query), positive (or" in caught.value.message
    assert "negative (or hard_negative)" in caught.value.message
    assert "they fit --format labelled" in caught.value.message
    with pytest.raises(ConfigError, match="choose pairs, triplets, scored, labelled"):
        load_texts(path, "quartets")


def test_labels_must_allow_triplets(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"text": f"t{n}", "label": n} for n in (1, 1, 2, 3)]
    with pytest.raises(DataError, match=r"at least 2 labels with 2 texts each; found 1 \(2\)"):
        load_texts(_write(tmp_path, rows, ".jsonl"), "labelled")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"question,passage\nq,p,x\n", "row 2 has 3 cells, the header 2"),
        ("a.csv", b'question,passage\nq,"p\n', "row 2 is no CSV"),
        ("a.csv", b"question,question\nq,p\n", "two columns have the same name"),
        ("a.csv", b"question,passage\n", "holds no rows"),
        ("a.csv", b"question,passage\nq,\xff\n", "is not UTF-8"),
        ("a.jsonl", b'{"question": "q", "passage": "p"}\n{"question"\n', "row 2 is no JSON"),
        ("a.jsonl", b"[1]\n", "row 1 is no JSON object"),
        ("a.xlsx", b"", "name it .csv, .tsv or .jsonl"),
        ("a.csv", b"", "holds no rows: below the header, write one"),
        ("a.jsonl", b"\n", "holds no rows: write one"),
        ("a.jsonl", b"{}", "has the columns none; expected anchor"),
        ("a.jsonl", b'{"question": "q", "Question": "q"}', "row 1: two columns have the same name"),
        ("a.jsonl", b'{"x": ' + b"[" * 9**5 + b"}", "row 1 is nested too deeply: write one flat"),
        ("a.jsonl", b'{"question": ' + b"[" * 400 + b"]" * 400 + b', "passage": ""}', r"\.\.\.\]"),
        ("a.jsonl", b'{"question": "\\ud800", "passage": "p"}', r"row 1 holds '\\ud800', which"),
        ("a.jsonl", b'{"question": "q", "\\udfff": "p"}', r"row 1 holds '\\udfff', which"),
        ("a.csv", b"question,passage\nq,\0p\n", r"row 2 holds '\\x00', which is no text"),
        ("a.csv", b"question,passage\nq,p" + b"p" * 2**17, "row 2 is no CSV: field larger"),
        ("a.csv", b"question,passage\nq,\xed\xa0\x80\n", "line 2 is not UTF-8 .* save the file as"),
        ("a.csv", "question,passage\nq,p\n".encode("utf-16"), "line 1 is not UTF-8"),
        ("a.csv", "question,passage\nq,p\n".encode("utf-16-le"), "save the file as UTF-8"),
        ("a.csv", b",".join(b"c%d" % n for n in range(999)) + b"\n" + b"x," * 998, "and 979 more;"),
    ],
)
def test_files_that_are_none_are_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_texts(tmp_path / name, "pairs")
    with pytest.raises(DataError, match="does not exist"):
        load_texts(tmp_path / "nowhere.csv", "pairs")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    for folder in (tmp_path, tmp_path / "a.csv"):
        with pytest.raises(DataError, match="is a folder: name one file in it"):
            load_texts(folder, "pairs")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "\ufeffquestion,passage\r\nq1,p1\nq2,p2\rq3,p3"),
        ("a.tsv", "question\tpassage\rq1\tp1\r\r\nq2\tp2\n\nq3\tp3\n"),
        (
            "a.jsonl",
            '\ufeff{"question": "q1", "passage": "p1"}\r{"question": "q2", "passage": "p2"}\r\n\n'
            '{"question": " q3 ", "passage": "p3"}',
        ),
    ],
)
def test_rows_may_end_in_any_way(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_bytes(content.encode())
    columns = load_texts(tmp_path / name, "pairs").columns
    assert columns == {"anchor": ("q1", "q2", "q3"), "positive": ("p1", "p2", "p3")}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl"])
@pytest.mark.parametrize("data_format", FORMATS)
def test_a_damaged_file_is_read_or_refused_in_words(
    tmp_path: Path, data_format: str, suffix: str
) -> None:
    path = _write(tmp_path, _ROWS[data_format], suffix)
    whole, random = path.read_bytes(), Random(7)
    harm = (
        b"\0",
        b"\r",
        b"\n",
        b'"',
        b"\\",
        b"\\ud800",
        b"\xff",
        b"[[[",
        b"{",
        b"1e999",
        b"NaN",
        b"",
    )
    refused: list[str] = []
    for _ in range(300):
        start = random.randrange(len(whole))
        end = start + random.choice((0, 1, 1, 9))
        path.write_bytes(whole[:start] + random.choice(harm) + whole[end:])
        try:
            load_texts(path, data_format).fingerprint()
        except DataError as error:
            refused.append(error.message)
    assert 0 < len(refused) < 300
    for message in refused:
        assert message.startswith(str(path))
        assert len(message.encode()) < 600


def test_the_fingerprint_follows_the_rows() -> None:
    one = TextData("pairs", {"anchor": ("a",), "positive": ("p",)}, ("x row 1",))
    moved = TextData("pairs", {"anchor": ("a",), "positive": ("p",)}, ("y row 9",))
    other = TextData("pairs", {"anchor": ("a",), "positive": ("q",)}, ("x row 1",))
    assert one.fingerprint() == moved.fingerprint() != other.fingerprint()
