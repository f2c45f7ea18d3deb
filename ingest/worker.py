"""The process that reads files for ``ingest.workers``: ``python -m ingest.worker FD``.

Through the pipe at file descriptor FD come the options, then paths; back go ``READY`` and for each
path ``READING``, once nothing but the file itself takes time, and what was read; or a tuple that
says why not: ``refused``, ``config``, or ``failed`` from a process that is not to be trusted with
another file.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from ingest.options import ReadOptions
from ingest.parse import Parsed, load_parsers, parse_file
from rag_service.core.errors import ConfigError, IngestError

START_SECONDS = 120.0
"""For this process to be ready, and for what parses a file to be imported."""
GRACE_SECONDS = 5.0
READY, READING = "ready", "reading"


def main(pipe: Connection) -> None:
    """Read files until the other end of the pipe closes."""
    end_with(pipe)
    options: ReadOptions = pipe.recv()
    limit_memory(options.memory_mb)
    pipe.send(READY)

    def loaded() -> None:
        _end_within(options.seconds)
        pipe.send(READING)

    with suppress(EOFError, ConnectionError):
        while True:
            path: Path = pipe.recv()
            _end_within(START_SECONDS)
            pipe.send(_outcome(path, options, loaded))
            signal.setitimer(signal.ITIMER_REAL, 0)


def _end_within(seconds: float) -> None:
    """Who gave the path ends this process before; this holds where nobody is left."""
    signal.setitimer(signal.ITIMER_REAL, seconds + GRACE_SECONDS)


def end_with(pipe: Connection) -> None:
    """End this process, also in the midst of a file, when the other end of the pipe closes."""

    def watch() -> None:
        hangup = select.poll()
        hangup.register(pipe, 0)
        hangup.poll()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _outcome(
    path: Path, options: ReadOptions, loaded: Callable[[], None]
) -> Parsed | tuple[str, ...]:
    try:
        load_parsers(path, options)
        loaded()
        return parse_file(path, options)
    except IngestError as error:
        return ("refused", error.reason, error.message)
    except ConfigError as error:
        return ("config", error.message)
    except MemoryError:
        message = (
            f"reading takes more than {options.memory_mb} MB: set RAGLOOP_PARSE_MEMORY_MB higher"
        )
        return ("failed", "memory", message)
    except Exception as error:  # noqa: BLE001
        # Whatever a parser raises is about this file; the others go on.
        return ("failed", "broken", f"the file cannot be read ({type(error).__name__}: {error})")


def limit_memory(megabytes: int) -> None:
    """Hold this process to so much memory, for good."""
    limit = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # A parser may crash here, and its memory image is of no use.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
