"""Files into the live release, file by file: one that is refused does not stop the others."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ingest.names import conflicts
from ingest.read import Filing, ReadOptions, chunker, find_files, read_files
from rag_service.core.errors import ConfigError, IngestError
from rag_service.core.ids import file_id
from rag_service.core.protocols import (
    ChunkStore,
    ModelRegistry,
    Progress,
    no_progress,
)
from rag_service.core.types import Document, Release
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.indexing.writer import DocumentWriter, Encoded
from rag_service.loop.jobs import JobStore
from rag_service.loop.kept_filings import KeptFilings

Status = Literal["added", "unchanged", "replaced", "refused"]
Read = tuple[Filing | IngestError, Encoded | None]
"""What stands in a file, with its vectors where they are at hand already."""
Reading = Callable[[Sequence[Path], ReadOptions, str], Generator[Read, None, None]]
"""Reads files in their order, for the model of a fingerprint."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    ``reason`` is the short name of why it was refused; ``message`` says that, or what is to be
    known of it, its ``warnings`` among it.
    """

    path: str
    status: Status
    reason: str = ""
    message: str = ""
    document: Document | None = None
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        document = self.document
        return {
            "path": self.path,
            "status": self.status,
            "reason": self.reason,
            "message": self.message,
            "warnings": list(self.warnings),
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
    """Reads, chunks, embeds and indexes; files that have not changed are skipped.

    ``keep_up`` brings what else is served than the live release up to date, after every change.
    Files are read by processes on this machine, unless ``reading`` has them read elsewhere.
    """

    def __init__(
        self,
        chunks: ChunkStore,
        registry: ModelRegistry,
        indexer: ShadowIndexer,
        writer: DocumentWriter,
        options: ReadOptions,
        ensure_live: Callable[[], Release],
        jobs: JobStore,
        kept: KeptFilings,
        keep_up: Callable[[Progress], None] = lambda progress: None,
        reading: Reading | None = None,
    ) -> None:
        self._chunks = chunks
        self._registry = registry
        self._indexer = indexer
        self._writer = writer
        self._options = options
        self._ensure_live = ensure_live
        self._jobs = jobs
        self._kept = kept
        self._keep_up = keep_up
        self._reading = reading or self._reading_here

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
        with self._jobs.writing(), self._jobs.changing():
            if document := self._chunks.find(name):
                # First, for nobody finds a copy whose document is gone.
                self._kept.discard(document)
            removed = self._writer.remove(name)
            self._keep_up(no_progress)
            return removed

    def _ingest(self, files: Sequence[Path], progress: Progress) -> list[Outcome]:
        self._kept.sweep(self._chunks.get)
        with self._jobs.changing():
            self._indexer.catch_up(self._ensure_live(), progress, writing=True)
            self._keep_up(progress)
        known = self._known(files)
        fresh = [path for path in files if path not in known]
        taken = _Taken()
        outcomes: list[Outcome] = []
        done = 0
        with closing(self._read(fresh)) as reads:
            for path in files:
                if path in known:
                    outcome = taken.twin(path, known[path]) or self._unchanged(path, known[path])
                else:
                    progress("ingest", done, len(fresh))
                    outcome = self._store(path, next(reads), taken, progress)
                    done += 1
                taken.add(path, outcome)
                outcomes.append(outcome)
        if fresh:
            progress("ingest", done, len(fresh))
        return outcomes

    def _known(self, files: Sequence[Path]) -> dict[Path, Document]:
        """The documents of files whose bytes would be read and cut as they were before."""
        ids = {path: self._id(path) for path in files}
        by_name: dict[str, set[str]] = {}
        for path, digest in ids.items():
            by_name.setdefault(path.name, set()).add(digest)
        known: dict[Path, Document] = {}
        for path, digest in ids.items():
            document = self._chunks.get(digest) if digest else None
            if document is None or document.chunker != chunker(self._options):
                continue
            # A file that was renamed is a document of its own where another one has its old name.
            if document.name == path.name or not by_name.get(document.name, set()) - {digest}:
                known[path] = document
        return known

    def _id(self, path: Path) -> str:
        """The document id of its bytes; ``""`` where only reading it says what is wrong."""
        try:
            wanted = path.is_file() and path.stat().st_size <= self._options.max_file_mb * 2**20
            return file_id(path) if wanted else ""
        except OSError:
            return ""

    def _read(self, paths: Sequence[Path]) -> Generator[Read, None, None]:
        """What stands in each file."""
        if not paths:
            return
        model = self._ensure_live().model
        reads = self._registry.get(model).max_tokens
        if self._options.chunk_tokens > reads:
            raise ConfigError(
                f"RAGLOOP_CHUNK_TOKENS={self._options.chunk_tokens}, and the live model reads "
                f"{reads} tokens: set it to that or less"
            )

        with closing(self._reading(paths, self._options, model)) as found:
            yield from found

    def _reading_here(
        self, paths: Sequence[Path], options: ReadOptions, model: str
    ) -> Generator[Read, None, None]:
        """The encoder is loaded when the first file has been parsed."""

        def count_tokens(texts: Sequence[str]) -> list[int]:
            return self._registry.load(model).count_tokens(texts)

        with closing(read_files(paths, options, count_tokens)) as outcomes:
            for _, outcome in outcomes:
                yield outcome, None

    def _store(self, path: Path, read: Read, taken: _Taken, progress: Progress) -> Outcome:
        filing, encoded = read
        if isinstance(filing, IngestError):
            return Outcome(str(path), "refused", filing.reason, filing.message)
        if twin := taken.twin(path, filing.document):
            return twin
        with self._jobs.changing():
            return self._write(path, filing, encoded, progress)

    def _write(
        self, path: Path, read: Filing, encoded: Encoded | None, progress: Progress
    ) -> Outcome:
        document = read.document
        former = [self._chunks.find(document.name), self._chunks.get(document.document_id)]
        for old in filter(None, former):
            self._kept.leaving(old)
        self._writer.put(document, read.chunks, progress, encoded)
        outcome = self._keep(
            Outcome(
                str(path),
                "replaced" if any(former) else "added",
                message="; ".join(read.warnings),
                document=document,
                warnings=read.warnings,
            ),
            document,
        )
        for old in filter(None, former):
            self._kept.discard(old, unless=document)
        self._keep_up(progress)
        return outcome

    def _unchanged(self, path: Path, known: Document) -> Outcome:
        warnings = tuple(conflicts(known.facts, path.name))
        renamed = f"its bytes are ingested as {known.name}"
        notes = (renamed, *warnings) if known.name != path.name else warnings
        outcome = Outcome(
            str(path), "unchanged", message="; ".join(notes), document=known, warnings=warnings
        )
        return self._keep(outcome, known)

    def _keep(self, outcome: Outcome, document: Document) -> Outcome:
        """The outcome, once a copy of the file is kept; a copy that cannot be is warned of."""
        try:
            self._kept.keep(document, Path(outcome.path))
        except IngestError as error:
            return replace(
                outcome,
                message="; ".join(filter(None, (outcome.message, error.message))),
                warnings=(*outcome.warnings, error.message),
            )
        return outcome


class _Taken:
    """The documents of one run: a second file of the same name or bytes finds its place taken."""

    def __init__(self) -> None:
        self._by_id: dict[str, tuple[Path, Document]] = {}
        self._by_name: dict[str, Path] = {}

    def add(self, path: Path, outcome: Outcome) -> None:
        if outcome.document is not None:
            self._by_id.setdefault(outcome.document.document_id, (path, outcome.document))
            self._by_name.setdefault(outcome.document.name, path)

    def twin(self, path: Path, document: Document) -> Outcome | None:
        """What becomes of a file whose place is taken."""
        if document.document_id in self._by_id:
            first, kept = self._by_id[document.document_id]
            message = f"the same bytes as {first}, which is ingested as {kept.name}"
            return Outcome(str(path), "unchanged", message=message, document=kept)
        if document.name in self._by_name:
            message = (
                f"{self._by_name[document.name]} has the same name and other bytes, and a name "
                "stands for one document: rename one of the two, or ingest one of them alone"
            )
            return Outcome(str(path), "refused", "same_name", message)
        return None
