"""Readings that nobody waits for longer than he can."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Bounded(Generic[Result]):
    """What ``read`` gives, from a thread of its own, of which there is one at a time.

    ``read`` may take long or hang. For ``fresh`` seconds what it gave or raised is given again.
    """

    def __init__(self, read: Callable[[], Result], *, fresh: float) -> None:
        self._read = read
        self._fresh = fresh
        self._lock = threading.Lock()
        self._reading: Future[Result] | None = None
        self._ended = 0.0

    def begin(self) -> Future[Result]:
        """The reading that is fresh or under way, or else a new one."""
        with self._lock:
            reading = self._reading
            if reading is None or (reading.done() and self._is_old()):
                reading = self._reading = Future()
                threading.Thread(
                    target=self._fill, args=(reading,), name="bounded-reading", daemon=True
                ).start()
            return reading

    def _is_old(self) -> bool:
        return time.monotonic() - self._ended >= self._fresh

    def _fill(self, reading: Future[Result]) -> None:
        try:
            found = self._read()
        except BaseException as error:  # noqa: BLE001 - it is raised to whoever asks
            self._ended = time.monotonic()
            reading.set_exception(error)
        else:
            self._ended = time.monotonic()
            reading.set_result(found)
