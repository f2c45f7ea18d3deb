"""A job's journal: which steps are done, so that a killed job goes on where it stopped."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from rag_service.core.errors import JobRunning, RagloopError
from rag_service.core.files import write_atomically
from rag_service.core.ids import now
from rag_service.core.telemetry import NO_TRACER, Tracer

Result = TypeVar("Result", bound="str | int | list[str] | dict[str, Any]")


class Job:
    """One run of a kind of work, kept as ``<home>/jobs/<id>/journal.json``.

    Steps are named; the JSON-able result of a finished step is kept and given back to a resumed
    job instead of running the step again.
    """

    def __init__(self, folder: Path, journal: dict[str, Any], tracer: Tracer = NO_TRACER) -> None:
        self.folder = folder
        self._journal = journal
        self._tracer = tracer

    @property
    def id(self) -> str:
        return str(self._journal["job"])

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds that each finished step took, in order."""
        return {name: step["seconds"] for name, step in self._journal["steps"].items()}

    def step(self, name: str, work: Callable[[], Result]) -> Result:
        """The result of ``work``, run once in the life of the job."""
        steps = self._journal["steps"]
        if name not in steps:
            started = time.perf_counter()
            with self._tracer.span(name):
                result = work()
            seconds = round(time.perf_counter() - started, 2)
            steps[name] = {"result": result, "seconds": seconds}
            self._save()
        kept: Result = steps[name]["result"]
        return kept

    def again(self, name: str) -> None:
        """Have a step run once more: what it left is gone."""
        self._journal["steps"].pop(name, None)

    def finish(self) -> None:
        self._end("done", "")

    def fail(self, reason: str) -> None:
        """End with a reason; a failed job is not resumed."""
        self._end("failed", reason)

    def _end(self, state: str, reason: str) -> None:
        self._journal |= {"state": state, "reason": reason, "ended": now()}
        self._save()

    def _save(self) -> None:
        write_atomically(self.folder / "journal.json", json.dumps(self._journal, indent=1))


class JobStore:
    """Jobs under ``<home>/jobs``; of those that want to be alone, one of a home runs at a time."""

    def __init__(self, home: Path, tracer: Tracer = NO_TRACER) -> None:
        self._folder = home / "jobs"
        self._tracer = tracer

    @contextmanager
    def run(self, kind: str, arguments: Mapping[str, Any], *, alone: bool = True) -> Iterator[Job]:
        """The unfinished job of this kind and these arguments, or a new one.

        Processes that run the same job at once, which is not ``alone``, share its journal: the
        results of its steps must be the same in all of them. Raises JobRunning if another process
        runs a job that is alone. An error that cannot mend by itself ends the job as failed; a
        retryable one, or a kill, leaves it to be resumed.
        """
        arguments = json.loads(json.dumps(arguments))  # as a journal gives them back
        with self._alone("lock", "another job runs") if alone else nullcontext():
            with self._locked("journals", fcntl.LOCK_EX):
                job = self._unfinished(kind, arguments) or self._new(kind, arguments)
            try:
                with self._tracer.span(f"job {kind}", current=True):
                    yield job
            except RagloopError as error:
                if not error.retryable:
                    job.fail(error.message)
                raise
            job.finish()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Held while documents are added to or taken from the live release.

        Raises JobRunning if another process does so.
        """
        with self._alone("writing", "another process ingests or removes documents"):
            yield

    @contextmanager
    def working_off(self, in_use: Callable[[], None]) -> Iterator[str]:
        """Held by the one process of a home that runs queued jobs; gives that home's own name.

        Where another one does, ``in_use`` is called, and its end waited for. Children that are
        forked meanwhile hold it too: as long as a job runs, no other process begins one.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(self._locked("worker", fcntl.LOCK_EX | fcntl.LOCK_NB))
            except BlockingIOError:
                in_use()
                stack.enter_context(self._locked("worker", fcntl.LOCK_EX))
            home = os.open(self._folder / "home", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
            stack.callback(os.close, home)
            yield f"{socket.gethostname()}:{self._folder.parent}:{_said_in(home)}"

    def are_worked_off(self) -> bool:
        """Whether a process is in `working_off`."""
        try:
            with self._locked("worker", fcntl.LOCK_SH | fcntl.LOCK_NB):
                return False
        except BlockingIOError:
            return True

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Held while one document is added or taken; a backup that runs is waited for."""
        with self._locked("backup", fcntl.LOCK_EX):
            pass  # a backup that waits comes first, however soon the next document follows
        with self._locked("changing", fcntl.LOCK_EX):
            yield

    @contextmanager
    def unchanging(self) -> Iterator[None]:
        """Held by a backup: it waits for the document that is just written, and the next for it."""
        with self._locked("backup", fcntl.LOCK_EX), self._locked("changing", fcntl.LOCK_EX):
            yield

    @contextmanager
    def replacing(self) -> Iterator[None]:
        """Held while all of a home is replaced. Raises JobRunning if anything works on it."""
        with (
            self._alone("worker", "`ragloop serve` or `ragloop worker` runs"),
            self._alone("lock", "a job runs"),
            self.writing(),
            self.unchanging(),
        ):
            yield

    def all(self) -> list[dict[str, Any]]:
        """Every journal, oldest first."""
        journals = [json.loads(p.read_text()) for p in self._folder.glob("*/journal.json")]
        return sorted(journals, key=lambda journal: (journal["started"], journal["job"]))

    def _unfinished(self, kind: str, arguments: Mapping[str, Any]) -> Job | None:
        for journal in reversed(self.all()):
            if (journal["kind"], journal["arguments"]) == (kind, dict(arguments)):
                if journal["state"] == "running":
                    return Job(self._folder / journal["job"], journal, self._tracer)
                return None
        return None

    def _new(self, kind: str, arguments: Mapping[str, Any]) -> Job:
        name = f"{kind}-{now().replace(':', '').replace('-', '')}-{uuid.uuid4().hex[:4]}"
        journal = {
            "job": name,
            "kind": kind,
            "arguments": dict(arguments),
            "state": "running",
            "reason": "",
            "started": now(),
            "ended": "",
            "steps": {},
        }
        job = Job(self._folder / name, journal, self._tracer)
        job._save()
        return job

    @contextmanager
    def _alone(self, name: str, what: str) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(self._locked(name, fcntl.LOCK_EX | fcntl.LOCK_NB))
            except BlockingIOError as error:
                raise JobRunning(
                    f"{what} in {self._folder.parent}; wait for it or end it"
                ) from error
            yield

    @contextmanager
    def _locked(self, name: str, kind: int) -> Iterator[None]:
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / name).open("w") as lock:
            fcntl.flock(lock, kind)
            yield


class WorkerSlot:
    """A name that no other living process of a home has, until it is closed or the process dies.

    The next process takes the lowest name that is free, and with it what a dead one held.
    """

    def __init__(self, home: Path) -> None:
        folder = home / "jobs"
        folder.mkdir(parents=True, exist_ok=True)
        number = 0
        while (lock := _locked_now(folder / f"worker-{number}.lock")) is None:
            number += 1
        self._lock = lock
        # Neither a host's name nor a folder's is one of its own where machines are alike.
        self.name = f"{socket.gethostname()}:{_said_in(lock)}:{number}"

    def close(self) -> None:
        """Give the name up."""
        os.close(self._lock)


def _said_in(file: int) -> str:
    """What a file says, which from its first use on is something that no other one does."""
    said = os.pread(file, 100, 0).decode()
    if not said:
        said = uuid.uuid4().hex[:8]
        os.write(file, said.encode())
    return said


def _locked_now(path: Path) -> int | None:
    """A descriptor that holds the lock on a file, or None if another process holds it."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
