"""The service as processes: one, or several on one port under uvicorn's supervisor."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from rag_service.api.app import create_app
from rag_service.core.errors import RagloopError
from rag_service.core.settings import Settings, load_settings
from rag_service.wiring import Services, open_services

_STOP_SECONDS = 30
"""Time that requests under way have when the service is stopped."""
_SILENT_SECONDS = 60
"""A process that the supervisor does not hear of for so long is replaced."""


def serve(settings: Settings, host: str, port: int, processes: int) -> None:
    """Serve until SIGTERM or Ctrl-C; the settings of the environment are those of all processes.

    Raises ConfigError, StoreUnavailable before any process starts.
    """
    # Open here too: the embedded Redis outlives a process that is replaced.
    with open_services(settings):
        if processes == 1:
            uvicorn.run(
                create_app(_services),
                host=host,
                port=port,
                log_level="warning",
                timeout_graceful_shutdown=_STOP_SECONDS,
            )
        else:
            _supervise(host, port, processes)


def worker_app() -> FastAPI:
    """The app of one of several processes, which the supervisor's child calls for."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    logging.getLogger("rag_service").setLevel(logging.INFO)
    threading.Thread(target=_end_with_supervisor, name="end-with-supervisor", daemon=True).start()
    return create_app(_services_loaded)


def _supervise(host: str, port: int, processes: int) -> None:
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    # Inherited by the processes: more threads of arithmetic than cores would wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // processes)))
    config = uvicorn.Config(
        f"{__name__}:worker_app",
        factory=True,
        host=host,
        port=port,
        workers=processes,
        log_level="warning",
        timeout_graceful_shutdown=_STOP_SECONDS,
        timeout_worker_healthcheck=_SILENT_SECONDS,
    )
    supervisor = Multiprocess(config, sockets=[config.bind_socket()])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise RagloopError("a process of the service could not start: its log above says why")


def _end_with_supervisor() -> None:
    supervisor = multiprocessing.parent_process()
    assert supervisor is not None
    supervisor.join()
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _services() -> Iterator[Services]:
    with open_services(load_settings(), background=True) as services:
        services.serving.warm()
        yield services


@contextmanager
def _services_loaded() -> Iterator[Services]:
    """As above, but not before the encoder is loaded: meanwhile the other processes serve."""
    with _services() as services:
        services.serving.close()
        yield services
