"""Work in Python that leaves the interpreter to the threads that answer requests."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_TURN = 0.001
"""Seconds after which the work pauses at the next call."""
_LONGEST_PAUSE = 0.25

Result = TypeVar("Result")


def considerately(work: Callable[[], Result], share: float) -> Result:
    """The result of ``work``, done in a thread that runs ``share`` of the time at most.

    A thread that computes in Python keeps the interpreter for turns of 5 ms, and a request that
    gives it up at each of a hundred operations waits for as many turns. A low priority does not
    help: who has the interpreter then waits for a processor with it. A profile function is what
    is called in the midst of other people's code, and can pause there.
    """
    with ThreadPoolExecutor(1, "considerate") as thread:
        return thread.submit(_with_pauses, work, 1 / share - 1).result()


def _with_pauses(work: Callable[[], Result], rest: float) -> Result:
    since = time.perf_counter()

    def pause(*_: object) -> None:
        nonlocal since
        ran = time.perf_counter() - since
        if ran > _TURN:
            time.sleep(min(ran * rest, _LONGEST_PAUSE))
            since = time.perf_counter()

    sys.setprofile(pause)
    try:
        return work()
    finally:
        sys.setprofile(None)
