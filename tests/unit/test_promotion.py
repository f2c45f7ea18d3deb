"""What goes live, what comes back, and which releases and indexes go."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from rag_service.core.errors import ModelError, NotFound, StoreError, StoreUnavailable
from rag_service.indexing.holding import Holder
from tests.fakes.filings import filing
from tests.fakes.models import FakeEmbedder
from tests.unit.test_indexing import DIMS, World, card


@pytest.fixture
def world() -> World:
    """Release r0001 of model ``base`` is live; the newest two of each state are kept."""
    world = World()
    world.promoter.ensure_live(lambda: card("base"))
    world.put(filing("Alder Mills", 2022))
    return world


def models(world: World) -> list[str]:
    return [release.model for release in world.releases.all()]


def promote(world: World, *names: str) -> None:
    for name in names:
        world.promoter.promote(world.indexer.build(card(name)).release)


def test_builds_that_nobody_went_on_with_go_but_for_the_newest(world: World) -> None:
    for name in ("one", "two", "three", "four"):
        world.indexer.start(card(name))
    with closing(Holder(world.releases, "worker")) as holder:
        holder.hold("r0002")
        promote(world, "better")
        assert models(world) == ["base", "one", "three", "four", "better"]
    promote(world, "best")
    assert models(world) == ["base", "three", "four", "better", "best"]
    assert sorted(world.redis.indexes) == [release.index for release in world.releases.all()]
    assert world.indexer.start(card("three")).release == "r0004", "which can still be resumed"


def test_an_encoder_of_another_model_does_not_go_live(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = world.indexer.build(card("better"))
    monkeypatch.setattr(world.registry, "load", lambda _: FakeEmbedder(DIMS, "other"))
    with pytest.raises(ModelError, match="other"):
        world.promoter.promote(candidate.release)
    assert world.releases.current() == world.releases.get("r0001")


def test_an_index_of_another_model_does_not_go_live(world: World) -> None:
    candidate = world.indexer.build(card("better"))
    index = world.redis.indexes[candidate.index]
    index.spec = replace(index.spec, model="base")
    with pytest.raises(StoreError, match="holds vectors of model base"):
        world.promoter.promote(candidate.release)
    assert world.releases.current() == world.releases.get("r0001")


def test_a_rollback_without_new_documents_needs_no_encoder(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(world, "better")
    loaded: list[str] = []
    monkeypatch.setattr(world.registry, "load", loaded.append)
    assert world.promoter.rollback().release == "r0001"
    assert loaded == []


def test_what_somebody_uses_stays_until_it_is_let_go(world: World) -> None:
    with closing(Holder(world.releases, "evaluation")) as holder:
        holder.hold("r0001")
        promote(world, "one", "two", "three")
        assert models(world) == ["base", "one", "two", "three"]
        world.promoter.promote(world.releases.all()[0].release)
        promote(world, "four")
        assert "base" in models(world)
    promote(world, "five", "six")
    assert models(world) == ["four", "five", "six"]
    assert sorted(world.redis.indexes) == [release.index for release in world.releases.all()]


def test_what_a_dead_process_used_goes_when_its_time_is_over(world: World) -> None:
    world.releases.use("r0001", "dead", 300)
    promote(world, "one", "two", "three")
    assert "base" in models(world)
    world.redis.clock = lambda: time.monotonic() + 301
    promote(world, "four")
    assert models(world) == ["two", "three", "four"]


def test_a_release_is_held_while_it_is_promoted(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    candidate = world.indexer.build(card("better"))
    held: list[set[str]] = []
    real = world.releases.swap

    def swap(*arguments: Any, **options: Any) -> None:
        held.append(world.releases.users(candidate.release))
        real(*arguments, **options)

    monkeypatch.setattr(world.releases, "swap", swap)
    world.promoter.promote(candidate.release)
    assert [len(users) for users in held] == [1]
    assert world.releases.users(candidate.release) == set()


def test_a_retention_that_was_killed_is_finished_by_the_next_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(world, "one", "two")
    candidate = world.indexer.build(card("three"))

    def die(index: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(world.vectors, "drop", die)
        with pytest.raises(KeyboardInterrupt):
            world.promoter.promote(candidate.release)
    assert models(world) == ["one", "two", "three"]
    assert "ix-r0001" in world.redis.indexes
    with pytest.raises(NotFound):
        world.releases.get("r0001")

    promote(world, "four")
    assert sorted(world.redis.indexes) == [release.index for release in world.releases.all()]


def test_an_index_of_a_release_that_is_being_created_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = world.vectors.names

    def names_while_one_is_created() -> list[str]:
        there = real()
        world.indexer.create(card("new"))
        return [*there, *set(real()) - set(there)]

    monkeypatch.setattr(world.vectors, "names", names_while_one_is_created)
    promote(world, "one")
    assert "new" in models(world)
    assert sorted(world.redis.indexes) == [release.index for release in world.releases.all()]


def test_a_promotion_stands_even_if_old_releases_cannot_be_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    candidate = world.indexer.build(card("better"))

    def refuse() -> list[str]:
        raise StoreUnavailable("Redis does not answer")

    monkeypatch.setattr(world.vectors, "names", refuse)
    assert world.promoter.promote(candidate.release).state == "live"
    assert "Redis does not answer" in caplog.text
