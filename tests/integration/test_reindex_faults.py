"""``kill -9`` of a worker, a service process and the embedded Redis, throughout a reindex."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random

import pytest

from rag_service.adapters.embedded_redis import EmbeddedRedis
from rag_service.core.errors import StoreUnavailable
from tests.fakes.filings import COMPANIES, filing
from tests.integration.reindexing import BATCH, Place, World, begin, context, serve, work

KILLS = 20
SEED = 5
DOCUMENTS = [filing(company, year) for company in COMPANIES for year in range(2019, 2024)]
ASKED = DOCUMENTS[7][2]
QUESTION = ASKED.embedded_text[:1900]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with EmbeddedRedis(tmp_path) as url:
        yield Place(url, "faults", tmp_path, tmp_path / "encoded", delay=0.01)


def test_nothing_is_lost_doubled_or_stuck_when_any_process_is_killed(place: Place) -> None:
    random = Random(SEED)
    begin(place, DOCUMENTS)
    world = World(place)
    total = len(world.chunks.chunk_ids())
    parts = [0.0, *sorted(random.random() for _ in range(KILLS - 2)), 1.0]
    with Processes(place) as processes:
        for part in parts:
            victim = random.choice(("worker", "service", "redis"))
            pause = random.uniform(0.0, 0.1)
            sys.stdout.write(f"seed {SEED}: {victim}, {pause:.3f} s after {part:.0%} encoded\n")
            processes.work_until(partial(reached, place, part * total))
            time.sleep(pause)
            processes.kill(victim, world)
            answers_right(world)
        processes.start()
        processes.check_service()
        processes.work_until(lambda: world.releases.all()[-1].state == "candidate")

    live, candidate = world.releases.all()
    assert (live.state, candidate.state) == ("live", "candidate")
    written = world.vectors.ids(candidate.index)
    assert written == world.chunks.chunk_ids()
    assert world.vectors.count(candidate.index) == candidate.chunks == total
    assert world.indexer.completeness(candidate).complete
    assert sorted(world.vectors.names()) == sorted([live.index, candidate.index])
    assert len(encoded(place)) == total
    repeated = encoded(place).total() - total
    assert repeated <= 2 * KILLS * BATCH, "a kill costs what was being encoded and written"
    world.close()


class Processes:
    """One worker and one service process, started again when they have ended."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._context = context()
        self._answers = self._context.Value("l", 0)
        self._wrong = self._context.Value("l", 0)
        asked = (place, QUESTION, ASKED.chunk_id, self._answers, self._wrong)
        self._make: dict[str, Callable[[], BaseProcess]] = {
            "worker": lambda: self._context.Process(target=work, args=(place,)),
            "service": lambda: self._context.Process(target=serve, args=asked),
        }
        self._running = {name: make() for name, make in self._make.items()}
        for process in self._running.values():
            process.start()

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._running.values():
            process.kill()
            process.join(10)
            process.close()

    def start(self) -> None:
        for name, process in self._running.items():
            if not process.is_alive():
                process.join()
                process.close()
                self._running[name] = self._make[name]()
                self._running[name].start()

    def kill(self, victim: str, world: World) -> None:
        if victim == "redis":
            with suppress(StoreUnavailable):
                os.kill(int(world.client.info("server")["process_id"]), signal.SIGKILL)
        else:
            self._running[victim].kill()
            self._running[victim].join(10)

    def check_service(self) -> None:
        before = self._answers.value
        wait_until(lambda: self._answers.value > before + 5)
        assert self._wrong.value == 0

    def work_until(self, true: Callable[[], bool]) -> None:
        """Keep the processes running until then."""

        def started() -> bool:
            self.start()
            return true()

        wait_until(started)


def reached(place: Place, chunks: float) -> bool:
    return len(encoded(place)) >= chunks


def encoded(place: Place) -> Counter[str]:
    """How often each text was given to the new model."""
    log = place.log.read_text().splitlines()
    return Counter(line for line in log if line.startswith("better\t"))


def answers_right(world: World) -> None:
    """The live release gives the right answer as soon as it can be reached."""

    def answered() -> bool:
        try:
            (hit,) = world.retriever.search(QUESTION, k=1).hits
        except StoreUnavailable:
            return False
        assert (hit.chunk.chunk_id, hit.model) == (ASKED.chunk_id, "base")
        return True

    wait_until(answered)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)
