"""A file's bytes, once it is sure that they are what its name says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rag_service.core.errors import IngestError

SourceKind = Literal["pdf", "html", "text"]
KINDS: dict[str, SourceKind] = {".pdf": "pdf", ".htm": "html", ".html": "html", ".txt": "text"}
HEAD = 1024
TAIL = 4096
"""Bytes at the beginning and at the end that tell what a file is, and that it is whole."""


@dataclass(frozen=True, slots=True)
class Source:
    path: Path
    kind: SourceKind
    content: bytes


def load(path: Path, max_mb: int) -> Source:
    """Read a file.

    Raises:
        IngestError: ``missing``, ``unsupported``, ``empty``, ``too_large``, ``not_pdf``,
            ``broken``.
    """
    kind = kind_of(path.name)
    try:
        size = path.stat().st_size
        if size > max_mb * 1024 * 1024:
            raise IngestError(
                f"{size / 1024 / 1024:.0f} MB, more than the {max_mb} allowed: set "
                "RAGLOOP_MAX_FILE_MB higher",
                reason="too_large",
            )
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise IngestError("the file does not exist", reason="missing") from error
    except OSError as error:
        raise IngestError(f"the file cannot be read: {error}", reason="unreadable") from error
    if not content:
        raise IngestError("the file has 0 bytes: fetch or export it again", reason="empty")
    _check(kind, content)
    return Source(path, kind, content)


def kind_of(name: str) -> SourceKind:
    """What a file of this name must hold. Raises IngestError: ``unsupported``."""
    suffix = Path(name).suffix
    kind = KINDS.get(suffix.lower())
    if kind is None:
        raise IngestError(
            f"{suffix or 'a name without an ending'} is not read: give .pdf, .htm, .html or .txt",
            reason="unsupported",
        )
    return kind


def check_beginning(kind: SourceKind, beginning: bytes) -> None:
    """See that a file begins as one of its kind; ``TAIL`` bytes are enough to tell.

    Raises:
        IngestError: ``unsupported``, ``not_pdf``.
    """
    is_pdf = b"%PDF-" in beginning[:HEAD]
    if kind == "pdf":
        if not is_pdf:
            raise IngestError(
                "the content is not a PDF: rename the file after what it is", reason="not_pdf"
            )
        return
    wide = beginning.startswith((b"\xff\xfe", b"\xfe\xff"))
    if is_pdf or (b"\0" in beginning[:TAIL] and not wide):
        raise IngestError(
            "the content is not text: rename the file after what it is", reason="unsupported"
        )


def _check(kind: SourceKind, content: bytes) -> None:
    check_beginning(kind, content)
    if kind == "pdf":
        # A reader may recover the first pages of half a file; the rest would be lost unsaid.
        if b"%%EOF" not in content.rstrip(b"\0\r\n\t ")[-TAIL:]:
            raise IngestError(
                "the PDF is cut off before its end: fetch or export it again", reason="broken"
            )
    elif not content.strip():
        raise IngestError("the file has only white space", reason="no_text")
