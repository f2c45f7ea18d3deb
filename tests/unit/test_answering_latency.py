"""Live searches are reported to the latency log, others are not, and none waits for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rag_service.answering.latency_reporter import LatencyReporter
from rag_service.answering.retrieve import Retriever
from rag_service.core.errors import StoreUnavailable
from tests.fakes.answering import World
from tests.fakes.filings import filings
from tests.fakes.stores import FakeLatencyLog


def wait_for(log: FakeLatencyLog, n: int) -> list[float]:
    deadline = time.monotonic() + 10
    while len(log.recent(60)) < n:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return log.recent(60)


def test_what_was_added_is_in_the_log_soon() -> None:
    log = FakeLatencyLog()
    reporter = LatencyReporter(log, seconds=0.01)
    reporter.add(12.0)
    assert wait_for(log, 1) == [12.0]
    reporter.add(13.0)
    reporter.add(14.0)
    assert sorted(wait_for(log, 3)) == [12.0, 13.0, 14.0]
    reporter.close()


def test_searches_of_the_live_release_are_reported_and_no_others(tmp_path: Path) -> None:
    world, log = World(tmp_path), FakeLatencyLog()
    live = world.add_release("ma", filings(companies=1), live=True)
    reporter = LatencyReporter(log, seconds=0.01)
    retriever = Retriever(world.serving, world.vectors, 2000, reporter)
    retriever.search("net sales", release=live.release)
    retriever.search("net sales")
    (milliseconds,) = wait_for(log, 1)
    assert 0 < milliseconds < 10_000
    reporter.close()
    assert len(log.recent(60)) == 1


def test_a_store_that_is_away_costs_figures_and_no_request() -> None:
    class Away(FakeLatencyLog):
        tried = 0

        def record(self, milliseconds: Sequence[float]) -> None:
            self.tried += 1
            if self.tried == 1:
                raise StoreUnavailable("Redis is away")
            super().record(milliseconds)

    log = Away()
    reporter = LatencyReporter(log, seconds=0.01)
    reporter.add(12.0)
    deadline = time.monotonic() + 10
    while not log.tried:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    reporter.add(13.0)
    assert wait_for(log, 1) == [13.0]
    reporter.close()
