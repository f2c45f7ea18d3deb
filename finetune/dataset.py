"""Training data on disk: ``pairs.jsonl``, ``pairs.csv`` and ``manifest.json`` in one folder."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from finetune.options import TrainingData
from rag_service.core.errors import DataError
from rag_service.core.files import write_atomically
from rag_service.core.types import Chunk, Pair

_PAIR = TypeAdapter(Pair)
_PAIRS, _TABLE, _MANIFEST = "pairs.jsonl", "pairs.csv", "manifest.json"


def save(
    pairs: Sequence[Pair], dropped: Mapping[str, int], folder: Path, *, seed: int
) -> TrainingData:
    """Write the pairs with their manifest; files appear whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = [asdict(pair) for pair in pairs]
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    table = io.StringIO()
    writer = csv.DictWriter(table, [f.name for f in fields(Pair)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | {"relevant": " ".join(row["relevant"])} for row in rows)
    manifest = {
        "fingerprint": fingerprint(pairs),
        "seed": seed,
        "pairs": len(pairs),
        "splits": Counter(pair.split for pair in pairs),
        "kinds": Counter(pair.kind for pair in pairs),
        "sources": Counter(pair.source for pair in pairs),
        "documents": {
            split: sorted({p.document for p in pairs if p.split == split})
            for split in sorted({p.split for p in pairs})
        },
        "dropped": dict(dropped),
    }
    write_atomically(folder / _TABLE, table.getvalue())
    write_atomically(folder / _PAIRS, lines)
    write_atomically(folder / _MANIFEST, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return TrainingData(tuple(pairs), dict(dropped), folder, fingerprint(pairs))


def load(folder: Path) -> TrainingData:
    """Read training data back.

    Raises:
        DataError: a file is missing, a row is wrong (named by its number), or the pairs are not
            those of the manifest.
    """
    source = folder / _PAIRS
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise DataError(f"{error.filename} is missing: build the training data first") from error
    except ValueError as error:
        raise DataError(f"{folder / _MANIFEST} is not JSON: {error}") from error
    pairs: list[Pair] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        pair = _pair(line, f"{source} row {number}")
        if (first := seen.setdefault(pair.question_id, number)) != number:
            raise DataError(
                f"{source} row {number}: question_id {pair.question_id} stands in row {first} too"
            )
        pairs.append(pair)
    if fingerprint(pairs) != manifest.get("fingerprint"):
        raise DataError(f"{source} is not what {_MANIFEST} describes: build the data again")
    return TrainingData(tuple(pairs), manifest.get("dropped", {}), folder, fingerprint(pairs))


def to_columns(
    pairs: Sequence[Pair],
    chunks: Mapping[str, Chunk],
    negatives: Mapping[str, Sequence[str]] | None = None,
) -> dict[str, list[str]]:
    """Columns ``anchor`` and ``positive``; with ``negatives`` also ``negative_1`` and so on.

    Texts are what the encoder sees in serving, without its prompts.

    Raises:
        DataError: a chunk is gone, or a question has not as many negatives as the others.
    """
    columns = {
        "anchor": [pair.question for pair in pairs],
        "positive": [text_of(pair.chunk_id, pair, chunks) for pair in pairs],
    }
    if negatives is None:
        return columns
    mined = [negatives.get(pair.question_id, ()) for pair in pairs]
    count = max(map(len, mined), default=0)
    for pair, found in zip(pairs, mined, strict=True):
        if not found or len(found) < count:
            raise DataError(
                f"question {pair.question_id} has {len(found) or 'no'} hard negative: "
                "mine them again"
            )
    for place in range(count):
        columns[f"negative_{place + 1}"] = [
            text_of(found[place], pair, chunks) for pair, found in zip(pairs, mined, strict=True)
        ]
    return columns


def to_triplets(columns: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The same with one row for each negative, in the columns anchor, positive and negative."""
    negatives = [texts for name, texts in columns.items() if name.startswith("negative")]
    return {
        "anchor": [text for _ in negatives for text in columns["anchor"]],
        "positive": [text for _ in negatives for text in columns["positive"]],
        "negative": [text for texts in negatives for text in texts],
    }


def fingerprint(pairs: Sequence[Pair]) -> str:
    """Digest of the pairs, whatever their order."""
    rows = sorted(json.dumps(asdict(pair), sort_keys=True) for pair in pairs)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()[:16]


def _pair(line: str, place: str) -> Pair:
    try:
        pair = _PAIR.validate_json(line)
    except ValidationError as error:
        wrong = error.errors()[0]
        field = ".".join(str(part) for part in wrong["loc"]) or "row"
        raise DataError(f"{place}: {field}: {wrong['msg']}") from error
    for name in ("question_id", "question", "chunk_id", "document"):
        if not getattr(pair, name).strip():
            raise DataError(f"{place}: {name} is empty")
    if pair.chunk_id not in pair.relevant:
        raise DataError(f"{place}: relevant lacks the pair's own chunk {pair.chunk_id}")
    return pair


def text_of(chunk_id: str, pair: Pair, chunks: Mapping[str, Chunk]) -> str:
    """What the encoder sees of a chunk that ``pair`` names. Raises DataError if it is gone."""
    if chunk_id not in chunks:
        raise DataError(
            f"question {pair.question_id}: chunk {chunk_id} is not stored any more; "
            "build the training data again"
        )
    return chunks[chunk_id].embedded_text
