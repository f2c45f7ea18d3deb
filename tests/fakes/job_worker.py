"""A worker process whose jobs do as their arguments say.

``-m tests.fakes.job_worker URL NS [HOME]``: with HOME it tends the uploads of that home. It is not
alone any more as soon as there is a key ``NS:displaced``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import redis

from rag_service.adapters.redis_client import connect
from rag_service.adapters.redis_job_events import RedisJobEvents
from rag_service.adapters.rq_jobs import RqJobQueue
from rag_service.core.errors import InvalidRequest
from rag_service.core.types import JobKind
from rag_service.logs import scrubber
from rag_service.loop.uploads import Uploads


def queue_on(client: redis.Redis, namespace: str) -> RqJobQueue:
    """A queue whose jobs are those below; whatever arguments they have."""
    events = RedisJobEvents(client, namespace)
    return RqJobQueue(client, namespace, events, f"{_NAME}.run", lambda _, asked: dict(asked))


def run(job: str, kind: JobKind, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """``wait`` until that file is there, with a line in ``noted``.

    ``fail`` with that reason, or with ``unforeseen`` as with one that nobody foresaw; ``refuse``
    is what is refused in a job that is done.
    """
    _, url, namespace, *_ = sys.argv
    events = RedisJobEvents(connect(url), namespace)
    events.progress(job, kind, 1, 2)
    events.log(job, f"a line of {kind}")
    if "noted" in arguments:
        with Path(arguments["noted"]).open("a") as noted:
            noted.write("began\n")
    until = time.monotonic() + 60
    while "wait" in arguments and not Path(arguments["wait"]).exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    if "fail" in arguments:
        raise InvalidRequest(arguments["fail"])
    if "unforeseen" in arguments:
        raise ValueError(arguments["unforeseen"])
    events.progress(job, kind, 2, 2)
    return {"kind": kind} | ({"refused": arguments["refuse"]} if "refuse" in arguments else {})


_NAME = "tests.fakes.job_worker"

if __name__ == "__main__":
    from rag_service.adapters.rq_worker import work_off

    client = connect(sys.argv[1])
    queue = queue_on(client, sys.argv[2])
    for home in sys.argv[3:]:
        queue.ended = partial(Uploads(Path(home)).sweep, queue.all)
    work_off(
        queue,
        RedisJobEvents(client, sys.argv[2]),
        scrub=scrubber([]),
        refused=lambda result: str(result.get("refused", "")),
        still_alone=lambda: not client.exists(f"{sys.argv[2]}:displaced"),
    )
