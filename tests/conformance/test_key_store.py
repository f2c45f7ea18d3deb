"""Every key store keeps these promises: the one in Redis and its fake."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag_service.adapters.redis_api_keys import RedisKeyStore
from rag_service.core.api_keys import digest, new_key
from rag_service.core.errors import InvalidRequest, NotFound
from rag_service.core.protocols import KeyStore
from rag_service.core.types import ApiKey
from tests.fakes.at_once import at_once
from tests.fakes.keys import FakeKeyStore
from tests.fakes.redis_servers import place

PAT = ApiKey("pat", frozenset({"ask", "ingest"}), "2024-01-01T00:00:00Z")
SAM = ApiKey("sam", frozenset({"operate"}), "2024-01-02T00:00:00Z", "2024-02-01T00:00:00Z")


@pytest.fixture(params=["fake", "redis", "cluster"])
def keys(request: pytest.FixtureRequest) -> KeyStore:
    if request.param == "fake":
        return FakeKeyStore()
    return RedisKeyStore(*place(request))


def test_a_key_is_found_by_its_digest_alone(keys: KeyStore) -> None:
    keys.add("d1", PAT)
    keys.add("d2", SAM)
    found = keys.find("d2")
    assert found is not None
    assert replace(found, used="") == SAM
    assert keys.find("d") is None
    assert keys.find("pat") is None


def test_its_last_use_is_noted(keys: KeyStore) -> None:
    keys.add("d1", PAT)
    keys.add("d2", SAM)
    assert keys.all() == [PAT, SAM]
    keys.find("d2")
    first, second = keys.all()
    assert first.used == ""
    assert second.used > SAM.created


def test_a_removed_key_is_unknown_and_its_name_free(keys: KeyStore) -> None:
    keys.add("d1", PAT)
    keys.find("d1")
    keys.remove("pat")
    assert keys.find("d1") is None
    assert keys.all() == []
    keys.add("d2", PAT)
    assert keys.all() == [PAT]
    keys.add("d3", SAM)
    with pytest.raises(NotFound, match=r"pat.*sam"):
        keys.remove("eve")


def test_of_two_keys_of_one_name_the_first_stays(keys: KeyStore) -> None:
    outcomes = at_once(lambda: keys.add("d1", PAT), lambda: keys.add("d2", PAT))
    assert sorted(outcomes) == ["", "InvalidRequest"]
    with pytest.raises(InvalidRequest, match="pat"):
        keys.add("d3", PAT)
    assert keys.all() == [PAT]


def test_a_key_is_long_and_never_the_same() -> None:
    made = {new_key() for _ in range(100)}
    assert len(made) == 100
    assert all(key.startswith("rl_") and len(key) == 46 for key in made)
    assert len({digest(key) for key in made}) == 100
