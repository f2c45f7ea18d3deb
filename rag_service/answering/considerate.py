"""Work in Python that leaves the interpreter to the threads that answer requests."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import TypeVar

_TURN = 0.001
"""Seconds after which the work pauses at the next call."""
_LONGEST_PAUSE = 0.25
_HOLDING_LOCKS = {
    ("redis.connection", "get_connection"),
    ("redis.connection", "release"),
    ("logging", "handle"),
}
"""Functions, with their modules, that call others while they hold what requests wait for."""
_SERVING = "rag_service.answering.serving"

Result = TypeVar("Result")


def considerately(
    work: Callable[[], Result], share: float, *, hurry: threading.Event | None = None
) -> Result:
    """The result of ``work``, done in a thread that computes ``share`` of the time at most.

    A thread that computes in Python keeps the interpreter for turns of 5 ms, and a request that
    gives it up at each of a hundred operations waits for as many turns. A low priority does not
    help: who has the interpreter then waits for a processor with it. A profile function is what
    is called in the midst of other people's code, and can pause there; that thread is ours alone,
    so that it replaces nobody's. Threads that ``work`` starts are not held back. Where ``hurry``
    is set there are no pauses.
    """
    with ThreadPoolExecutor(1, "considerate") as thread:
        rest = 1 / share - 1
        return thread.submit(_with_pauses, work, rest, hurry or threading.Event()).result()


def _with_pauses(work: Callable[[], Result], rest: float, hurry: threading.Event) -> Result:
    since, computed = time.perf_counter(), time.thread_time()

    def pause(frame: FrameType, *_: object) -> None:
        nonlocal since, computed
        if time.perf_counter() - since <= _TURN or _holds_a_lock(frame):
            return
        # Time in which it waited is none that it took from others.
        if (ran := time.thread_time() - computed) > _TURN:
            hurry.wait(min(ran * rest, _LONGEST_PAUSE))
            computed = time.thread_time()
        since = time.perf_counter()

    sys.setprofile(pause)
    try:
        return work()
    finally:
        sys.setprofile(None)


def _holds_a_lock(frame: FrameType) -> bool:
    """Whether requests may wait for what this thread does: a pause would be one of theirs."""
    if frame.f_globals.get("__name__") == _SERVING:
        return True
    outer: FrameType | None = frame
    while outer is not None and outer.f_code is not _with_pauses.__code__:
        if (outer.f_globals.get("__name__"), outer.f_code.co_name) in _HOLDING_LOCKS:
            return True
        outer = outer.f_back
    return False
