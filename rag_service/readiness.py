"""What requests depend on, and what is wrong with it: told soon, also while a part hangs."""

from __future__ import annotations

import time
from collections.abc import Callable

from rag_service.answering.serving import Serving
from rag_service.core.bounded import Bounded
from rag_service.core.errors import RagloopError
from rag_service.core.protocols import KeyStore, ReleaseStore
from rag_service.core.settings import Settings
from rag_service.core.types import Readiness
from rag_service.diagnosis import disk

NOTES = ("llm", "disk", "worker", "keys")
"""Parts without which searches are answered all the same."""
_WAIT_SECONDS = 2.0
_FRESH_SECONDS = 0.5
_LLM_FRESH_SECONDS = 15.0


class ReadinessChecks:
    """Of one process of the service.

    Args:
        settings: Those of the service.
        releases: Read to see that Redis answers.
        serving: Knows whether the live release's encoder is loaded.
        keys: The keys that callers need.
        llm: Why the LLM cannot be asked, or ``""``.
        worker: Whether a process runs queued jobs.
    """

    def __init__(
        self,
        settings: Settings,
        releases: ReleaseStore,
        serving: Serving,
        keys: KeyStore,
        llm: Callable[[], str],
        worker: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._releases = releases
        self._serving = serving
        self._keys = keys
        self._worker = worker
        self._readings = {
            "redis": Bounded(self._in_store, fresh=_FRESH_SECONDS),
            "llm": Bounded(lambda: {"llm": llm() or "ok"}, fresh=_LLM_FRESH_SECONDS),
            "disk": Bounded(self._in_home, fresh=_FRESH_SECONDS),
        }

    def __call__(self) -> Readiness:
        """In `_WAIT_SECONDS` at most: a part that does not answer by then is not well."""
        began = time.monotonic()
        readings = {part: reading.begin() for part, reading in self._readings.items()}
        parts: dict[str, str] = {}
        for part, reading in readings.items():
            left = max(0.0, began + _WAIT_SECONDS - time.monotonic())
            try:
                parts |= reading.result(left)
            except TimeoutError:
                parts[part] = f"no answer within {_WAIT_SECONDS:g} s"
            except RagloopError as error:
                parts[part] = error.message
            except OSError as error:
                parts[part] = str(error)
        notes = {part: parts.pop(part) for part in NOTES if part in parts}
        return Readiness(parts, notes)

    def _in_store(self) -> dict[str, str]:
        live = self._releases.current()
        problem = self._serving.problem() or "ok"
        parts = {"redis": "ok"}
        parts |= {"release": problem} if live is None else {"release": "ok", "encoder": problem}
        if self._settings.needs_keys:
            none = "nobody can ask: make a key with `ragloop keys create`"
            parts["keys"] = "ok" if self._keys.all() else none
        return parts

    def _in_home(self) -> dict[str, str]:
        free = disk(self._settings)
        idle = "jobs wait: start `ragloop worker`, or `ragloop serve` without --no-worker"
        return {
            "disk": "ok" if free.status == "ok" else f"{free.detail}: {free.mend}",
            "worker": "ok" if self._worker() else idle,
        }
