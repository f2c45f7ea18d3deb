"""The engine ``ray``: what ingestion and reindexing have done by the actors of a Ray cluster."""

from __future__ import annotations

import socket
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

from ingest.options import ReadOptions
from ingest.read import Filing, Reader
from ingest.source import load
from rag_service.adapters.engines import device
from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.adapters.model_transfer import packed, unpack
from rag_service.adapters.ray_cluster import RayCluster, Stage
from rag_service.adapters.token_counter import TokenCounter
from rag_service.core.errors import ConfigError, IngestError, NotFound, StoreUnavailable
from rag_service.core.settings import Settings, load_settings
from rag_service.core.types import Release
from rag_service.indexing.build import IndexFiller
from rag_service.indexing.crew import Crew
from rag_service.indexing.embedding import embed_chunks
from rag_service.indexing.shared_vectors import SharedVectors
from rag_service.indexing.spread import Filled
from rag_service.indexing.writer import Encoded
from rag_service.loop.ingestion import Read
from rag_service.wiring import Services, make_registry, open_services


class RayEngine:
    """``worker`` names this process to others that build the same release.

    Raises ConfigError if Ray is not installed, or is not to be had as the settings say.
    """

    def __init__(
        self, settings: Settings, registry: FileModelRegistry, worker: Callable[[], str]
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._worker = worker
        self._cluster = RayCluster(settings.ray_address, settings.ray_actors)

    def fill(
        self, release: Release, indexes: Sequence[str], shares: Sequence[Sequence[str]]
    ) -> Iterator[Filled]:
        """Have shares of a build written by the actors; as `indexing.spread.Spread`.

        Raises ConfigError if a node does not reach Redis.
        """
        if self._settings.ray_address and not self._settings.redis_url:
            raise ConfigError(
                "a Ray cluster does not reach the embedded Redis of this home: set "
                "RAGLOOP_REDIS_URL to one that all its nodes reach, or unset RAGLOOP_RAY_ADDRESS"
            )
        given = self._given(release.model)
        filler = Stage(partial(_Fill, given, release, tuple(indexes), self._worker()), "pool")
        yield from self._cluster.map([filler], shares)

    def read(
        self, paths: Sequence[Path], options: ReadOptions, model: str
    ) -> Generator[Read, None, None]:
        """Filings with their vectors; as `loop.ingestion.Reading`. Nodes need no Redis for it."""
        given = self._given(model)
        stages = [
            Stage(partial(_Load, options), "here"),
            Stage(partial(_Read, given, options), "beside"),
            Stage(partial(_Encode, given), "pool"),
        ]
        files = [path.absolute() for path in paths]
        yield from self._cluster.map(stages, files, ordered=True)

    def close(self) -> None:
        self._cluster.close()

    def _given(self, model: str) -> Given:
        # All nodes compute with what is fastest here, or the same text had several vectors.
        engine, _ = self._registry.prepare(model)
        if self._cluster.has_gpus and device() == "cpu":
            engine = "bfloat16"  # that of a processor may be of no use to them
        settings = self._settings.model_copy(update={"precision": engine})
        if not self._settings.ray_address:
            return Given(settings, model)
        return Given(settings, model, self._cluster.share(packed(self._registry.get(model))))


@dataclass(frozen=True, slots=True)
class Given:
    """What every actor has: the settings, and a model, whose ``files`` are for other machines."""

    settings: Settings
    model: str
    files: Callable[[], Mapping[str, bytes]] | None = None
    version: str = field(default_factory=lambda: version("ragloop"))

    def here(self) -> Settings:
        """The settings, with a home on this machine that has the model.

        Raises ConfigError if other rules of reading and writing are installed here.
        """
        if self.version != version("ragloop"):
            raise ConfigError(
                f"{_node()} has version {version('ragloop')} of ragloop, and {self.version} asked "
                "it: install the same one"
            )
        if self.files is None or self._is_in(self.settings):
            return self.settings
        # What pulled weights are kept in, so that a second run finds the model.
        cache = load_settings().cache
        home = cache / "ray"
        unpack(self.files(), home / "models" / self.model)
        return self.settings.model_copy(update={"home": home, "cache": cache})

    def _is_in(self, settings: Settings) -> bool:
        try:
            make_registry(settings).get(self.model)
        except NotFound:
            return False
        return True


class _Fill:
    """An `IndexFiller` for one share after the other."""

    def __init__(self, given: Given, release: Release, indexes: Sequence[str], worker: str) -> None:
        self._open = ExitStack()  # until the actor ends
        services = self._open.enter_context(_services(given.here()))
        self._release = release
        self._shared = SharedVectors(services.vectors, services.registry, indexes, release.dims)
        self._filler = IndexFiller(
            services.chunks,
            services.vectors,
            Crew(services.claims, lambda: worker),
            services.pace,
            services.build_batch,
        )

    def __call__(self, share: Sequence[str]) -> Filled:
        tally = self._shared.tally
        before = tally.encoded, tally.copied
        done: list[int] = []
        self._filler.fill(self._release, share, self._shared, done.append)
        return Filled(sum(done), tally.encoded - before[0], tally.copied - before[1])


class _Load:
    """Files of this machine, as content that travels."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options

    def __call__(self, path: Path) -> tuple[Path, bytes | IngestError]:
        try:
            return path, load(path, self._options.max_file_mb).content
        except IngestError as error:
            return path, error


class _Read:
    """Content to chunks."""

    def __init__(self, given: Given, options: ReadOptions) -> None:
        card = make_registry(given.here()).get(given.model)
        self._reader = Reader(options, TokenCounter(Path(card.path)))

    def __call__(self, file: tuple[Path, bytes | IngestError]) -> Filing | IngestError:
        path, content = file
        return content if isinstance(content, IngestError) else self._reader.read(path, content)


class _Encode:
    """Chunks to vectors."""

    def __init__(self, given: Given) -> None:
        self._embedder = make_registry(given.here()).load(given.model)

    def __call__(self, read: Filing | IngestError) -> Read:
        if isinstance(read, IngestError):
            return read, None
        vectors = embed_chunks(self._embedder, read.chunks)
        return read, Encoded(self._embedder.fingerprint, vectors)


@contextmanager
def _services(settings: Settings) -> Iterator[Services]:
    """Those of an actor. Raises ConfigError if its node does not reach Redis."""
    with ExitStack() as stack:
        try:
            services = stack.enter_context(open_services(settings))
        except StoreUnavailable as error:
            raise ConfigError(f"{_node()}: {error.message}") from error
        yield services


def _node() -> str:
    return f"node {socket.gethostname()} of the Ray cluster"
