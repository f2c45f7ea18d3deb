"""Tells the latency log how long live searches take, without making any of them wait for it."""

from __future__ import annotations

import logging
import threading

from rag_service.core.errors import StoreError
from rag_service.core.protocols import LatencyLog

log = logging.getLogger(__name__)


class LatencyReporter:
    """Collects milliseconds and hands them to the log every ``seconds``, from a thread.

    While the store is away they are dropped: they say nothing of the time when it is back.
    """

    def __init__(self, latencies: LatencyLog, seconds: float = 1.0) -> None:
        self._latencies = latencies
        self._seconds = seconds
        self._lock = threading.Lock()
        self._waiting: list[float] = []
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, milliseconds: float) -> None:
        """Report one request; callable from every thread."""
        with self._lock:
            self._waiting.append(milliseconds)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._report_until_closed, name="report-latencies", daemon=True
                )
                self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _report_until_closed(self) -> None:
        while not self._closed.wait(self._seconds):
            with self._lock:
                waiting, self._waiting = self._waiting, []
            if not waiting:
                continue
            try:
                self._latencies.record(waiting)
            except StoreError as error:
                log.info("latencies are not reported: %s", error.message)
