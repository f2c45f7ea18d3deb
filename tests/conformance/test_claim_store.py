"""Every claim store keeps these promises: the one in Redis and its fake."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from rag_service.adapters.redis_claims import RedisClaimStore
from rag_service.core.protocols import ClaimStore
from tests.fakes.at_once import comes_true
from tests.fakes.redis_servers import place
from tests.fakes.stores import FakeClaimStore

ITEMS = [f"d.{number:04d}" for number in range(2500)]


@pytest.fixture(params=["fake", "redis", "cluster"])
def claims(request: pytest.FixtureRequest) -> ClaimStore:
    if request.param == "fake":
        return FakeClaimStore()
    return RedisClaimStore(*place(request))


def test_batches_follow_one_another_in_order(claims: ClaimStore) -> None:
    assert claims.take("w", ITEMS, 3, "a", 60) == ITEMS[:3]
    assert claims.take("w", ITEMS, 2, "b", 60) == ITEMS[3:5]
    assert claims.take("w", ITEMS[2:], 2, "b", 60) == ITEMS[3:5]
    assert claims.take("w", ITEMS[5:], 1200, "b", 60) == ITEMS[5:1205]
    assert claims.take("w", ITEMS, 2000, "c", 60) == ITEMS[1205:]
    assert claims.take("w", ITEMS, 1, "d", 60) == []


def test_nothing_asked_for_is_nothing_taken(claims: ClaimStore) -> None:
    assert claims.take("w", [], 5, "a", 60) == []
    assert claims.take("w", ITEMS, 0, "a", 60) == []
    assert claims.take("w", ITEMS, 1, "b", 60) == ITEMS[:1]


def test_a_worker_takes_again_what_it_holds(claims: ClaimStore) -> None:
    claims.take("w", ITEMS, 2, "a b", 60)
    assert claims.take("w", ITEMS, 3, "a b", 60) == ITEMS[:3]
    assert claims.take("w", ITEMS, 1, "a", 60) == ITEMS[3:4]


def test_what_is_given_back_is_free_and_what_others_hold_is_not(claims: ClaimStore) -> None:
    claims.take("w", ITEMS, 4, "a", 60)
    claims.give_back("w", ITEMS[1:2], "a")
    claims.give_back("w", ITEMS, "b")
    assert claims.take("w", ITEMS, 2, "b", 60) == [ITEMS[1], ITEMS[4]]
    claims.give_back("w", ITEMS, "a")
    assert claims.take("w", ITEMS, 3, "c", 60) == [ITEMS[0], ITEMS[2], ITEMS[3]]
    claims.give_back("unknown", ITEMS, "a")


def test_pieces_of_work_are_apart_and_can_be_forgotten(claims: ClaimStore) -> None:
    claims.take("w", ITEMS, 2, "a", 60)
    claims.take("v", ITEMS, 2, "a", 60)
    claims.forget("w")
    claims.forget("unknown")
    assert claims.take("w", ITEMS, 1, "b", 60) == ITEMS[:1]
    assert claims.take("v", ITEMS, 1, "b", 60) == ITEMS[2:3]


def test_claims_of_a_worker_that_died_come_free(claims: ClaimStore) -> None:
    claims.take("w", ITEMS, 2, "a", 0.1)
    claims.take("w", ITEMS[2:], 1, "c", 60)
    assert comes_true(lambda: claims.take("w", ITEMS, 2, "b", 60) == ITEMS[:2])
    assert claims.take("w", ITEMS, 1, "c", 60) == ITEMS[2:3]


def test_a_claim_that_is_prolonged_stays(claims: ClaimStore) -> None:
    claims.take("w", ITEMS, 1, "a", 0.1)
    claims.take("w", ITEMS, 1, "a", 60)
    claims.take("short", ITEMS, 1, "a", 0.1)
    assert comes_true(lambda: claims.take("short", ITEMS, 1, "b", 60) == ITEMS[:1])
    assert claims.take("w", ITEMS, 1, "b", 60) == ITEMS[1:2]


def test_workers_at_once_never_hold_the_same(claims: ClaimStore) -> None:
    """Each takes what is not done yet until nothing is left, as workers of a reindex do."""
    items, done = ITEMS[:300], set[str]()

    def work(worker: str) -> list[str]:
        mine: list[str] = []
        while taken := claims.take("w", [i for i in items if i not in done], 7, worker, 60):
            assert taken == sorted(taken)
            mine += taken
            done.update(taken)
        return mine

    with ThreadPoolExecutor(6) as pool:
        shares = list(pool.map(work, "abcdef"))
    assert Counter(item for share in shares for item in share) == Counter(items)
