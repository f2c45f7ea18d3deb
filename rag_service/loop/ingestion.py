"""Files into the live release, file by file: one that is refused does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ingest.read import Filing, ReadOptions, chunker, find_files, read_files
from rag_service.core.errors import ConfigError, IngestError
from rag_service.core.ids import document_id
from rag_service.core.protocols import (
    ChunkStore,
    Embedder,
    ModelRegistry,
    Progress,
    no_progress,
)
from rag_service.core.types import Document, Release
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.indexing.writer import DocumentWriter
from rag_service.loop.jobs import JobStore

Status = Literal["added", "unchanged", "replaced", "refused"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file; ``reason`` says why it was refused, or what was noticed."""

    path: str
    status: Status
    reason: str = ""
    message: str = ""
    document: Document | None = None

    def as_dict(self) -> dict[str, object]:
        document = self.document
        return {
            "path": self.path,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "document": document.name if document else Path(self.path).name,
            "document_id": document.document_id if document else "",
            "pages": document.pages if document else 0,
            "chunks": document.chunks if document else 0,
            "tables": document.tables if document else 0,
            "company": document.facts.company if document else "",
            "form": document.facts.form if document else "",
            "fiscal_year": document.facts.fiscal_year if document else 0,
        }


class Ingestion:
    """Reads, chunks, embeds and indexes; files that have not changed are skipped."""

    def __init__(
        self,
        chunks: ChunkStore,
        registry: ModelRegistry,
        indexer: ShadowIndexer,
        writer: DocumentWriter,
        options: ReadOptions,
        ensure_live: Callable[[], Release],
        jobs: JobStore,
    ) -> None:
        self._chunks = chunks
        self._registry = registry
        self._indexer = indexer
        self._writer = writer
        self._options = options
        self._ensure_live = ensure_live
        self._jobs = jobs

    def run(self, paths: Sequence[Path], progress: Progress = no_progress) -> list[Outcome]:
        """One outcome a file, in the order of the files.

        Raises NotFound for a missing path, ConfigError if the live model cannot read chunks of
        the wanted length, JobRunning if another process ingests.
        """
        files = find_files(paths)
        with self._jobs.writing():
            return self._ingest(files, progress)

    def remove(self, name: str) -> Document:
        """Take the document ingested as ``name`` out. Raises NotFound, JobRunning."""
        with self._jobs.writing():
            return self._writer.remove(name)

    def _ingest(self, files: Sequence[Path], progress: Progress) -> list[Outcome]:
        self._indexer.catch_up(self._ensure_live(), progress, writing=True)
        outcomes: dict[Path, Outcome] = {}
        fresh: list[Path] = []
        for path in files:
            known = self._unchanged(path)
            if known is None:
                fresh.append(path)
            else:
                outcomes[path] = Outcome(str(path), "unchanged", document=known)
        if fresh:
            count_tokens = self._live_embedder().count_tokens
            for done, (path, read) in enumerate(read_files(fresh, self._options, count_tokens), 1):
                outcomes[path] = self._store(path, read, progress)
                progress("ingest", done, len(fresh))
        return [outcomes[path] for path in files]

    def _unchanged(self, path: Path) -> Document | None:
        if not path.is_file() or path.stat().st_size > self._options.max_file_mb * 1_000_000:
            return None  # reading it gives the reason in its outcome
        try:
            known = self._chunks.get(document_id(path.read_bytes()))
        except OSError:
            return None  # likewise
        made_so = known is not None and known.chunker == chunker(self._options)
        return known if made_so else None

    def _live_embedder(self) -> Embedder:
        embedder = self._registry.load(self._ensure_live().model)
        if self._options.chunk_tokens > embedder.max_tokens:
            raise ConfigError(
                f"RAGLOOP_CHUNK_TOKENS={self._options.chunk_tokens}, and the live model reads "
                f"{embedder.max_tokens} tokens: set it to that or less"
            )
        return embedder

    def _store(self, path: Path, read: Filing | IngestError, progress: Progress) -> Outcome:
        if isinstance(read, IngestError):
            return Outcome(str(path), "refused", read.reason, read.message)
        existed = self._chunks.find(read.document.name) is not None
        self._writer.put(read.document, read.chunks, progress)
        return Outcome(
            str(path),
            "replaced" if existed else "added",
            message="; ".join(read.warnings),
            document=read.document,
        )
