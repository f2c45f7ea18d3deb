"""Parsing in worker processes that may hang, crash or eat memory without harm to the rest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path

from ingest.options import ReadOptions
from ingest.parse import Parsed
from rag_service.core.errors import ConfigError, IngestError

START_SECONDS = 120.0
STDERR = 2
Outcome = Parsed | IngestError


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    pipe: Connection
    ready: bool = False
    task: int | None = None
    deadline: float = 0.0


def parse_files(
    paths: Sequence[Path], options: ReadOptions
) -> Iterator[tuple[Path, Parsed | IngestError]]:
    """Parse files in parallel, in the order of ``paths``.

    Raises:
        ConfigError: the strategy needs something that is not installed.
    """
    waiting = deque(range(len(paths)))
    done: dict[int, Outcome] = {}
    workers: list[_Worker] = []
    size = min(options.workers or os.cpu_count() or 1, len(paths))
    try:
        for index, path in enumerate(paths):
            while index not in done:
                while len(workers) < min(size, len(waiting) + _busy(workers)):
                    workers.append(_start(options))
                # Finished files wait here for the ones before them; a few at most.
                _assign(workers, waiting, paths, options, room=3 * size - len(done))
                _collect(workers, done, options)
            yield path, done.pop(index)
    finally:
        for worker in workers:
            _stop(worker)


def _busy(workers: Sequence[_Worker]) -> int:
    return sum(worker.task is not None for worker in workers)


def _start(options: ReadOptions) -> _Worker:
    """A Python process of its own: it shares no thread, no lock and no main module with this."""
    ours, theirs = Pipe()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "ingest.worker", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            # What a parser prints must not stand among this process's results.
            stdout=STDERR,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
    ours.send(options)
    return _Worker(process, ours, deadline=time.monotonic() + START_SECONDS)


def _assign(
    workers: Sequence[_Worker],
    waiting: deque[int],
    paths: Sequence[Path],
    options: ReadOptions,
    room: int,
) -> None:
    for worker in workers:
        if room <= _busy(workers) or not waiting:
            return
        if worker.ready and worker.task is None:
            worker.task = waiting.popleft()
            worker.deadline = time.monotonic() + options.seconds
            worker.pipe.send(paths[worker.task])


def _collect(workers: list[_Worker], done: dict[int, Outcome], options: ReadOptions) -> None:
    """Wait for the next message, death or deadline."""
    watched = [worker for worker in workers if worker.task is not None or not worker.ready]
    now = time.monotonic()
    timeout = max(0.0, min((worker.deadline for worker in watched), default=now) - now)
    speaking = set(wait([worker.pipe for worker in watched], timeout))
    for worker in watched:
        if worker.pipe in speaking:
            message = _receive(worker)
            if message is not None:
                _take(worker, message, done)
                continue
            outcome = _death(worker, options)
        elif time.monotonic() >= worker.deadline:
            outcome = IngestError(
                f"not read within {options.seconds} s: set RAGLOOP_PARSE_SECONDS higher, or "
                "check the file",
                reason="timeout",
            )
        else:
            continue
        if worker.task is None:
            raise ConfigError(
                f"a process that reads files did not start: {outcome.message} (at its start)"
            )
        done[worker.task] = outcome
        workers.remove(worker)
        _stop(worker)


def _receive(worker: _Worker) -> object | None:
    try:
        message: object = worker.pipe.recv()
    except (EOFError, OSError):
        return None
    return message


def _take(worker: _Worker, message: object, done: dict[int, Outcome]) -> None:
    match message:
        case "ready":
            worker.ready = True
            return
        case ("config", str(text)):
            raise ConfigError(text)
        case ("refused", str(reason), str(text)) if worker.task is not None:
            done[worker.task] = IngestError(text, reason=reason)
        case Parsed() if worker.task is not None:
            done[worker.task] = message
    worker.task = None


def _death(worker: _Worker, options: ReadOptions) -> IngestError:
    status = worker.process.wait()
    return IngestError(
        f"its reader died with status {status}: the file is damaged, or needs more than "
        f"RAGLOOP_PARSE_MEMORY_MB={options.memory_mb}",
        reason="crashed",
    )


def _stop(worker: _Worker) -> None:
    worker.pipe.close()
    worker.process.kill()
    worker.process.wait()
