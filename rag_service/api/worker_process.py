"""The worker process that `ragloop serve` keeps beside itself."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rag_service.core.errors import RagloopError
from rag_service.core.settings import load_settings
from rag_service.logs import set_up_logs

_LOOK_SECONDS = 0.5
_END_SECONDS = 15.0
"""Time that a worker has to put its job back; a killed one's is resumed all the same."""
_SOON, _LATE, _STEADY = 1.0, 60.0, 30.0

log = logging.getLogger(__name__)


@contextmanager
def worker_beside() -> Iterator[None]:
    """Inside, a worker process runs, and is started again when it dies."""
    over = threading.Event()
    keeper = threading.Thread(target=_keep, args=[over], name="worker-keeper")
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def end_with_parent() -> None:
    """Have this process get SIGTERM when the one that started it is gone, however it went."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def _keep(over: threading.Event) -> None:
    # Spawned: a fork would copy the service with its threads.
    processes = multiprocessing.get_context("spawn")
    pause = _SOON
    while not over.is_set():
        began = time.monotonic()
        worker = processes.Process(target=_work, name="ragloop-worker")
        worker.start()
        while worker.is_alive() and not over.wait(_LOOK_SECONDS):
            pass
        if over.is_set():
            worker.terminate()
            worker.join(_END_SECONDS)
            if worker.is_alive():
                worker.kill()
                worker.join()
        else:
            log.warning("the worker process ended (%s) and is started again", worker.exitcode)
            steady = time.monotonic() - began > _STEADY
            pause = _SOON if steady else min(2 * pause, _LATE)
            over.wait(pause)
        worker.close()


def _work() -> None:
    from rag_service.worker import serve_jobs

    settings = load_settings()
    set_up_logs(settings, service=True)
    # Ctrl-C is for the service, which then ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    try:
        serve_jobs(settings)
    except RagloopError as error:
        log.error("the worker ended: %s", error.message)
        sys.exit(1)
