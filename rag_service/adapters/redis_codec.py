"""JSON of the values that are kept in Redis."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rag_service.core.errors import StoreError
from rag_service.core.types import (
    Chunk,
    Document,
    Experiment,
    FilingFacts,
    Impression,
    Release,
    ReleaseState,
    TableCells,
)


def dump_document(document: Document) -> str:
    return json.dumps(asdict(document))


def load_document(text: str | bytes) -> Document:
    try:
        raw = json.loads(text)
        return Document(**{**raw, "facts": FilingFacts(**raw["facts"])})
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable("document", error) from error


def dump_chunk(chunk: Chunk) -> str:
    return json.dumps(asdict(chunk))


def load_chunk(text: str | bytes) -> Chunk:
    try:
        raw = json.loads(text)
        raw["facts"] = FilingFacts(**raw["facts"])
        raw["cells"] = _cells(raw["cells"])
        raw["page_breaks"] = tuple((at, page) for at, page in raw.get("page_breaks", ()))
        return Chunk(**raw)
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable("chunk", error) from error


def dump_release(release: Release) -> str:
    """All but the state, which is kept apart: it alone changes with the pointer."""
    return json.dumps({k: v for k, v in asdict(release).items() if k != "state"})


def load_release(text: str | bytes, state: ReleaseState) -> Release:
    try:
        return Release(**json.loads(text), state=state)
    except (ValueError, TypeError) as error:
        raise _unreadable("release", error) from error


def dump_experiment(experiment: Experiment) -> str:
    return json.dumps(asdict(experiment))


def load_experiment(text: str | bytes) -> Experiment:
    try:
        return Experiment(**json.loads(text))
    except (ValueError, TypeError) as error:
        raise _unreadable("experiment", error) from error


def dump_impression(impression: Impression) -> str:
    return json.dumps(asdict(impression))


def load_impression(text: str | bytes) -> Impression:
    try:
        raw = json.loads(text)
        return Impression(**{**raw, "experiment": Experiment(**raw["experiment"])})
    except (ValueError, KeyError, TypeError) as error:
        raise _unreadable("record of a request", error) from error


def _cells(raw: dict[str, Any] | None) -> TableCells | None:
    if raw is None:
        return None
    return TableCells(
        title=raw["title"],
        unit=raw["unit"],
        columns=tuple(raw["columns"]),
        rows=tuple(tuple(row) for row in raw["rows"]),
        captions=tuple(raw.get("captions", ())),
    )


def _unreadable(what: str, error: Exception) -> StoreError:
    return StoreError(
        f"a {what} in Redis is not as this version of Ragloop writes it ({error}): use another "
        "RAGLOOP_NAMESPACE or home, and ingest again"
    )
