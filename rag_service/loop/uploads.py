"""Files that were sent to the service, until the job that reads them is over."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rag_service.core.types import JobRecord
from rag_service.loop.job_arguments import UPLOADS

_PREFIX = "upload-"


class Upload:
    """A folder for one file; ``handed_over`` once a job is to read it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.handed_over = False


class Uploads:
    """``<home>/uploads``, with a folder for each file, so that the file has its own name."""

    def __init__(self, home: Path) -> None:
        self._folder = home / UPLOADS

    @contextmanager
    def receiving(self) -> Iterator[Upload]:
        """A new folder, which is deleted with what is in it unless it is handed over."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with _locked(self._folder, fcntl.LOCK_SH):
            upload = Upload(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self._folder)))
            in_use = os.open(upload.folder, os.O_RDONLY)
            fcntl.flock(in_use, fcntl.LOCK_EX)
        try:
            yield upload
        finally:
            if not upload.handed_over:
                shutil.rmtree(upload.folder, ignore_errors=True)
            os.close(in_use)

    def sweep(self, jobs: Callable[[], Iterable[JobRecord]]) -> None:
        """Delete what nobody sends any more and none of the home's ``jobs`` is yet to read."""
        if not self._folder.is_dir():
            return
        with _locked(self._folder, fcntl.LOCK_EX):
            idle = [folder for folder in self._folder.glob(f"{_PREFIX}*") if not _is_in_use(folder)]
        # Asked after the folders: what was handed over in between has its job by now.
        wanted = {
            Path(path).parent.name
            for job in jobs()
            if not job.over
            for path in job.arguments.get("paths", ())
        }
        for folder in idle:
            if folder.name not in wanted:
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _locked(folder: Path, kind: int) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, kind)
        yield
    finally:
        os.close(descriptor)


def _is_in_use(folder: Path) -> bool:
    """Whether a process holds it, or whether it is gone."""
    try:
        with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
            return False
    except (BlockingIOError, FileNotFoundError):
        return True
