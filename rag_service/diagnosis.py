"""What is configured, what is reachable, what is missing and how to mend it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from redis import Redis

from rag_service.adapters.embedded_redis import EmbeddedRedis
from rag_service.adapters.llm import make_generator
from rag_service.adapters.package_weights import cached
from rag_service.adapters.redis_client import connect, connect_plain, store_errors
from rag_service.adapters.redis_cluster import check_for_jobs, namespace_on
from rag_service.adapters.redis_releases import RedisReleaseStore
from rag_service.adapters.reranker_registry import FileRerankers, is_fingerprint
from rag_service.core.addresses import without_secrets
from rag_service.core.errors import RagloopError
from rag_service.core.protocols import Generator
from rag_service.core.settings import Settings, parse_stages

_LEAST_FREE_GB = 5


@dataclass(frozen=True, slots=True)
class Check:
    """One finding: ``missing`` stops Ragloop, a ``note`` does not."""

    name: str
    status: Literal["ok", "note", "missing"]
    detail: str
    mend: str = ""

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def diagnose(settings: Settings) -> list[Check]:
    """All checks, in the order in which a user would mend them."""
    checks = [_python(), _home(settings), disk(settings)]
    checks += [
        _redis(settings),
        *jobs(settings),
        _embedding_model(settings),
        *_reranker(settings),
        _llm(settings),
    ]
    checks += [_processor(), _pdf(settings), _training()]
    return checks


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info < (3, 14):
        return Check("python", "ok", version)
    return Check("python", "missing", version, "use Python 3.11, 3.12 or 3.13")


def _home(settings: Settings) -> Check:
    folder = _nearest_existing(settings.home)
    if os.access(folder, os.W_OK):
        return Check("home", "ok", str(settings.home))
    return Check("home", "missing", f"{folder} is not writable", "set RAGLOOP_HOME")


def disk(settings: Settings) -> Check:
    """Whether there is room for models and indexes."""
    folder = _nearest_existing(settings.home)
    free = shutil.disk_usage(folder).free / 1e9
    detail = f"{free:.0f} GB free"
    if free >= _LEAST_FREE_GB:
        return Check("disk", "ok", detail)
    return Check("disk", "note", detail, f"models and indexes want {_LEAST_FREE_GB} GB")


def _nearest_existing(folder: Path) -> Path:
    while not folder.exists():
        folder = folder.parent
    return folder


def _redis(settings: Settings) -> Check:
    where = without_secrets(settings.redis_url) or "embedded"

    def probe() -> str:
        if settings.redis_url:
            return _live_release(settings.redis_url, settings.namespace)
        with EmbeddedRedis(settings.home) as url:
            return _live_release(url, settings.namespace)

    return _try("redis", where, probe)


def _live_release(url: str, namespace: str) -> str:
    with closing(connect(url)) as client:
        version = str(client.info("server")["redis_version"])
        live = RedisReleaseStore(client, _namespace_on(client, namespace)).current()
    served = f"release {live.release} is live" if live else "no release is live yet"
    return f"{without_secrets(url)}: Redis {version} with its query engine, {served}"


def jobs(settings: Settings) -> list[Check]:
    """Nothing where they are in the embedded server."""
    where = without_secrets(settings.jobs_url or settings.redis_url)

    def probe() -> str:
        if settings.jobs_url:
            connect_plain(settings.jobs_url, "RAGLOOP_JOBS_URL").close()
        else:
            with closing(connect(settings.redis_url)) as client:
                check_for_jobs(_namespace_on(client, settings.namespace))
        return where

    return [_try("jobs", where, probe)] if where else []


def _namespace_on(client: Redis, namespace: str) -> str:
    with store_errors():
        return namespace_on(client, namespace)


def _embedding_model(settings: Settings) -> Check:
    name = settings.embedding_model
    if os.path.isdir(name):
        return Check("embedding model", "ok", name)
    return _weights("embedding model", name, settings)


def _reranker(settings: Settings) -> list[Check]:
    """Nothing where none is named."""
    name = settings.reranker
    if not name:
        return []
    if "rerank" not in parse_stages(settings.stages):
        mend = f"set RAGLOOP_STAGES={settings.stages},rerank, or name rerank in a search"
        return [Check("reranker", "note", f"{name}, but searches leave it out", mend)]
    if is_fingerprint(name) or os.path.isdir(name):
        rerankers = FileRerankers(
            settings.home, settings.cache, settings.arithmetic, settings.batch_size
        )
        return [_try("reranker", name, lambda: str(rerankers.find(name)))]
    return [_weights("reranker", name, settings)]


def _weights(what: str, name: str, settings: Settings) -> Check:
    folder = cached(name, settings.cache)
    if folder is not None:
        return Check(what, "ok", f"{name} in {folder}")
    return Check(what, "note", f"{name} is not pulled yet", f"ragloop models pull {name}")


def _llm(settings: Settings) -> Check:
    try:
        generator = make_generator(settings)
    except RagloopError as error:
        return Check("llm", "missing", settings.llm, error.message)
    if generator is None:
        return Check("llm", "note", "none: answers are extracted", "set RAGLOOP_LLM")
    kind, _, model = generator.name.partition(":")
    if kind == "embedded":
        return _weights("llm", model, settings)
    return _try("llm", settings.llm, lambda: _first_words(generator))


def _first_words(generator: Generator) -> str:
    """Asks the LLM for one token, which needs its server and its model."""

    async def ask() -> None:
        try:
            async for _ in generator.stream([{"role": "user", "content": "Hi"}], max_tokens=1):
                pass
        finally:
            await generator.aclose()

    asyncio.run(ask())
    return f"{generator.name} answers"


def _processor() -> Check:
    import torch

    threads = torch.get_num_threads()
    if torch.cuda.is_available():
        return Check("processor", "ok", f"{torch.cuda.get_device_name()}, {threads} CPU threads")
    return Check("processor", "ok", f"{threads} CPU threads, no GPU")


def _pdf(settings: Settings) -> Check:
    if settings.pdf_strategy == "rows":
        return Check("pdf", "ok", "strategy rows")
    wanted = {"fast": ["pdfminer", "unstructured_inference"], "hi_res": ["timm", "torchvision"]}
    return _modules("pdf", settings.pdf_strategy, wanted[settings.pdf_strategy], "pdf,hi-res")


def _training() -> Check:
    return _modules("training", "fine-tuning", ["datasets", "accelerate"], "train")


def _modules(name: str, what: str, modules: list[str], extra: str) -> Check:
    absent = [module for module in modules if find_spec(module) is None]
    if not absent:
        return Check(name, "ok", what)
    return Check(
        name, "note", f"{what} lacks {', '.join(absent)}", f"pip install 'ragloop[{extra}]'"
    )


def _try(name: str, where: str, probe: Callable[[], str]) -> Check:
    try:
        return Check(name, "ok", probe())
    except RagloopError as error:
        return Check(name, "missing", where, error.message)
