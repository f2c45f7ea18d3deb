"""Actions that are carried out together, and waiting that ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from rag_service.core.errors import RagloopError


def at_once(*actions: Callable[[], object]) -> list[str]:
    """Names of the errors of actions that are carried out together; "" for one that went well."""
    start = Barrier(len(actions))

    def run(action: Callable[[], object]) -> str:
        start.wait(10)
        try:
            action()
        except RagloopError as error:
            return type(error).__name__
        return ""

    with ThreadPoolExecutor(len(actions)) as pool:
        return sorted(pool.map(run, actions))


def comes_true(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Whether ``condition`` holds before so long has passed; a busy machine takes its time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
