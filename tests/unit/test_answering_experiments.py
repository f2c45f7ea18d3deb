"""Which release the requests of an experiment get, and what their feedback is credited to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag_service.answering.experiments import (
    LEASE_SECONDS,
    Experiments,
    client_digest,
    fraction,
)
from rag_service.core.errors import InvalidRequest, ModelError, NotFound
from rag_service.core.types import ArmTally, Experiment, Tally
from tests.fakes.answering import World
from tests.fakes.filings import filing

CHUNKS = filing("Alder Mills", 2023) + filing("Birchwater", 2022)
QUESTION = "What were net sales of Alder Mills in 2023?"
SPLIT = Experiment("x1", "split", "r0001", "r0002", "ma", "mb", 0.5, "2026-01-01T00:00:00Z")
INTERLEAVED = replace(SPLIT, kind="interleaving", share=1.0)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS)
    return world


@pytest.fixture
def experiments(world: World) -> Experiments:
    return world.experiments


def begin(world: World, experiment: Experiment = SPLIT) -> None:
    world.experiments.hold(experiment)
    world.experiments.store.start(experiment)


def client_of(release: str) -> str:
    """A key whose client gets this release in the split."""
    wanted = release == SPLIT.b
    return next(
        key
        for key in map(str, range(100))
        if (fraction(client_digest("x1", key)) < SPLIT.share) == wanted
    )


def test_a_client_gets_one_release_throughout(world: World, experiments: Experiments) -> None:
    begin(world)
    for release in ("r0001", "r0002"):
        client = client_of(release)
        shown = [experiments.search(QUESTION, 3, client=client) for _ in range(3)]
        assert {one.result.release for one in shown} == {release}
        assert {one.experiment for one in shown} == {SPLIT}
        assert len({one.request_id for one in shown}) == 3


@pytest.mark.parametrize("experiment", [SPLIT, INTERLEAVED], ids=lambda x: x.kind)
def test_every_release_is_searched_by_the_stages_that_are_asked_for(
    world: World, experiments: Experiments, experiment: Experiment
) -> None:
    begin(world, experiment)
    for release in ("r0001", "r0002"):
        client = client_of(release)
        shown = experiments.search(
            QUESTION, 3, stages=["text", "pages"], client=client, interleave=True
        )
        assert shown.experiment == experiment
        assert shown.result.stages == ("pages", "text")


def test_the_split_is_near_the_share_and_new_in_each_experiment() -> None:
    keys = [f"client-{n}" for n in range(4000)]
    drawn = {x: [fraction(client_digest(x, key)) < 0.1 for key in keys] for x in ("x1", "x2")}
    for of_b in drawn.values():
        assert abs(sum(of_b) / len(keys) - 0.1) < 0.02
    both = sum(one and two for one, two in zip(drawn["x1"], drawn["x2"], strict=True))
    assert abs(both / len(keys) - 0.01) < 0.008


def test_who_is_no_part_of_it_gets_the_live_release(world: World, experiments: Experiments) -> None:
    client = client_of("r0002")
    assert experiments.search(QUESTION, client=client).experiment is None, "none runs"
    begin(world)
    for shown in (
        experiments.search(QUESTION),
        experiments.search(QUESTION, client="", interleave=True),
        experiments.search(QUESTION, release="r0001", client=client),
    ):
        assert (shown.result.release, shown.experiment) == ("r0001", None)
        with pytest.raises(NotFound, match=shown.request_id):
            experiments.credit(shown.request_id, None, "good")
    named = experiments.search(QUESTION, release="r0002", client=client)
    assert (named.result.release, named.experiment) == ("r0002", None)
    assert experiments.store.tally("x1") == Tally()


def test_a_client_counts_once_with_its_first_verdict(
    world: World, experiments: Experiments
) -> None:
    begin(world)
    client = client_of("r0002")
    first = experiments.search(QUESTION, client=client)
    second = experiments.search(QUESTION, client=client)
    experiments.credit(first.request_id, None, "bad")
    experiments.credit(second.request_id, None, "good")
    experiments.credit(first.request_id, first.result.hits[0].chunk.chunk_id, None)
    assert experiments.store.tally("x1") == Tally(b=ArmTally(requests=2, bad=1))


def test_a_request_id_that_a_client_sends_twice_names_no_two_requests(
    world: World, experiments: Experiments
) -> None:
    outside = experiments.search(QUESTION, client="c", request_id="chosen")
    assert outside.request_id == "chosen"
    begin(world)
    first, second = (
        experiments.search(QUESTION, client=client_of(release), request_id="chosen")
        for release in ("r0001", "r0002")
    )
    assert len({first.request_id, second.request_id, "chosen"}) == 3
    for shown, verdict in ((first, "bad"), (second, "good")):
        experiments.credit(shown.request_id, None, verdict)
    assert experiments.store.tally("x1") == Tally(ArmTally(1, bad=1), ArmTally(1, good=1))


def test_a_used_hit_is_a_good_verdict_unless_it_is_called_bad(
    world: World, experiments: Experiments
) -> None:
    begin(world)
    for release, verdict in (("r0001", None), ("r0002", "bad")):
        shown = experiments.search(QUESTION, client=client_of(release))
        used = shown.result.hits[-1].chunk.chunk_id
        assert experiments.credit(shown.request_id, used, verdict)[1] == ("b" if verdict else "a")
    assert experiments.store.tally("x1") == Tally(ArmTally(1, good=1), ArmTally(1, bad=1))


def test_nobody_credits_what_was_not_shown(world: World, experiments: Experiments) -> None:
    begin(world)
    shown = experiments.search(QUESTION, 2, client=client_of("r0002"))
    hidden = next(c.chunk_id for c in CHUNKS if c not in {h.chunk for h in shown.result.hits})
    with pytest.raises(InvalidRequest, match="not shown"):
        experiments.credit(shown.request_id, hidden, None)
    with pytest.raises(NotFound, match="no request"):
        experiments.credit("0" * 32, None, "good")
    assert experiments.store.tally("x1") == Tally(b=ArmTally(requests=1))


def test_the_raw_client_key_is_not_kept(world: World, experiments: Experiments) -> None:
    begin(world, INTERLEAVED)
    shown = experiments.search(QUESTION, client="jane@example.com", interleave=True)
    assert "jane" not in repr(experiments.store.shown(shown.request_id))


def test_interleaved_hits_come_from_both_and_the_first_use_decides(world: World) -> None:
    experiments = Experiments(
        world.experiments.store, world.releases, world.retriever, coin=lambda: True
    )
    begin(world, INTERLEAVED)
    shown = experiments.search(QUESTION, 6, client="c", interleave=True)
    hits = shown.result.hits
    chunk_ids = [hit.chunk.chunk_id for hit in hits]
    assert len(set(chunk_ids)) == 6
    assert [hit.rank for hit in hits] == [1, 2, 3, 4, 5, 6]
    impression = experiments.store.shown(shown.request_id)
    assert impression is not None
    assert [impression.shown[chunk] for chunk in chunk_ids[:2]] == ["a", "b"]
    assert {hit.model for hit in hits} == {"ma", "mb"}
    assert experiments.credit(shown.request_id, None, "good")[1] is None, "of no team"
    for chunk in (chunk_ids[1], chunk_ids[0], chunk_ids[1]):
        experiments.credit(shown.request_id, chunk, None)
    assert experiments.store.tally("x1") == Tally(ArmTally(1), ArmTally(1, good=1))


def test_an_answer_is_not_made_of_interleaved_hits(world: World, experiments: Experiments) -> None:
    begin(world, INTERLEAVED)
    shown = experiments.search(QUESTION, client="c")
    assert (shown.result.release, shown.experiment) == ("r0001", None)


def test_another_live_release_ends_it(world: World, experiments: Experiments) -> None:
    begin(world)
    shown = experiments.search(QUESTION, client=client_of("r0002"))
    assert world.releases.users("r0002") == {"experiment:x1"}
    world.add_release("mc", CHUNKS, live=True)
    for key in map(str, range(10)):
        assert experiments.search(QUESTION, client=key).result.release == "r0003"
    (ended,) = experiments.store.all()
    assert ended.ended
    assert ended.reason == "r0003 went live in place of r0001"
    assert world.releases.users("r0001") == world.releases.users("r0002") == set()
    experiments.credit(shown.request_id, None, "good")
    assert experiments.store.tally("x1").b.good == 0, "what came too late is not counted"


def test_a_release_that_cannot_be_searched_any_more_ends_it(
    world: World, experiments: Experiments
) -> None:
    begin(world)
    world.registry.forget("mb")
    shown = experiments.search(QUESTION, client=client_of("r0002"))
    assert (shown.result.release, shown.experiment) == ("r0001", None)
    assert "mb is not registered" in experiments.store.all()[0].reason


@pytest.mark.parametrize("experiment", [SPLIT, INTERLEAVED])
def test_while_the_rival_is_loaded_its_clients_get_the_live_release(
    world: World, experiment: Experiment
) -> None:
    loaded: list[str] = []

    def at_hand(release: str) -> bool:
        loaded.append(release)
        return len(loaded) > 1

    experiments = Experiments(
        world.experiments.store, world.releases, world.retriever, at_hand=at_hand
    )
    begin(world, experiment)
    client = client_of("r0002")
    shown = experiments.search(QUESTION, client=client, interleave=True)
    assert (shown.result.release, shown.experiment) == ("r0001", None)
    assert experiments.search(QUESTION, client=client, interleave=True).experiment == experiment
    assert set(loaded) == {"r0002"}
    assert experiments.store.tally("x1").b.requests == 1


def test_a_question_that_cannot_be_asked_does_not_end_it(
    world: World, experiments: Experiments
) -> None:
    begin(world)
    with pytest.raises(InvalidRequest, match="empty"):
        experiments.search(" ", client=client_of("r0002"))
    assert experiments.running() == SPLIT


def test_a_live_release_that_fails_does_not_end_it(world: World, experiments: Experiments) -> None:
    begin(world, INTERLEAVED)
    world.registry.forget("ma")
    with pytest.raises(ModelError):
        experiments.search(QUESTION, client="c", interleave=True)
    assert experiments.running() == INTERLEAVED


def test_who_serves_it_holds_its_releases(world: World, experiments: Experiments) -> None:
    world.experiments.store.start(SPLIT)
    experiments.search(QUESTION, client=client_of("r0002"))
    for release in ("r0001", "r0002"):
        assert "experiment:x1" in world.releases.users(release)
    assert LEASE_SECONDS > 24 * 3600
