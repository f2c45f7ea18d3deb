"""Content-addressed ids and clock strings."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path


def document_id(content: bytes) -> str:
    """16 hex digits of the SHA-256 of a file's bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def file_id(path: Path) -> str:
    """``document_id`` of a file's content, without holding all of it. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def chunk_id(document: str, text: str, context: str, page_start: int, occurrence: int) -> str:
    """``DOCUMENT.DIGEST`` from a chunk's content and place.

    ``occurrence`` counts equal passages on one page, so that twins get ids of their own and
    re-ingestion gives the same ones.
    """
    content = "\x00".join((text, context, str(page_start), str(occurrence)))
    return f"{document}.{hashlib.sha256(content.encode()).hexdigest()[:16]}"


def document_of(chunk: str) -> str:
    """The document id that a chunk id begins with."""
    return chunk.partition(".")[0]


def text_digest(text: str) -> str:
    """Digest of a passage with its white space folded: equal for text-identical passages."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def question_digest(text: str) -> str:
    """Digest of a question by its letters and digits: case, marks and white space do not count."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    # A point between digits stays: 1.5 is not 15.
    kept = re.sub(r"(?<!\d)\.|\.(?!\d)|[^\w.]|_", "", plain)
    return hashlib.sha256(kept.encode()).hexdigest()[:16]


def now() -> str:
    """UTC time to the second, ISO 8601."""
    return time_string(datetime.now(UTC))


def time_string(time: datetime) -> str:
    """A UTC time as `now` writes it: such strings sort as their times do."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
