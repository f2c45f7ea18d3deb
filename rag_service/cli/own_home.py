"""The home of its own that a benchmark runs in, gone with all its processes at the end."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from rag_service.cli.improving import fast_settings
from rag_service.core.settings import Settings

if TYPE_CHECKING:
    from rag_service.loop.own_home import OwnHome


@contextmanager
def own_home(
    like: Settings | None = None, redis_url: str = "", namespace: str = "ragloop"
) -> Iterator[tuple[Settings, OwnHome]]:
    """A new home, without an LLM; the rest is as ``like``, or as the environment says.

    On the embedded Redis, unless ``redis_url`` is that of another one.
    """
    from rag_service.loop.own_home import OwnHome, wait_for_end

    with _ended_by_sigterm(), TemporaryDirectory() as folder:
        home = Path(folder).resolve() / "home"
        changed = {"home": home, "redis_url": redis_url, "namespace": namespace, "llm": "none"}
        settings = (like or fast_settings(home)).model_copy(update=changed)
        own = {
            "RAGLOOP_HOME": str(home),
            "RAGLOOP_REDIS_URL": redis_url,
            "RAGLOOP_NAMESPACE": namespace,
            "RAGLOOP_EMBEDDING_MODEL": settings.embedding_model,
            "RAGLOOP_LLM": "none",
        }
        yield settings, OwnHome(home, {**os.environ, **own})
        wait_for_end(home)


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """So that what was started is ended too; by default SIGTERM leaves no time for that."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
