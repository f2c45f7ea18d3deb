"""Parsing in worker processes that may hang, crash or eat memory without harm to the rest."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from threading import Lock, Timer

from ingest.options import ReadOptions
from ingest.parse import Parsed
from ingest.worker import READING, READY, START_SECONDS
from rag_service.core.errors import ConfigError, IngestError

STDERR = 2
AHEAD = 2
"""Files for each worker that are being read, or are read and wait for the ones before them."""
LONGEST_ANSWER = 2**28
"""In bytes; text that was printed into the pipe looks like the beginning of a longer one."""
Outcome = Parsed | IngestError


def parse_files(
    paths: Sequence[Path], options: ReadOptions
) -> Generator[tuple[Path, Parsed | IngestError], None, None]:
    """Parse files in parallel, in the order of ``paths``.

    The next files are parsed while the caller works on the one that it was given.

    Raises:
        ConfigError: the strategy needs something that is not installed.
    """
    if not paths:
        return
    size = min(options.workers or os.cpu_count() or 1, len(paths))
    workers = Workers(options)
    # A thread for each worker waits for its answer, so that none waits for the caller.
    pool = ThreadPoolExecutor(size, thread_name_prefix="ingest")
    waiting = iter(paths)
    ahead: deque[tuple[Path, Future[Outcome]]] = deque()
    try:
        for _ in paths:
            while len(ahead) < AHEAD * size and (path := next(waiting, None)) is not None:
                ahead.append((path, pool.submit(workers.read, path)))
            path, outcome = ahead.popleft()
            yield path, outcome.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        workers.stop()
        pool.shutdown()
        workers.reap()


def start_process(module: str) -> tuple[subprocess.Popen[bytes], Connection]:
    """A Python process of its own that runs ``module``, and the pipe to it.

    It shares no thread, no lock and no main module with this one.
    """
    ours, theirs = Pipe()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            # What a parser prints must not stand among this process's results.
            stdout=STDERR,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            # Control-C reaches this process alone, which then ends the other.
            process_group=0,
        )
    return process, ours


class Workers:
    """Processes that read files, started when one is needed; may be shared by threads."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._lock = Lock()
        self._all: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._stopped = False

    def read(self, path: Path) -> Outcome:
        worker = self._take()
        try:
            return worker.read(path)
        finally:
            with self._lock:
                if worker.alive:
                    self._idle.append(worker)

    def stop(self) -> None:
        """Kill all; who waits for an answer gets none."""
        with self._lock:
            self._stopped = True
        for worker in self._all:
            worker.kill()

    def reap(self) -> None:
        """Free what killed ones leave, once nobody waits for an answer."""
        for worker in self._all:
            worker.end()

    def _take(self) -> _Worker:
        with self._lock:
            if self._stopped:
                raise IngestError("reading was ended", reason="stopped")
            if self._idle:
                return self._idle.pop()
            worker = _Worker(self._options)
            self._all.append(worker)
        worker.start()
        return worker


class _Worker:
    """One process, for one file at a time; no longer ``alive`` after one that it died of."""

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._process, self._pipe = start_process("ingest.worker")
        self._late = False
        self.alive = True

    def start(self) -> None:
        """Wait until it is ready. Raises ConfigError if it does not come up."""
        try:
            answer = self._ask(self._options)
        except IngestError as error:
            answer = error.message
        if answer != READY:
            self.end()
            raise ConfigError(f"a process that reads files did not start: {answer}")

    def read(self, path: Path) -> Outcome:
        """What stands in a file, or why that cannot be said. Raises ConfigError."""
        try:
            answer = self._ask(path)
            if answer == READING:
                seconds = self._options.seconds
                late = (
                    f"not read within {seconds} s: set RAGLOOP_PARSE_SECONDS higher, or check the "
                    "file"
                )
                answer = self._answer(seconds, late)
        except IngestError as error:
            return error
        match answer:
            case Parsed():
                return answer
            case ("refused", str(reason), str(text)):
                return IngestError(text, reason=reason)
            case ("failed", str(reason), str(text)):
                # Too little memory or half a module may be left for the next file.
                self.end()
                return IngestError(text, reason=reason)
            case ("config", str(text)):
                raise ConfigError(text)
        self.end()
        return _garbled()

    def kill(self) -> None:
        """End the process, also while another thread waits for its answer."""
        self._process.kill()

    def end(self) -> None:
        self.alive = False
        self._pipe.close()
        self.kill()
        self._process.wait()

    def _ask(self, question: object) -> object:
        """What it says to that before it works on it. Raises IngestError; it is ended then."""
        with suppress(OSError):  # to a dead process, as its answer tells
            self._pipe.send(question)
        return self._answer(
            START_SECONDS, f"its reader was not ready within {START_SECONDS:.0f} s: ingest it again"
        )

    def _answer(self, seconds: float, late: str) -> object:
        """The next it says. Raises IngestError, ``late`` after ``seconds``; it is ended then."""
        # Killing it also ends the wait for the rest of half an answer.
        timer = Timer(seconds, self._give_up)
        timer.start()
        try:
            raw = self._pipe.recv_bytes(LONGEST_ANSWER)
        except (EOFError, OSError) as error:
            self.end()
            closed = isinstance(error, EOFError) or error.errno is not None
            raise (self._loss(late) if closed or self._late else _garbled()) from error
        finally:
            timer.cancel()
            timer.join()
        if self._late:
            self.end()
        try:
            answer: object = pickle.loads(raw)
        except Exception as error:
            # Bytes that are no answer may raise anything.
            self.end()
            raise _garbled() from error
        return answer

    def _give_up(self) -> None:
        self._late = True
        self.kill()

    def _loss(self, late: str) -> IngestError:
        if self._late:
            return IngestError(late, reason="timeout")
        if self._process.returncode == -signal.SIGKILL:
            return IngestError(
                "its reader was killed, by someone or for want of memory: ingest it again",
                reason="crashed",
            )
        return IngestError(
            f"its reader died with status {self._process.returncode}: the file is damaged, or "
            f"needs more than RAGLOOP_PARSE_MEMORY_MB={self._options.memory_mb}",
            reason="crashed",
        )


def _garbled() -> IngestError:
    return IngestError(
        "its reader gives an answer that cannot be read: check the file", reason="crashed"
    )
