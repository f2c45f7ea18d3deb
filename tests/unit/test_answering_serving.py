"""Which release serves, and with which encoder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from rag_service.answering.serving import Serving
from rag_service.core.errors import (
    InvalidRequest,
    ModelError,
    NotFound,
    ReleaseConflict,
    StoreError,
)
from rag_service.indexing.holding import Holder
from tests.fakes.answering import WatchedEmbedder, World
from tests.fakes.filings import filings

CHUNKS = filings(companies=1, years=(2023,))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_without_a_live_release_it_says_how_to_get_one(world: World) -> None:
    with pytest.raises(NotFound, match="ragloop ingest"):
        world.serving.pin()


def test_pins_the_live_release_with_its_own_encoder(world: World) -> None:
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS)
    pinned = world.serving.pin()
    assert (pinned.release.release, pinned.embedder.fingerprint) == ("r0001", "ma")


def test_pins_a_candidate_by_name_and_leaves_the_live_one(world: World) -> None:
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS)
    assert world.serving.pin("r0002").embedder.fingerprint == "mb"
    assert world.serving.pin().embedder.fingerprint == "ma"


def test_an_unknown_release_is_not_found(world: World) -> None:
    world.add_release("ma", CHUNKS, live=True)
    with pytest.raises(NotFound, match="r0001"):
        world.serving.pin("r9999")


@pytest.mark.parametrize("state", ["building", "failed"])
def test_a_release_that_is_not_whole_is_refused(world: World, state: str) -> None:
    world.add_release("ma", CHUNKS, state=state)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="r0001"):
        world.serving.pin("r0001")


def test_an_index_of_another_model_is_refused(world: World) -> None:
    world.add_release("ma", CHUNKS, live=True, index_model="mb")
    with pytest.raises(StoreError, match="mb"):
        world.serving.pin()


def test_an_encoder_of_another_model_is_refused(world: World) -> None:
    world.add_release("ma", CHUNKS, live=True)
    world.registry.embedders["ma"] = WatchedEmbedder("mb")
    with pytest.raises(ModelError, match="mb"):
        world.serving.pin()


def test_loads_each_encoder_once_and_forgets_the_least_used(world: World) -> None:
    serving = Serving(world.releases, world.vectors, world.registry, keep=2)
    for model in ("ma", "mb", "mc"):
        world.add_release(model, CHUNKS)
    for name in ("r0001", "r0002", "r0001", "r0003", "r0001", "r0002"):
        serving.pin(name)
    assert world.registry.loads == ["ma", "mb", "mc", "mb"]


def test_many_threads_load_an_encoder_once(world: World) -> None:
    world.add_release("ma", CHUNKS, live=True)
    barrier = threading.Barrier(8)
    pinned = []

    def pin() -> None:
        barrier.wait(5)
        pinned.append(world.serving.pin().embedder)

    threads = [threading.Thread(target=pin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert world.registry.loads == ["ma"]
    assert len(pinned) == 8
    assert len(set(map(id, pinned))) == 1


def test_a_command_serves_the_new_release_at_once(world: World) -> None:
    world.add_release("ma", CHUNKS, live=True)
    world.serving.pin()
    world.add_release("mb", CHUNKS, live=True)
    assert world.serving.pin().release.release == "r0002"


def test_a_service_serves_the_old_release_until_the_new_encoder_is_loaded(tmp_path: Path) -> None:
    world = World(tmp_path, background=True)
    world.add_release("ma", CHUNKS, live=True)
    world.serving.pin()
    may_load = threading.Event()
    world.registry.before_load = lambda _: _wait(may_load)
    world.add_release("mb", CHUNKS, live=True)
    for _ in range(3):
        pinned = world.serving.pin()
        assert (pinned.release.release, pinned.embedder.fingerprint) == ("r0001", "ma")
    may_load.set()
    world.serving.close()
    pinned = world.serving.pin()
    assert (pinned.release.release, pinned.embedder.fingerprint) == ("r0002", "mb")
    assert world.registry.loads == ["ma", "mb"]


def test_a_service_flips_at_once_between_releases_of_one_model(tmp_path: Path) -> None:
    world = World(tmp_path, background=True)
    world.add_release("ma", CHUNKS, live=True)
    world.serving.pin()
    world.add_release("ma", CHUNKS, live=True)
    assert world.serving.pin().release.release == "r0002"
    assert world.registry.loads == ["ma"]


def test_a_service_serves_on_if_the_new_encoder_cannot_be_loaded(tmp_path: Path) -> None:
    world = World(tmp_path, background=True)
    world.add_release("ma", CHUNKS, live=True)
    world.serving.pin()
    world.add_release("mb", CHUNKS, live=True)
    world.registry.forget("mb")
    for _ in range(3):
        assert world.serving.pin().release.release == "r0001"
        world.serving.close()
    assert "mb" in world.serving.problem()
    assert world.registry.loads == ["ma", "mb"], "a failed load is not tried at every request"
    world.rollback()
    assert world.serving.pin().release.release == "r0001"


def test_a_service_does_not_serve_a_release_that_is_gone(tmp_path: Path) -> None:
    world = World(tmp_path, background=True)
    world.add_release("ma", CHUNKS, live=True)
    world.serving.pin()
    world.add_release("mb", CHUNKS, live=True)
    world.releases.delete("r0001")
    assert world.serving.pin().release.release == "r0002"


def test_without_a_live_release_it_is_not_ready(world: World) -> None:
    assert "ingest" in world.serving.problem()
    world.serving.warm()
    assert world.registry.loads == []


def test_readiness_begins_the_load_and_does_not_wait_for_it(world: World) -> None:
    may_load = threading.Event()
    world.registry.before_load = lambda _: _wait(may_load)
    world.add_release("ma", CHUNKS, live=True)
    for _ in range(3):
        assert "r0001 is being loaded" in world.serving.problem()
    may_load.set()
    world.serving.close()
    assert world.serving.problem() == ""
    assert world.registry.loads == ["ma"]


def test_a_live_release_that_cannot_be_loaded_is_not_ready(world: World) -> None:
    world.add_release("ma", CHUNKS, live=True)
    world.registry.forget("ma")
    world.serving.warm()
    world.serving.close()
    assert "model ma is not registered (no release serves)" in world.serving.problem()
    assert world.registry.loads == ["ma"], "a failed load is not tried at every call"


def test_a_failed_release_is_no_problem_once_another_is_live(tmp_path: Path) -> None:
    world = World(tmp_path, background=True)
    world.add_release("ma", CHUNKS, live=True)
    world.serving.pin()
    world.add_release("mb", CHUNKS, live=True)
    world.registry.forget("mb")
    world.serving.pin()
    world.serving.close()
    assert "r0002" in world.serving.problem()
    world.rollback()
    assert world.serving.problem() == ""


def test_a_warm_service_loads_nothing_at_its_first_request(tmp_path: Path) -> None:
    world = World(tmp_path, background=True)
    world.add_release("ma", CHUNKS, live=True)
    world.serving.warm()
    world.serving.close()
    assert world.registry.loads == ["ma"]
    may_load = threading.Event()
    world.registry.before_load = lambda _: _wait(may_load)
    world.add_release("mb", CHUNKS, live=True)
    assert world.serving.pin().release.release == "r0001", "it stands in for the next one"
    may_load.set()
    world.serving.close()


def test_a_new_encoder_is_warmed_before_it_serves(tmp_path: Path) -> None:
    world = World(tmp_path, background=True)
    world.add_release("ma", CHUNKS, live=True)
    world.serving.pin()
    world.add_release("mb", CHUNKS, live=True)
    new = world.registry.embedders["mb"]
    served_while_warming = []
    new.on_query = lambda: served_while_warming.append(world.serving.pin().release.release)
    world.serving.pin()
    world.serving.close()
    assert set(served_while_warming) == {"r0001"}
    assert len({len(text) for (text,) in new.calls}) == len(new.calls) > 2, "of several lengths"
    assert world.serving.pin().release.release == "r0002"


def test_a_command_warms_nothing(world: World) -> None:
    world.add_release("ma", CHUNKS, live=True)
    world.serving.pin()
    assert world.registry.embedders["ma"].calls == []


def test_what_was_pinned_cannot_be_deleted_until_its_encoder_has_gone(world: World) -> None:
    holder = Holder(world.releases, "service")
    serving = Serving(world.releases, world.vectors, world.registry, leases=holder, keep=2)
    for model in ("ma", "mb", "mc", "md"):
        world.add_release(model, CHUNKS)
    for name in ("r0001", "r0002"):
        serving.pin(name)
        with pytest.raises(ReleaseConflict, match="service"):
            world.releases.delete(name)
    serving.pin("r0003")
    assert world.releases.users("r0001") == {"service"}, "a request may be searching it still"
    world.redis.clock = lambda: time.monotonic() + 301
    world.releases.delete("r0001")
    holder.close()
    with pytest.raises(NotFound, match="r0001"):
        serving.pin("r0001")


def test_of_many_releases_of_one_model_only_those_pinned_last_are_held(world: World) -> None:
    with closing(Holder(world.releases, "service")) as holder:
        serving = Serving(world.releases, world.vectors, world.registry, leases=holder, keep=2)
        for _ in range(4):
            world.add_release("ma", CHUNKS)
        for name in ("r0001", "r0002", "r0001", "r0003"):
            serving.pin(name)
        world.redis.clock = lambda: time.monotonic() + 301
        serving.pin("r0001")
        serving.pin("r0003")
        assert world.releases.users("r0002") == set(), "its note was not renewed"
        world.releases.delete("r0002")
        for name in ("r0001", "r0003"):
            assert name in holder._held
        assert world.registry.loads == ["ma"]
        with pytest.raises(NotFound, match="r0002"):
            serving.pin("r0002")


def test_a_service_does_not_wait_for_a_release_that_is_only_asked_for_if_at_hand(
    tmp_path: Path,
) -> None:
    world = World(tmp_path, background=True)
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS)
    may_load = threading.Event()
    world.registry.before_load = lambda _: _wait(may_load)
    assert not world.serving.at_hand("r0002")
    assert not world.serving.at_hand("r0002")
    may_load.set()
    world.serving.close()
    assert world.serving.at_hand("r0002")
    assert world.registry.loads == ["mb"]
    assert world.serving.pin().release.release == "r0001", "which stands in for nothing"
    world.add_release("mc", CHUNKS)
    world.registry.forget("mc")
    assert not world.serving.at_hand("r0003")
    world.serving.close()
    with pytest.raises(ModelError, match="mc is not registered"):
        world.serving.at_hand("r0003")
    with pytest.raises(NotFound):
        world.serving.at_hand("r0009")


def test_a_command_always_has_a_release_at_hand(world: World) -> None:
    world.add_release("ma", CHUNKS, live=True)
    assert world.serving.at_hand("r0001")
    assert world.registry.loads == []


def test_a_service_that_ends_waits_for_no_pauses_of_a_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, background=True)
    world.add_release("ma", CHUNKS, live=True)
    world.serving.pin()
    world.add_release("mb", CHUNKS, live=True)
    hurried: list[bool] = []

    def load(work: Callable[[], object], share: float, hurry: threading.Event) -> object:
        hurried.append(hurry.wait(10))
        return work()

    monkeypatch.setattr("rag_service.answering.serving.considerately", load)
    world.serving.pin()
    world.serving.close()
    assert hurried == [True]
    assert world.serving.pin().release.release == "r0002"


def test_a_pin_of_a_release_that_is_held_asks_the_store_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Holder(world.releases, "service")) as holder:
        serving = Serving(world.releases, world.vectors, world.registry, leases=holder)
        world.add_release("ma", CHUNKS, live=True)
        serving.pin()
        monkeypatch.setattr(world.releases, "use", lambda *_: pytest.fail("asked again"))
        assert serving.pin().release.release == "r0001"


def _wait(event: threading.Event) -> None:
    assert event.wait(10)
