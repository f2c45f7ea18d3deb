"""The seams. Each has a real adapter, a fake, and one conformance test that runs on both.

Embedding and Redis are synchronous (called through a thread where the service needs it);
only generation is async.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from rag_service.core.types import (
    Chunk,
    Document,
    Filters,
    Hit,
    IndexSpec,
    ModelCard,
    Release,
    ReleaseState,
    Vectors,
)

Progress = Callable[[str, int, int], None]
"""Called with (step, done, total); total is 0 while it is not known.

A step is over with ``done == total``, which one that stops early says too.
"""


def no_progress(step: str, done: int, total: int) -> None:
    """A progress callback that reports nothing."""


class Embedder(Protocol):
    """An encoder whose vectors are those of one model fingerprint."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def dims(self) -> int: ...

    @property
    def max_tokens(self) -> int:
        """Longest input, in tokens of its own tokenizer, that is not cut off."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included."""
        ...

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """float32 ``(n, dims)``, L2-normalised, with the model's query instruction."""
        ...

    def embed_documents(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Vectors:
        """float32 ``(n, dims)``, L2-normalised; ``on_done`` is told how many more are done."""
        ...


class VectorStore(Protocol):
    """Vectors of chunks under physical index names; an alias is refused everywhere."""

    def create(self, spec: IndexSpec) -> None:
        """Make an empty index. Raises StoreError if the name was ever used."""
        ...

    def write(
        self, index: str, chunks: Sequence[Chunk], vectors: Vectors, remove: Collection[str] = ()
    ) -> None:
        """Add ``chunks`` with ``vectors`` ``(n, dims)`` and take ``remove`` out, in one step.

        Writing an id again replaces it. Raises IndexMissing, StoreError on a wrong shape.
        """
        ...

    def search(self, index: str, vector: Vectors, k: int, filters: Filters) -> list[Hit]:
        """The ``k`` nearest by cosine to ``vector`` ``(dims,)``: score descending, ties by id."""
        ...

    def search_text(self, index: str, query: str, k: int, filters: Filters) -> list[Hit]:
        """The ``k`` best by BM25 over text and context; any characters are allowed in ``query``."""
        ...

    def ids(self, index: str) -> set[str]:
        """Chunk ids that are written."""
        ...

    def vectors(self, index: str, chunk_ids: Sequence[str]) -> Vectors:
        """float32 ``(n, dims)`` as written, in the order of ``chunk_ids``.

        Raises IndexMissing, StoreError naming an id that is not written.
        """
        ...

    def documents(self, index: str, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Name of the document of each of these chunks, as written; absent ones are left out."""
        ...

    def count(self, index: str) -> int:
        """Chunks that the engine has indexed and can find."""
        ...

    def model(self, index: str) -> str:
        """Fingerprint of the model whose vectors it holds. Raises IndexMissing."""
        ...

    def drop(self, index: str) -> None:
        """Delete an index and its entries. Refuses an alias and an index that an alias names."""
        ...


class ChunkStore(Protocol):
    """The source of truth for reindexing and training. Every change raises ``revision``."""

    def revision(self) -> int: ...

    def documents(self) -> list[Document]:
        """All, ordered by name."""
        ...

    def find(self, name: str) -> Document | None:
        """The document ingested under this file name."""
        ...

    def get(self, document_id: str) -> Document | None: ...

    def replace(self, document: Document, chunks: Sequence[Chunk], live: str | None) -> None:
        """Store a document with its chunks, in place of the one of the same name, in one step.

        Raises ReleaseConflict if the live release is no longer ``live``; nothing is stored then.
        """
        ...

    def remove(self, document_id: str, live: str | None) -> None:
        """Forget a document and its chunks. Raises NotFound, ReleaseConflict."""
        ...

    def chunk_ids(self) -> set[str]: ...

    def chunks(self, document_ids: Iterable[str] | None = None) -> Iterator[Chunk]:
        """Chunks in order of document name and position; all documents' by default."""
        ...

    def load(self, chunk_ids: Sequence[str]) -> list[Chunk]:
        """The chunks of these ids, in this order; ids that are gone are left out."""
        ...


class ReleaseStore(Protocol):
    """Releases and the pointer to the live one."""

    def new_name(self) -> str:
        """A release name that was never used, such as ``r0003``."""
        ...

    def put(self, release: Release) -> None:
        """Store a new release, or new figures of one. ``live`` is set by ``swap`` alone."""
        ...

    def mark(self, release: str, state: ReleaseState) -> None: ...

    def get(self, release: str) -> Release:
        """Raises NotFound, naming the releases that exist."""
        ...

    def all(self) -> list[Release]:
        """Oldest first."""
        ...

    def delete(self, release: str) -> None:
        """Forget a release that is not live."""
        ...

    def current(self) -> Release | None: ...

    def previous(self) -> Release | None:
        """The release that a rollback would bring back."""
        ...

    def swap(
        self, expected: str | None, new: str, revision: int, *, rollback: bool = False
    ) -> None:
        """Move pointer and alias to ``new`` in one atomic step.

        Only if the live release is still ``expected`` and the chunk store is still at
        ``revision``. The old one becomes ``retired`` and the target of a rollback; with
        ``rollback`` the target is taken from that history instead of added to it.
        Raises ReleaseConflict with nothing changed.
        """
        ...


class ModelRegistry(Protocol):
    """Immutable embedding models under the home folder."""

    def resolve(self, name: str) -> ModelCard:
        """The model of a fingerprint, registered name, local path or hub name.

        One that is not yet registered is registered. Raises ModelError saying how to get it.
        """
        ...

    def add(
        self, folder: Path, *, name: str, base: str = "", training: dict[str, Any] | None = None
    ) -> ModelCard:
        """Register the sentence-transformers model saved in ``folder``; a copy is kept."""
        ...

    def get(self, fingerprint: str) -> ModelCard: ...

    def all(self) -> list[ModelCard]: ...

    def load(self, fingerprint: str) -> Embedder:
        """The encoder; raises ModelError if the files no longer match the fingerprint."""
        ...


Message = dict[str, str]
"""``{"role": "system" | "user" | "assistant", "content": ...}``"""


class Generator(Protocol):
    """A chat LLM."""

    @property
    def name(self) -> str: ...

    @property
    def parallel(self) -> int:
        """Requests that are worth sending at once; further ones would only wait."""
        ...

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> AsyncIterator[str]:
        """Pieces of the answer as they come; with ``schema``, of a JSON document that fits it.

        Raises GenerationError.
        """
        ...

    async def aclose(self) -> None: ...
