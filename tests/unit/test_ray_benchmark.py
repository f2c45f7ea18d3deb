"""The benchmark of the engine ``ray`` over fake stores: what is run, and what is made of it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, cast

import pytest

from rag_service.core.errors import DataError
from rag_service.core.types import ModelCard
from rag_service.loop import ray_benchmark
from rag_service.loop.own_home import OwnHome
from rag_service.loop.ray_benchmark import RayBenchmark
from tests.fakes.filings import filing
from tests.unit.test_indexing import World, card


class CommandsHere:
    """Runs `ragloop reindex` on the stores of this process."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._alone = Lock()
        self.settings: list[Mapping[str, str]] = []
        self.prepared: list[str] = []

    def command(self, *arguments: str, settings: Mapping[str, str] | None = None) -> None:
        if arguments[:2] == ("models", "prepare"):
            self.prepared.append(arguments[2])
            return
        assert arguments[:2] == ("reindex", "--model")
        assert arguments[2] in self.prepared
        assert settings is not None
        with self._alone:
            self.settings.append(settings)
            release = self._world.indexer.start(card(arguments[2]))
            if release.state == "building":
                self._world.indexer.finish(release)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    world.promoter.ensure_live(lambda: card("base"))
    load = world.registry.load

    def slow(fingerprint: str) -> Any:
        embedder = load(fingerprint)
        real = embedder.embed_documents

        def embed(texts: Sequence[str], on_done: Any = None) -> Any:
            time.sleep(0.03)
            return real(texts, on_done)

        embedder.embed_documents = embed
        return embedder

    def noisy(registry: Any, base: ModelCard, seed: int) -> ModelCard:
        return card(f"{base.fingerprint}-{seed}")

    world.registry.load = slow
    monkeypatch.setattr(ray_benchmark, "noisy_model", noisy)
    monkeypatch.setattr(ray_benchmark, "_EVERY", 0.005)
    return world


def benchmark(world: World, own: CommandsHere) -> RayBenchmark:
    parts = (world.chunks, world.vectors, world.releases, world.registry)
    return RayBenchmark(cast(OwnHome, own), *parts)


def test_both_engines_take_turns_with_as_many_workers_on_models_of_their_own(world: World) -> None:
    for year in (2020, 2021, 2022):
        world.put(filing("Alder Mills", year))
    own = CommandsHere(world)
    report = benchmark(world, own).run(card("base"), workers=2, rounds=2, seed=7)

    ran = [settings["RAGLOOP_ENGINE"] for settings in own.settings]
    assert ran == ["ray", "local", "local", "local", "local", "ray"]
    assert [settings.get("RAGLOOP_RAY_ACTORS") for settings in own.settings].count("2") == 2
    assert len({settings["OMP_NUM_THREADS"] for settings in own.settings}) == 1
    candidates = [release.model for release in world.releases.all() if release.state == "candidate"]
    assert candidates == ["base-7", "base-8", "base-9", "base-10"]
    assert report["chunks"] == len(world.chunks.chunk_ids())
    for one in report["rounds"]:
        local, ray = one["local"], one["ray"]
        assert one["overhead"] == pytest.approx(ray["seconds"] / local["seconds"] - 1)
        assert 0 < local["start_seconds"] < local["seconds"]
        pace = local["chunks_per_second"] / ray["chunks_per_second"]
        assert one["overhead_beyond_start"] == pytest.approx(pace - 1)
    whole = report["overhead"]
    assert whole["low"] <= whole["value"] <= whole["high"]


def test_a_home_without_chunks_is_an_error(world: World) -> None:
    with pytest.raises(DataError, match="ingest filings"):
        benchmark(world, CommandsHere(world)).run(card("base"), workers=1, rounds=1, seed=0)
