"""Ingestion: files to chunks."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ingest.chunks import make_chunks
from ingest.options import ReadOptions
from ingest.outline import Passage
from ingest.parse import Parsed, parse_file
from ingest.source import KINDS
from ingest.workers import Workers, parse_files
from rag_service.core.errors import IngestError, NotFound
from rag_service.core.ids import now
from rag_service.core.types import Chunk, Document

__all__ = ["Filing", "ReadOptions", "Reader", "chunker", "find_files", "read_file", "read_files"]

CHUNKER = "4"
"""Version of the parsing and chunking rules: raised whenever the same file gives other chunks."""

CountTokens = Callable[[Sequence[str]], list[int]]


@dataclass(frozen=True, slots=True)
class Filing:
    """One file, read."""

    path: Path
    document: Document
    chunks: tuple[Chunk, ...]
    warnings: tuple[str, ...] = ()
    passages: tuple[Passage, ...] = ()
    """Headings, prose and whole tables, as the chunks were cut from them."""


def find_files(paths: Sequence[Path]) -> list[Path]:
    """The files to read: those named, and in folders all that can be read, sorted.

    Raises:
        NotFound: a path does not exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            inside = (p for p in path.rglob("*") if p.suffix.lower() in KINDS and p.is_file())
            found.update(dict.fromkeys(sorted(inside)))
        elif path.exists():
            found[path] = None
        else:
            raise NotFound(f"{path} does not exist")
    return list(found)


def read_file(path: Path, options: ReadOptions, count_tokens: CountTokens) -> Filing:
    """Read one file in this process, without limits on time and memory.

    Raises:
        IngestError: the file is refused; ``reason`` names why.
        ConfigError: the strategy needs something that is not installed.
    """
    return _filing(parse_file(path, options), options, count_tokens)


def chunker(options: ReadOptions) -> str:
    """Version of the rules and of the options that make chunks, kept with each document."""
    return f"{CHUNKER}/{options.strategy}/{options.chunk_tokens}"


def read_files(
    paths: Sequence[Path], options: ReadOptions, count_tokens: CountTokens
) -> Generator[tuple[Path, Filing | IngestError], None, None]:
    """Read files in worker processes, in the order of ``paths``; one bad file stops no other.

    ``count_tokens`` is called in this process alone.

    Raises:
        ConfigError: the strategy needs something that is not installed.
    """
    for path, outcome in parse_files(paths, options):
        if isinstance(outcome, Parsed):
            yield path, _filing(outcome, options, count_tokens)
        else:
            yield path, outcome


class Reader:
    """Reads the content of one file after the other, in a process that is kept for the next."""

    def __init__(self, options: ReadOptions, count_tokens: CountTokens) -> None:
        self._options = options
        self._count_tokens = count_tokens
        self._workers = Workers(options)

    def read(self, path: Path, content: bytes) -> Filing | IngestError:
        """What `read_files` gives of a file, which need not be on this machine.

        Raises:
            ConfigError: the strategy needs something that is not installed.
        """
        with TemporaryDirectory(prefix="ragloop-read-") as folder:
            copy = Path(folder) / path.name
            copy.write_bytes(content)
            outcome = self._workers.read(copy)
        if isinstance(outcome, Parsed):
            return _filing(replace(outcome, path=path), self._options, self._count_tokens)
        return outcome

    def close(self) -> None:
        self._workers.stop()
        self._workers.reap()


def _filing(parsed: Parsed, options: ReadOptions, count_tokens: CountTokens) -> Filing:
    chunks = make_chunks(parsed, options.chunk_tokens, count_tokens)
    document = Document(
        document_id=parsed.document_id,
        name=parsed.path.name,
        facts=parsed.facts,
        pages=parsed.pages,
        chunks=len(chunks),
        tables=sum(passage.kind == "table" for passage in parsed.passages),
        ingested_at=now(),
        chunker=chunker(options),
    )
    return Filing(parsed.path, document, chunks, parsed.warnings, parsed.passages)
