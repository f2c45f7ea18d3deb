"""Work that leaves the interpreter to other threads."""

from __future__ import annotations

import inspect
import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import ConnectionPool

from rag_service.answering.considerate import considerately
from rag_service.answering.serving import Serving


def count(calls: int) -> int:
    total = 0
    for number in range(calls):
        total += min(number, 1)
    return total


def wait_ten_times() -> None:
    for _ in range(10):
        time.sleep(0.02)


def timed(work: Callable[[], object], share: float, **options: Any) -> tuple[float, float]:
    """Seconds that ``work`` took, and seconds that it computed."""

    def computing() -> float:
        began = time.thread_time()
        work()
        return time.thread_time() - began

    began = time.perf_counter()
    computed = considerately(computing, share, **options)
    return time.perf_counter() - began, computed


def test_work_in_python_takes_a_share_of_the_time() -> None:
    took, computed = timed(lambda: count(100_000), 0.1)
    assert took > 5 * computed
    assert considerately(lambda: count(1000), 1.0) == 999


def test_who_is_in_a_hurry_is_not_held_up() -> None:
    hurry = threading.Event()
    hurry.set()
    took, computed = timed(lambda: count(100_000), 0.001, hurry=hurry)
    assert took < 100 * computed, "a tenth of what the share would take"


def test_to_wait_is_not_to_compute() -> None:
    hurry = threading.Event()
    pauses: list[float] = []

    def wait(timeout: float | None = None) -> bool:
        pauses.append(timeout or 0.0)
        return False

    hurry.wait = wait  # type: ignore[method-assign]
    considerately(wait_ten_times, 0.1, hurry=hurry)
    assert len(pauses) < 5
    pauses.clear()
    considerately(lambda: count(200_000), 0.1, hurry=hurry)
    assert len(pauses) > 5


@pytest.mark.parametrize(
    ("module", "function"),
    [
        ("redis.connection", "get_connection"),
        ("redis.connection", "release"),
        ("logging", "handle"),
        ("rag_service.answering.serving", "_let_go"),
    ],
)
def test_nothing_pauses_where_a_lock_may_be_held(module: str, function: str) -> None:
    source = inspect.getsource(count).replace("count", function)
    code = compile(source, "<theirs>", "exec")
    theirs: dict[str, Any] = {"__name__": module}
    exec(code, theirs)
    hurry = threading.Event()
    paused: list[bool] = []
    held = False

    def wait(timeout: float | None = None) -> bool:
        paused.append(held)
        return False

    hurry.wait = wait  # type: ignore[method-assign]

    def work() -> None:
        nonlocal held
        held = True
        theirs[function](200_000)
        held = False
        count(200_000)

    considerately(work, 0.1, hurry=hurry)
    assert paused, "and where none is, it does"
    assert not any(paused)


def test_these_functions_hold_locks() -> None:
    assert Serving.__module__ == "rag_service.answering.serving"
    for function in (ConnectionPool.get_connection, ConnectionPool.release):
        assert function.__module__ == "redis.connection"
        assert "with self._lock" in inspect.getsource(function)
    assert logging.Handler.handle.__module__ == "logging"


def test_an_error_reaches_the_caller_whose_own_profile_function_stays() -> None:
    mine = sys.getprofile()
    ran_in: list[threading.Thread] = []

    def fail() -> None:
        ran_in.append(threading.current_thread())
        raise KeyError("weights")

    with pytest.raises(KeyError, match="weights"):
        considerately(fail, 0.5)
    assert ran_in != [threading.current_thread()]
    assert sys.getprofile() is mine
