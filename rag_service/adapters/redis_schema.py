"""What an index holds: its fields, an entry of it, and how filters and words look in a query."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
from redis.typing import EncodableT, FieldT
from redisvl.query.filter import FilterExpression, Num, Tag
from redisvl.schema import IndexSchema

from rag_service.adapters.redis_codec import dump_chunk
from rag_service.adapters.redis_keys import Keys
from rag_service.core.types import Chunk, Filters, IndexSpec, Vectors, VectorType

VECTOR = "vector"
CHUNK = "chunk"
"""JSON of the whole chunk, which is not indexed. (redisvl drops a field named ``payload``.)"""
MODEL = "model"
"""Fingerprint of the model that made the vector, which is not indexed either."""
TEXT_FIELDS = {"text": 1.0, "context": 1.0}

_STORED: Mapping[VectorType, str] = {"float32": "<f4", "float16": "<f2"}
_TAGS = ("chunk_id", "document_id", "document", "company", "form", "section", "kind")
_NUMBERS = ("fiscal_year", "page_start")
_SEPARATOR = "\x1f"
_NOT_IN_TAGS = re.compile(r"^[\s_]|\s$|[%`\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def index_schema(keys: Keys, spec: IndexSpec) -> IndexSchema:
    """Vectors by cosine distance, with tags, numbers and text beside them."""
    exact = {"separator": _SEPARATOR, "case_sensitive": True}
    vector: dict[str, Any] = {
        "algorithm": spec.algorithm,
        "datatype": spec.datatype,
        "distance_metric": "cosine",
        "dims": spec.dims,
    }
    if spec.algorithm == "hnsw":
        vector |= {
            "m": spec.m,
            "ef_construction": spec.ef_construction,
            "ef_runtime": spec.ef_runtime,
        }
    fields: list[dict[str, Any]] = [
        *({"name": name, "type": "tag", "attrs": exact} for name in _TAGS),
        *({"name": name, "type": "numeric"} for name in _NUMBERS),
        *({"name": name, "type": "text"} for name in TEXT_FIELDS),
        {"name": VECTOR, "type": "vector", "attrs": vector},
    ]
    # With stop words, a query of stop words alone would be an error.
    index = {
        "name": keys.physical(spec.name),
        "prefix": keys.entries(spec.name),
        "stopwords": [],
    }
    return IndexSchema.from_dict({"index": index, "fields": fields})


def entry(chunk: Chunk, vector: Vectors, spec: IndexSpec) -> Mapping[FieldT, EncodableT]:
    """The hash of one chunk; ``vector`` is ``(dims,)``, finite and not zero."""
    return {
        "chunk_id": chunk.chunk_id,
        "document_id": chunk.document_id,
        "document": _tag(chunk.document),
        "company": _tag(_folded(chunk.facts.company)),
        "form": _tag(_folded(chunk.facts.form)),
        "section": _tag(_folded(chunk.section)),
        "kind": chunk.kind,
        "fiscal_year": chunk.facts.fiscal_year,
        "page_start": chunk.page_start,
        "text": " ".join(words(chunk.text)),
        "context": " ".join(words(chunk.context)),
        CHUNK: dump_chunk(chunk),
        MODEL: spec.model,
        VECTOR: dump_vector(vector, spec.datatype),
    }


def dump_vector(vector: Vectors, datatype: VectorType) -> bytes:
    """The bytes of a vector ``(dims,)`` in an entry or a query.

    As float16 it gets length 1: its numbers then can neither overflow nor all vanish.
    """
    if datatype == "float16":
        vector = vector / np.linalg.norm(vector)
    return vector.astype(_STORED[datatype]).tobytes()


def load_vector(raw: bytes, datatype: VectorType) -> Vectors:
    """float32 ``(dims,)``."""
    return np.frombuffer(raw, dtype=_STORED[datatype]).astype(np.float32)


def filter_expression(filters: Filters) -> FilterExpression | None:
    """Exact matches, joined by and; whatever the case, but for documents."""
    tags = {
        "company": _folded(filters.company),
        "form": _folded(filters.form),
        "section": _folded(filters.section),
        "kind": _folded(filters.kind),
    }
    parts = [Tag(name) == _tag(value) for name, value in tags.items() if value]
    if filters.documents:
        parts.append(Tag("document") == [_tag(name) for name in filters.documents])
    if filters.fiscal_year:
        parts.append(Num("fiscal_year") == filters.fiscal_year)
    return reduce(and_, parts) if parts else None


def words(text: str) -> list[str]:
    """The words of a text as they are indexed and asked for: ``1,234`` is the word ``1234``.

    The engine splits at ASCII punctuation alone; what is left here has nothing to split or escape.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.findall(r"[^\W_]+", re.sub(r"(?<=\d),(?=\d{3})", "", plain))


def word_weights(terms: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The words of all ``terms``, in their order, each with the greatest of its weights."""
    weights: dict[str, float] = {}
    for text, weight in terms:
        for word in words(text):
            weights[word] = max(weight, weights.get(word, 0.0))
    return weights


def _folded(value: str) -> str:
    return " ".join(value.casefold().split())


def _tag(value: str) -> str:
    """``value`` without what the engine's query language cannot say, one to one."""
    return _NOT_IN_TAGS.sub(lambda match: f"%{ord(match[0]):02x}", value)
