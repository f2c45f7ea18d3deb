"""The process that reads files for ``ingest.workers``: ``python -m ingest.worker FD``.

Through the pipe at file descriptor FD come the options, then paths; back go ``"ready"`` and for
each path what was read, or a tuple that says why not: ``refused``, ``config``, or ``failed`` from a
process that is not to be trusted with another file.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

from ingest.options import ReadOptions
from ingest.parse import Parsed, parse_file
from rag_service.core.errors import ConfigError, IngestError

GRACE_SECONDS = 5.0


def main(pipe: Connection) -> None:
    """Read files until the other end of the pipe closes."""
    end_with(pipe)
    options: ReadOptions = pipe.recv()
    limit_memory(options.memory_mb)
    pipe.send("ready")
    with suppress(EOFError, ConnectionError):
        while True:
            path: Path = pipe.recv()
            # Who gave the path ends this process before; this holds where nobody is left.
            signal.setitimer(signal.ITIMER_REAL, options.seconds + GRACE_SECONDS)
            pipe.send(_outcome(path, options))
            signal.setitimer(signal.ITIMER_REAL, 0)


def end_with(pipe: Connection) -> None:
    """End this process, also in the midst of a file, when the other end of the pipe closes."""

    def watch() -> None:
        hangup = select.poll()
        hangup.register(pipe, 0)
        hangup.poll()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _outcome(path: Path, options: ReadOptions) -> Parsed | tuple[str, ...]:
    try:
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
