"""Uploads go when their job is over, however it ends, and no sooner."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import redis

from rag_service.core.types import JobRecord
from rag_service.loop.uploads import Uploads
from tests.fakes.at_once import comes_true
from tests.fakes.job_worker import queue_on

ROOT = Path(__file__).parents[2]


def test_an_upload_goes_with_the_job_that_was_to_read_it(
    client: redis.Redis, redis_url: str, namespace: str, tmp_path: Path
) -> None:
    queue, uploads = queue_on(client, namespace), Uploads(tmp_path)
    queue.ended = partial(uploads.sweep, queue.all)
    wait = tmp_path / "go"

    def sent(**arguments: str) -> tuple[JobRecord, Path]:
        with uploads.receiving() as upload:
            file = upload.folder / "a.pdf"
            file.write_bytes(b"%PDF-1.7")
            paths = {"paths": [f"{upload.folder.name}/{file.name}"]}
            job = queue.start("ingest", paths | arguments)
            upload.handed_over = True
        return job, file

    done, failed = sent(), sent(fail="its file is broken")
    cancelled, waiting = sent(wait=str(wait)), sent()
    assert queue.cancel(waiting[0].job).state == "cancelled"
    assert not waiting[1].exists()
    arguments = [redis_url, namespace, str(tmp_path)]
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.job_worker", *arguments], cwd=ROOT
    )
    try:
        assert comes_true(lambda: queue.get(cancelled[0].job).state == "running")
        assert queue.get(done[0].job).state == "done"
        assert queue.get(failed[0].job).state == "failed"
        assert [job[1].exists() for job in (done, failed, cancelled)] == [False, False, True]
        queue.cancel(cancelled[0].job)
        assert comes_true(lambda: not cancelled[1].exists())
        assert queue.get(cancelled[0].job).state == "cancelled"
        assert list((tmp_path / "uploads").iterdir()) == []
    finally:
        worker.kill()
        worker.wait()
        queue.close()
