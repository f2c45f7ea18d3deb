"""Parsing in worker processes that may hang, crash or eat memory without harm to the rest."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from ingest.options import ReadOptions
from ingest.parse import Parsed, parse_file
from rag_service.core.errors import ConfigError, IngestError

START_SECONDS = 120.0
Outcome = Parsed | IngestError


@dataclass(frozen=True, slots=True)
class _Refused:
    """An IngestError on its way between processes."""

    message: str
    reason: str


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
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
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["ingest.parse"])
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, options), daemon=True)
    process.start()
    theirs.close()
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
            raise ConfigError(f"a process that reads files did not start: {outcome.message}")
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
    if message == "ready":
        worker.ready = True
    elif isinstance(message, ConfigError):
        raise message
    elif worker.task is not None:
        if isinstance(message, _Refused):
            done[worker.task] = IngestError(message.message, reason=message.reason)
        elif isinstance(message, Parsed):
            done[worker.task] = message
        worker.task = None


def _death(worker: _Worker, options: ReadOptions) -> IngestError:
    worker.process.join(timeout=10)
    return IngestError(
        f"its reader died with status {worker.process.exitcode}: the file is damaged, or needs "
        f"more than RAGLOOP_PARSE_MEMORY_MB={options.memory_mb}",
        reason="crashed",
    )


def _stop(worker: _Worker) -> None:
    worker.pipe.close()
    if worker.process.is_alive():
        worker.process.kill()
    worker.process.join()
    worker.process.close()


def _work(pipe: Connection, options: ReadOptions) -> None:
    """What a worker does until its pipe closes."""
    _limit_memory(options.memory_mb)
    pipe.send("ready")
    while True:
        try:
            path: Path = pipe.recv()
        except EOFError:
            return
        pipe.send(_outcome(path, options))


def _outcome(path: Path, options: ReadOptions) -> Parsed | _Refused | ConfigError:
    try:
        return parse_file(path, options)
    except IngestError as error:
        return _Refused(error.message, error.reason)
    except ConfigError as error:
        return error
    except MemoryError:
        return _Refused(
            f"reading takes more than {options.memory_mb} MB: set RAGLOOP_PARSE_MEMORY_MB higher",
            "memory",
        )
    except Exception as error:  # noqa: BLE001 - whatever a parser raises is about this file
        return _Refused(f"the file cannot be read ({type(error).__name__}: {error})", "broken")


def _limit_memory(megabytes: int) -> None:
    import resource

    limit = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    # A crashing parser is expected here, its memory image is of no use.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
