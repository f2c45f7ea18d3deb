"""Work that leaves the interpreter to other threads."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from rag_service.answering.considerate import considerately


def count(calls: int) -> int:
    total = 0
    for number in range(calls):
        total += min(number, 1)
    return total


def test_work_in_python_takes_a_share_of_the_time() -> None:
    calls = 200_000
    began = time.perf_counter()
    whole = considerately(lambda: count(calls), 1.0)
    alone = time.perf_counter() - began
    began = time.perf_counter()
    shared = considerately(lambda: count(calls), 0.1)
    assert whole == shared == calls - 1
    assert time.perf_counter() - began > 3 * alone


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
