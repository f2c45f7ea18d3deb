"""Releases that a process works with are held until it lets go or dies."""

from __future__ import annotations

import logging
import threading
from collections import Counter

import pytest

from rag_service.core.errors import NotFound, ReleaseConflict, StoreUnavailable
from rag_service.core.types import Release
from rag_service.indexing.holding import Holder
from tests.fakes.at_once import at_once, comes_true
from tests.fakes.stores import FakeRedis, FakeReleaseStore


class WatchedReleases(FakeReleaseStore):
    """Counts what is asked of it, and is away while ``away`` is set."""

    def __init__(self) -> None:
        self.redis = FakeRedis()
        super().__init__(self.redis)
        self.uses: Counter[str] = Counter()
        self.away = False
        for name in ("r1", "r2"):
            self.put(Release(name, "candidate", "m", f"ix-{name}", 4, 0, name))

    def use(self, release: str, user: str, seconds: float) -> None:
        self.uses[release] += 1
        self._answer()
        super().use(release, user, seconds)

    def leave(self, release: str, user: str) -> None:
        self._answer()
        super().leave(release, user)

    def _answer(self) -> None:
        if self.away:
            raise StoreUnavailable("Redis does not answer")


@pytest.fixture
def releases() -> WatchedReleases:
    return WatchedReleases()


def test_what_is_held_is_not_deleted_until_it_is_released(releases: WatchedReleases) -> None:
    holder = Holder(releases, "me")
    holder.hold("r1")
    with pytest.raises(ReleaseConflict, match="me"):
        releases.delete("r1")
    holder.release("r1")
    holder.release("r2")
    releases.delete("r1")
    holder.close()


def test_only_the_first_hold_asks_the_store(releases: WatchedReleases) -> None:
    holder = Holder(releases, "me")
    at_once(*[lambda: holder.hold("r1")] * 4)
    assert releases.uses["r1"] <= 4
    asked = releases.uses["r1"]
    for _ in range(100):
        holder.hold("r1")
    assert releases.uses["r1"] == asked
    holder.close()


def test_what_is_held_stays_held_beyond_the_life_of_a_note(releases: WatchedReleases) -> None:
    holder = Holder(releases, "me", seconds=0.2)
    holder.hold("r1")
    holder.hold("r2")
    holder.release("r2")
    assert comes_true(lambda: releases.uses["r1"] >= 7)
    assert comes_true(lambda: releases.users("r1") == {"me"})
    assert releases.users("r2") == set()
    assert releases.uses["r2"] == 1
    holder.close()


def test_a_store_that_is_away_is_asked_again(
    releases: WatchedReleases, caplog: pytest.LogCaptureFixture
) -> None:
    holder = Holder(releases, "me", seconds=0.1)
    holder.hold("r1")
    with caplog.at_level(logging.WARNING):
        releases.away = True
        assert comes_true(lambda: releases.users("r1") == set())
        releases.away = False
        assert comes_true(lambda: releases.users("r1") == {"me"})
    assert "does not answer" in caplog.text
    holder.close()


def test_a_release_that_is_gone_is_forgotten(releases: WatchedReleases) -> None:
    holder = Holder(releases, "me", seconds=0.1)
    with pytest.raises(NotFound):
        holder.hold("r9")
    holder.hold("r1")
    holder.hold("r2")
    with releases.redis.step:
        releases.leave("r1", "me")
        releases.delete("r1")
    assert comes_true(lambda: at_once(lambda: holder.hold("r1")) == ["NotFound"])
    asked, others = releases.uses["r1"], releases.uses["r2"]
    assert comes_true(lambda: releases.uses["r2"] > others + 2)
    assert releases.uses["r1"] == asked
    holder.close()


def test_what_lapses_stays_held_for_one_life_of_a_note(releases: WatchedReleases) -> None:
    now = [0.0]
    releases.redis.clock = lambda: now[0]
    holder = Holder(releases, "me", seconds=0.2)
    holder.hold("r1")
    holder.hold("r2")
    holder.lapse("r1")
    holder.lapse("never held")
    now[0] = 0.15
    renewed = releases.uses["r2"]
    assert comes_true(lambda: releases.uses["r2"] >= renewed + 2)
    assert releases.users("r1") == {"me"}
    now[0] = 0.25
    assert releases.users("r1") == set()
    assert releases.users("r2") == {"me"}
    holder.hold("r1")
    holder.lapse("r1")
    holder.close()
    assert releases.users("r1") == set()


def test_a_hold_that_fails_is_no_hold(releases: WatchedReleases) -> None:
    holder = Holder(releases, "me")
    releases.away = True
    with pytest.raises(StoreUnavailable):
        holder.hold("r1")
    releases.away = False
    holder.hold("r1")
    assert releases.users("r1") == {"me"}
    holder.close()


def test_closing_lets_go_of_all_and_ends_the_thread(releases: WatchedReleases) -> None:
    before = threading.active_count()
    holder = Holder(releases, "me")
    holder.hold("r1")
    holder.hold("r2")
    assert threading.active_count() == before + 1
    holder.close()
    holder.close()
    assert threading.active_count() == before
    assert releases.users("r1") == releases.users("r2") == set()


def test_closing_while_the_store_is_away_is_no_error(
    releases: WatchedReleases, caplog: pytest.LogCaptureFixture
) -> None:
    holder = Holder(releases, "me", seconds=60)
    holder.hold("r1")
    releases.away = True
    with caplog.at_level(logging.WARNING):
        holder.close()
    assert "r1 stays noted as used for 60 s" in caplog.text
