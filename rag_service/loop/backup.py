"""All that one home holds, in one file, and back into this home or another one."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

from rag_service.adapters.archive import ArchiveWriter, unpack, writing
from rag_service.adapters.redis_copy import RedisCopy
from rag_service.core.errors import InvalidRequest, JobRunning, NotFound
from rag_service.core.ids import now
from rag_service.core.protocols import ChunkStore, Progress, ReleaseStore, no_progress
from rag_service.loop.jobs import JobStore

_FILINGS, _JOBS = "filings", "jobs"
_PARTS = (_JOBS, "models", "rerankers", "history", "question_sets", "feedback.jsonl")
"""What a home holds beside filings and Redis's own data; all else can be made again."""
_OF_NO_USE = frozenset({"checkpoints", "lock", "model", "model.part"})
"""In a job's folder: a trained model is kept in ``models``; an unfinished training begins anew."""
_ROWS_BYTES = 8 << 20
_REDIS, _HOME = "redis", "home"


@dataclass(frozen=True, slots=True)
class BackupResult:
    """What was backed up or restored: of which home and namespace, when, and how much."""

    file: Path
    home: Path
    namespace: str
    created: str
    live: str
    counts: Mapping[str, int]
    """Of ``documents``, ``chunks``, ``releases``, ``models``, ``files`` and Redis's ``keys``."""
    seconds: float
    replaced: Mapping[str, int]
    """Counts of what stood in the home before a restore, which is lost."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": str(self.file),
            "bytes": self.file.stat().st_size,
            "home": str(self.home),
            "namespace": self.namespace,
            "created": self.created,
            "live": self.live,
            "counts": dict(self.counts),
            "seconds": self.seconds,
            "replaced": dict(self.replaced),
        }


class Backups:
    """Backs up and restores ``home`` with its ``namespace``.

    ``hold`` keeps a release from being deleted for the life of this process; ``forget_jobs``
    empties the worker's queue.
    """

    def __init__(
        self,
        home: Path,
        namespace: str,
        copy: RedisCopy,
        chunks: ChunkStore,
        releases: ReleaseStore,
        jobs: JobStore,
        hold: Callable[[str], None],
        forget_jobs: Callable[[], None],
    ) -> None:
        self._home = home
        self._namespace = namespace
        self._copy = copy
        self._chunks = chunks
        self._releases = releases
        self._jobs = jobs
        self._hold = hold
        self._forget_jobs = forget_jobs

    def back_up(self, file: Path, progress: Progress = no_progress) -> BackupResult:
        """Write ``file``, of one moment of the documents, while the service goes on.

        A document that arrives waits until documents, indexes and filings are copied. Raises
        InvalidRequest if the file is there.
        """
        started = time.perf_counter()
        head = {"ragloop": version("ragloop"), "created": now(), "namespace": self._namespace}
        with writing(file, head) as archive:
            with self._jobs.unchanging():
                for release in self._releases.all():
                    self._hold(release.release)
                live = self._releases.current()
                counts = {**self._counts(), "keys": self._add_keys(archive, progress)}
                counts["files"] = self._add_files(archive, (_FILINGS,), progress)
            counts["files"] += self._add_files(archive, _PARTS, progress)
            manifest = {**head, "live": live.release if live else "", "counts": counts}
            archive.close(manifest)
        return self._result(file, manifest, started, {})

    def restore(
        self, file: Path, *, force: bool = False, progress: Progress = no_progress
    ) -> BackupResult:
        """Put a backup in place of what this home and namespace hold.

        Nothing is changed before all of the file was read, found whole and is on the home's disk.
        A restore that was killed leaves a home without a live release, which another one with
        ``force`` mends.

        Raises DataError for a file that is damaged or of another version, InvalidRequest for a
        home that holds something, unless ``force`` is given, and JobRunning while it is in use.
        """
        started = time.perf_counter()
        if not file.is_file():
            raise NotFound(f"there is no file {file}")
        with self._jobs.replacing():
            lost = self._lost(force)
            with self._unpacked(file, progress) as (folder, manifest):
                self._forget_jobs()
                self._copy.clear()
                for place in self._places():
                    _remove(place)
                self._move_from(folder / _HOME)
                rows = _lines(folder / _REDIS)
                self._copy.write(rows, manifest["counts"]["keys"], progress)
        return self._result(file, manifest, started, lost)

    def _add_keys(self, archive: ArchiveWriter, progress: Progress) -> int:
        """In parts, of which one at a time is in memory."""
        rows: list[bytes] = []
        size = parts = keys = 0

        def add() -> None:
            nonlocal size, parts
            archive.add(f"{_REDIS}/{parts:06d}.jsonl", b"".join(rows))
            rows.clear()
            size, parts = 0, parts + 1

        for row in self._copy.read(progress):
            rows.append(row)
            keys, size = keys + 1, size + len(row)
            if size >= _ROWS_BYTES:
                add()
        add()
        return keys

    def _add_files(self, archive: ArchiveWriter, parts: tuple[str, ...], progress: Progress) -> int:
        files = [path for part in parts for path in _files(self._home / part)]
        added = 0
        for done, path in enumerate(files):
            progress("copy files", done, len(files))
            with suppress(FileNotFoundError):  # a job needed it for a time
                archive.add_file(f"{_HOME}/{path.relative_to(self._home).as_posix()}", path)
                added += 1
        progress("copy files", len(files), len(files))
        return added

    def _lost(self, force: bool) -> dict[str, int]:
        """Counts of what a restore deletes; empty where nothing is.

        Raises InvalidRequest if there is something, without ``force``, and JobRunning while
        another process serves or builds a release.
        """
        for release in self._releases.all():
            if users := self._releases.users(release.release):
                raise JobRunning(
                    f"release {release.release} of this home is in use by "
                    f"{', '.join(sorted(users))}: stop that first (one that was killed counts for "
                    "up to five minutes)"
                )
        files = sum(1 for place in self._places() for _ in _files(place))
        keys = len(self._copy.names())
        if not files and not keys:
            return {}
        lost = {**self._counts(), "keys": keys, "files": files}
        if not force:
            raise InvalidRequest(
                f"{self._home} (namespace {self._namespace}) holds {told(lost)}, which a restore "
                "would delete: give --force, or set RAGLOOP_HOME and RAGLOOP_NAMESPACE to others"
            )
        return lost

    @contextmanager
    def _unpacked(self, file: Path, progress: Progress) -> Iterator[tuple[Path, dict[str, Any]]]:
        """A folder on the home's disk with all that stands in a backup, and its manifest."""
        for left in self._home.glob(".restoring-*"):  # by a restore that was killed
            shutil.rmtree(left)
        folder = self._home / f".restoring-{uuid4().hex[:8]}"
        progress("read the backup", 0, 0)
        try:
            yield folder, unpack(file, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _counts(self) -> dict[str, int]:
        documents = self._chunks.documents()
        return {
            "documents": len(documents),
            "chunks": sum(document.chunks for document in documents),
            "releases": len(self._releases.all()),
            "models": len(list((self._home / "models").glob("m*/ragloop.json"))),
        }

    def _places(self) -> list[Path]:
        """What a restore replaces in the home: not the files that processes lock."""
        jobs = [place for place in (self._home / _JOBS).glob("*") if place.is_dir()]
        return jobs + [self._home / part for part in (_FILINGS, *_PARTS) if part != _JOBS]

    def _move_from(self, folder: Path) -> None:
        for job in (folder / _JOBS).glob("*"):
            job.rename(self._home / _JOBS / job.name)
        for part in (_FILINGS, *_PARTS):
            if part != _JOBS and (folder / part).exists():
                (folder / part).rename(self._home / part)

    def _result(
        self,
        file: Path,
        manifest: Mapping[str, Any],
        started: float,
        replaced: Mapping[str, int],
    ) -> BackupResult:
        return BackupResult(
            file=file.absolute(),
            home=self._home,
            namespace=self._namespace,
            created=manifest["created"],
            live=manifest["live"],
            counts=manifest["counts"],
            seconds=round(time.perf_counter() - started, 2),
            replaced=replaced,
        )


def _files(place: Path) -> Iterator[Path]:
    """The file, or those in a folder and in its folders, without hidden ones, in order."""
    if place.is_file():
        yield place
    of_jobs = _JOBS in (place.name, place.parent.name)
    for folder, folders, names in os.walk(place, followlinks=True):
        folders[:] = sorted(name for name in folders if _is_kept(name, of_jobs))
        if Path(folder).name == _JOBS and Path(folder) == place:
            continue  # beside the jobs lies what processes lock
        for name in sorted(names):
            if _is_kept(name, of_jobs):
                yield Path(folder, name)


def _is_kept(name: str, of_jobs: bool) -> bool:
    return not name.startswith(".") and not (of_jobs and name in _OF_NO_USE)


def _lines(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.glob("*.jsonl")):
        with path.open("rb") as file:
            yield from file


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def told(counts: Mapping[str, int]) -> str:
    """Such as ``1 document, 31 files``."""
    return ", ".join(f"{n} {what if n != 1 else what[:-1]}" for what, n in counts.items() if n)
