"""How experiments begin, how they are kept up to date and how they end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rag_service.core.errors import (
    GateRejected,
    InvalidRequest,
    ModelError,
    NotFound,
    StoreUnavailable,
)
from rag_service.core.types import ArmTally, Document, ExperimentKind, IndexSpec, ModelCard
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.loop.experiments import Experimenter, standings
from tests.fakes.answering import DIMS, World
from tests.fakes.filings import filing

OLD, NEW = filing("Alder Mills", 2023), filing("Birchwater", 2022)


class Bench:
    """Release r0001 is live, r0002 a candidate that lacks the newer of two documents."""

    def __init__(self, home: Path) -> None:
        self.world = world = World(home)
        world.add_release("ma", OLD + NEW, live=True)
        world.add_release("mb", OLD)
        cards = [
            ModelCard(m, m, "", DIMS, 256, "", "", "2026-01-01T00:00:00Z") for m in ("ma", "mb")
        ]
        world.registry._cards.update({card.fingerprint: card for card in cards})
        for chunks in (OLD, NEW):
            self.store(chunks)
        self.indexer = ShadowIndexer(
            world.chunks,
            world.vectors,
            world.releases,
            world.registry,
            lambda release, model: IndexSpec(f"ix-{release}", model.dims, model.fingerprint),
        )
        promoter = Promoter(self.indexer, world.vectors, world.releases, world.registry, 2)
        self.experiments = world.experiments
        self.experimenter = Experimenter(
            self.experiments, world.releases, world.serving, self.indexer, promoter
        )

    def store(self, chunks: list) -> None:  # type: ignore[type-arg]
        first = chunks[0]
        document = Document(first.document_id, first.document, first.facts, 8, 8, 4, "2026")
        self.world.chunks.replace(document, chunks, "r0001")

    def complete(self, release: str) -> bool:
        return self.indexer.completeness(self.world.releases.get(release)).complete

    def credit(self, good: tuple[int, int], bad: tuple[int, int]) -> None:
        running = self.experiments.running()
        assert running is not None
        for verdict, counts in ((True, good), (False, bad)):
            for arm, count in zip("ab", counts, strict=True):
                for n in range(count):
                    self.experiments.store.credit(
                        running.experiment,
                        f"{arm}{verdict}{n}",
                        arm,  # type: ignore[arg-type]
                        good=verdict,
                    )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_an_experiment_begins_with_both_releases_complete_and_held(bench: Bench) -> None:
    assert not bench.complete("r0002")
    begun = bench.experimenter.start("r0001", "r0002", 0.25)
    assert bench.complete("r0002")
    assert (begun["share"], begun["kind"], begun["winner"]) == (0.25, "split", None)
    assert (begun["a"]["model"], begun["b"]["model"]) == ("ma", "mb")
    user = f"experiment:{begun['experiment']}"
    assert all(user in bench.world.releases.users(name) for name in ("r0001", "r0002"))


@pytest.mark.parametrize(
    ("a", "b", "share", "kind", "says"),
    [
        ("r0002", "r0001", 0.1, "split", "r0002 is candidate"),
        ("r0001", "r0001", 0.1, "split", "r0001 is live"),
        ("r0001", "r0003", 0.1, "split", "r0003 is failed"),
        ("r0001", "r0002", 0.0, "split", "share is 0.0"),
        ("r0001", "r0002", 1.0, "split", "share is 1.0"),
        ("r0001", "r0002", 1.5, "interleaving", "share is 1.5"),
        ("r0001", "r0002", float("nan"), "split", "share is nan"),
        ("r0001", "r0009", 0.1, "split", "r0009"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    bench: Bench, a: str, b: str, share: float, kind: ExperimentKind, says: str
) -> None:
    bench.world.add_release("mb", OLD, state="failed")
    with pytest.raises(InvalidRequest, match=says):
        bench.experimenter.start(a, b, share, kind)
    assert bench.experiments.running() is None


def test_what_cannot_begin_holds_nothing(bench: Bench) -> None:
    bench.world.registry.forget("mb")
    with pytest.raises(ModelError):
        bench.experimenter.start("r0001", "r0002")
    assert standings(bench.experiments) == {"running": None, "past": []}
    assert bench.world.releases.users("r0002") == set()


def test_a_second_one_does_not_end_the_first(bench: Bench) -> None:
    first = bench.experimenter.start("r0001", "r0002")
    with pytest.raises(InvalidRequest, match=first["experiment"]):
        bench.experimenter.start("r0001", "r0002", 1, "interleaving")
    (running,) = bench.experiments.store.all()
    assert running.experiment == first["experiment"]
    assert f"experiment:{first['experiment']}" in bench.world.releases.users("r0002")


def test_one_whose_live_release_was_replaced_is_not_in_the_way(bench: Bench) -> None:
    bench.experimenter.start("r0001", "r0002")
    bench.world.promote("r0002")
    begun = bench.experimenter.start("r0002", "r0001")
    found = standings(bench.experiments)
    assert found["running"] == begun
    assert found["past"][0]["reason"] == "r0002 went live in place of r0001"


def test_documents_that_come_are_found_under_both(bench: Bench) -> None:
    bench.experimenter.keep_up()
    assert not bench.complete("r0002"), "no experiment runs"
    bench.experimenter.start("r0001", "r0002")
    bench.store(filing("Cedarline", 2023))
    bench.experimenter.keep_up()
    assert bench.complete("r0002")


def test_a_release_that_cannot_be_kept_up_to_date_ends_it(bench: Bench) -> None:
    bench.experimenter.start("r0001", "r0002")
    bench.store(filing("Cedarline", 2023))
    bench.world.registry.forget("mb")
    bench.experimenter.keep_up()
    (past,) = standings(bench.experiments)["past"]
    assert "r0002 could not be kept up to date" in past["reason"]


def test_what_may_pass_does_not_end_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.experimenter.start("r0001", "r0002")

    def away(*_: object) -> None:
        raise StoreUnavailable("Redis does not answer")

    monkeypatch.setattr(bench.indexer, "catch_up", away)
    with pytest.raises(StoreUnavailable):
        bench.experimenter.keep_up()
    assert bench.experiments.running() is not None


def test_stopped_it_ends_whoever_leads(bench: Bench) -> None:
    with pytest.raises(NotFound, match="start"):
        bench.experimenter.stop()
    bench.experimenter.start("r0001", "r0002")
    bench.credit((10, 200), (90, 20))
    ended = bench.experimenter.stop()
    assert (ended["reason"], ended["winner"]) == ("stopped", "r0002")
    assert ended["ended"]
    assert bench.world.redis.live == "r0001"
    assert all("experiment" not in user for user in bench.world.releases.users("r0002"))


def test_without_a_winner_none_is_promoted_and_it_goes_on(bench: Bench) -> None:
    bench.experimenter.start("r0001", "r0002")
    bench.credit((50, 5), (50, 5))
    with pytest.raises(GateRejected, match=r"has no winner.*goes on"):
        bench.experimenter.stop(promote_winner=True)
    assert bench.experiments.running() is not None


@pytest.mark.parametrize(
    ("good", "bad", "live", "reason"),
    [
        ((100, 200), (90, 20), "r0002", "r0002 won and was promoted"),
        ((200, 20), (20, 90), "r0001", "r0001 won and stays live"),
    ],
)
def test_the_winner_is_live_afterwards(
    bench: Bench, good: tuple[int, int], bad: tuple[int, int], live: str, reason: str
) -> None:
    bench.experimenter.start("r0001", "r0002", 0.5)
    bench.credit(good, bad)
    ended = bench.experimenter.stop(promote_winner=True)
    assert (ended["reason"], ended["winner"], bench.world.redis.live) == (reason, live, live)
    assert ended["outcomes_needed"] is None


def test_those_that_ended_are_kept_newest_first(bench: Bench) -> None:
    store = bench.experiments.store
    names = [bench.experimenter.start("r0001", "r0002")["experiment"]]
    bench.credit((1, 0), (0, 0))
    bench.experimenter.stop()
    older = store.all()[0]
    later = replace(older, experiment="x-later", started="2999-01-01T00:00:00Z", ended="")
    store.start(later)
    found = standings(bench.experiments)
    assert found["running"]["experiment"] == "x-later"
    assert [past["experiment"] for past in found["past"]] == names
    assert found["past"][0]["a"]["good"] == 1
    assert store.tally("x-later").a == ArmTally()
