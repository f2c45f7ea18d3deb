"""The seams. Each has a real adapter, a fake, and one conformance test that runs on both.

Embedding and Redis are synchronous (called through a thread where the service needs it);
only generation is async.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from pathlib import Path
from typing import Any, Protocol

from rag_service.core.types import (
    ApiKey,
    Arm,
    Chunk,
    Document,
    Experiment,
    Filters,
    Hit,
    Impression,
    IndexSpec,
    JobEvent,
    JobKind,
    JobRecord,
    Lookup,
    ModelCard,
    Rate,
    Release,
    ReleaseState,
    Tally,
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

    def look_up(self, index: str, lookups: Sequence[Lookup]) -> list[list[Hit]]:
        """What each of several searches finds, in one round trip; as `search`, `search_text`."""
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

    def outdated(self, index: str, chunk_ids: Sequence[str]) -> set[str]:
        """Of these, those that are written otherwise than the chunk store has them by now.

        Of what a chunk's id does not tell: names, facts, sections, cells. Vectors are not looked
        at; a chunk that either of the two lacks is left out.
        """
        ...

    def count(self, index: str) -> int:
        """Chunks that the engine has indexed and can find."""
        ...

    def model(self, index: str) -> str:
        """Fingerprint of the model whose vectors it holds. Raises IndexMissing."""
        ...

    def spec(self, index: str) -> IndexSpec:
        """What it is made of. Raises IndexMissing."""
        ...

    def names(self) -> list[str]:
        """Every index that is there, also one whose drop was interrupted."""
        ...

    def drop(self, index: str) -> None:
        """Delete an index and its entries. Refuses an alias and an index that an alias names."""
        ...


class Reranker(Protocol):
    """A cross-encoder: reads question and passage together."""

    @property
    def name(self) -> str: ...

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        """How well each passage answers, higher is better; on no scale of its own."""
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

    def around(self, chunks: Sequence[Chunk], reach: int) -> list[Chunk]:
        """These chunks and those up to ``reach`` places from one, each once.

        In order of document id and position; of a document that is gone or was replaced, nothing.
        """
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
        """Forget a release that is not live. Raises ReleaseConflict while somebody uses it."""
        ...

    def use(self, release: str, user: str, seconds: float) -> None:
        """Note that ``user`` (a process, a job) works with a release for so long from now.

        Noting it again prolongs it. Raises NotFound if the release is gone: noted or gone, never
        both.
        """
        ...

    def leave(self, release: str, user: str) -> None:
        """Take back what ``use`` noted; nothing happens where it is not noted."""
        ...

    def users(self, release: str) -> set[str]:
        """Who uses it now."""
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


class ClaimStore(Protocol):
    """Who does which part of a piece of work that several workers share."""

    def take(
        self, work: str, items: Sequence[str], n: int, worker: str, seconds: float
    ) -> list[str]:
        """Up to ``n`` of ``items``, in their order, that no other worker holds, in one step.

        They are held by ``worker`` for so long from now, unless given back before; what it holds
        already is taken again.
        """
        ...

    def give_back(self, work: str, items: Sequence[str], worker: str) -> None:
        """Let others take what ``worker`` holds of these."""
        ...

    def forget(self, work: str) -> None:
        """Drop every claim on a piece of work that is over."""
        ...


class LatencyLog(Protocol):
    """How long requests to the live release took, of all service processes together."""

    def record(self, milliseconds: Sequence[float]) -> None: ...

    def recent(self, seconds: float) -> list[float]:
        """Of the requests that were recorded in about the last ``seconds``, up to a minute."""
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

    def truncated(self, fingerprint: str, dims: int) -> ModelCard:
        """The same model with its vectors cut to their first ``dims`` and normalised again.

        A model of its own, ``cut_from`` the whole one, that has seen in training what that one
        saw. Raises InvalidRequest unless ``dims`` is at least 1 and below the model's.
        """
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


class AnswerCache(Protocol):
    """Texts for a time; of more than it has room for, the newest stay."""

    def get(self, key: str) -> str | None:
        """None if there is none, or none any more. Raises StoreUnavailable."""
        ...

    def put(self, key: str, text: str) -> None:
        """Keep ``text``; one that is too long is not kept."""
        ...


class ExperimentStore(Protocol):
    """Experiments, of which at most one runs, and what was shown and said in them."""

    def start(self, experiment: Experiment) -> None:
        """Let it run. Raises InvalidRequest while another one does.

        Raises ReleaseConflict if its ``a`` is not live.
        """
        ...

    def running(self) -> Experiment | None: ...

    def end(self, experiment: str, ended: str, reason: str) -> bool:
        """Note when and why it ended; False if it does not run (any more)."""
        ...

    def all(self) -> list[Experiment]:
        """Those that ended and the one that runs, oldest first."""
        ...

    def show(self, impression: Impression, seconds: float) -> None:
        """Keep an impression for so long, and count the request for the releases in it."""
        ...

    def shown(self, request_id: str) -> Impression | None:
        """None if there is none, or none any more."""
        ...

    def credit(self, experiment: str, unit: str, arm: Arm, *, good: bool) -> bool:
        """Count the outcome of a client or a request; False if it has one, or it has ended."""
        ...

    def tally(self, experiment: str) -> Tally: ...


class JobQueue(Protocol):
    """Jobs that a worker process runs, one after the other; they outlive its restarts."""

    def start(self, kind: JobKind, arguments: Mapping[str, Any]) -> JobRecord:
        """Queue a job. Raises InvalidRequest for arguments that its kind does not take."""
        ...

    def get(self, job: str) -> JobRecord:
        """Raises NotFound."""
        ...

    def all(self) -> list[JobRecord]:
        """Newest first, without their results; those that ended are kept for a time."""
        ...

    def cancel(self, job: str) -> JobRecord:
        """Have a job end: a queued one at once, a running one within seconds.

        Raises NotFound, InvalidRequest if it is over.
        """
        ...

    def retry(self, job: str) -> JobRecord:
        """Queue a failed or cancelled job again, which goes on from what it kept.

        Raises NotFound, InvalidRequest unless it failed or was cancelled.
        """
        ...

    def events(self, job: str, after: str = "") -> list[JobEvent]:
        """What happened since the event ``after``, or from the start; does not wait for more.

        Raises NotFound.
        """
        ...


class KeyStore(Protocol):
    """Keys to the service, by the digest that `core.api_keys.digest` makes of each."""

    def add(self, digest: str, key: ApiKey) -> None:
        """Raises InvalidRequest if there is one of that name."""
        ...

    def find(self, digest: str) -> ApiKey | None:
        """The key of this digest, also an expired one; it is noted as used."""
        ...

    def all(self) -> list[ApiKey]:
        """By name."""
        ...

    def remove(self, name: str) -> None:
        """Raises NotFound, naming the keys that exist."""
        ...


class RateLimiter(Protocol):
    """Counts requests of all processes together."""

    def hit(self, who: str, rate: Rate) -> int | None:
        """None if ``who`` may go on, and the request is counted; else the seconds to wait."""
        ...
