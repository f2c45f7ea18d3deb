"""The service as processes: one, or several on one port under uvicorn's supervisor."""

from __future__ import annotations

import logging
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from tempfile import TemporaryDirectory

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from rag_service.api.app import create_app
from rag_service.api.http_server import SERVER_OPTIONS
from rag_service.api.worker_process import end_with_parent, worker_beside
from rag_service.core.errors import ConfigError, RagloopError
from rag_service.core.settings import Settings, is_loopback, load_settings
from rag_service.core.telemetry import NO_TRACER, Tracer
from rag_service.logs import set_up_logs
from rag_service.wiring import Services, make_tracer, open_services

_STOP_SECONDS = 30
"""Time that requests under way have when the service is stopped."""
_SILENT_SECONDS = 60
"""A process that the supervisor does not hear of for so long is replaced."""

log = logging.getLogger(__name__)


def serve(settings: Settings, host: str, port: int, processes: int, *, worker: bool) -> None:
    """Serve until SIGTERM or Ctrl-C; the settings of the environment are those of all processes.

    With ``worker`` a process beside them runs the jobs.

    Raises ConfigError, StoreUnavailable before any process starts.
    """
    set_up_logs(settings, service=True)
    make_tracer(settings).close()
    # Whether keys are asked for depends on it, in each process.
    os.environ["RAGLOOP_HOST"] = host
    settings = settings.model_copy(update={"host": host})
    # Open here too: the embedded Redis outlives a process that is replaced.
    with (
        open_services(settings, tracer=NO_TRACER) as services,
        worker_beside() if worker else nullcontext(),
    ):
        _warn_of_callers(services)
        if processes == 1:
            uvicorn.run(
                _app(_services),
                host=host,
                port=port,
                limit_concurrency=settings.max_connections,
                timeout_graceful_shutdown=_STOP_SECONDS,
                **SERVER_OPTIONS,
            )
        else:
            _supervise(settings, host, port, processes)


def check_address(host: str, port: int) -> None:
    """Raises ConfigError if nothing can listen there, before anything is opened for it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]
        raise ConfigError(
            f"cannot listen on {host}:{port}: {reason}; choose another address with --host and "
            "--port, or RAGLOOP_HOST and RAGLOOP_PORT"
        ) from error


def _warn_of_callers(services: Services) -> None:
    settings = services.settings
    if settings.auth == "off" and not is_loopback(settings.host):
        log.warning(
            "RAGLOOP_AUTH=off: whoever reaches %s may ask, add and remove documents, and promote",
            settings.host,
        )
    elif settings.needs_keys and not services.keys.all():
        log.warning(
            "requests need a key, and there is none yet: make one with "
            "`ragloop keys create NAME --scope ask --scope ingest --scope operate`"
        )


def worker_app() -> FastAPI:
    """The app of one of several processes, which the supervisor's child calls for."""
    set_up_logs(load_settings(), service=True)
    end_with_parent()
    return _app(_services_loaded)


def _supervise(settings: Settings, host: str, port: int, processes: int) -> None:
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    # Inherited by the processes: more threads of arithmetic than cores would wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // processes)))
    config = uvicorn.Config(
        f"{__name__}:worker_app",
        factory=True,
        host=host,
        port=port,
        workers=processes,
        limit_concurrency=settings.max_connections,
        timeout_graceful_shutdown=_STOP_SECONDS,
        **SERVER_OPTIONS,
        timeout_worker_healthcheck=_SILENT_SECONDS,
    )
    supervisor = Multiprocess(config, sockets=[config.bind_socket()])
    with TemporaryDirectory(prefix="ragloop-metrics-") as folder:
        # Known before a process first imports the metrics' library, which then shares its figures.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise RagloopError("a process of the service could not start: its log above says why")


def _app(services: Callable[[Tracer], AbstractContextManager[Services]]) -> FastAPI:
    tracer = make_tracer(load_settings())
    return create_app(lambda: services(tracer), tracer)


@contextmanager
def _services(tracer: Tracer) -> Iterator[Services]:
    with open_services(load_settings(), background=True, tracer=tracer) as services:
        services.serving.warm()
        yield services


@contextmanager
def _services_loaded(tracer: Tracer) -> Iterator[Services]:
    """As above, but not before the encoder is loaded: meanwhile the other processes serve."""
    with _services(tracer) as services:
        services.serving.close()
        yield services
