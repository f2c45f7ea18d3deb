"""What the engine ``ray`` is made of, without a Ray."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ingest.options import ReadOptions
from ingest.read import Filing, Reader, read_file
from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.adapters.model_transfer import packed, unpack
from rag_service.adapters.ray_cluster import RayCluster
from rag_service.core.errors import ConfigError, IngestError, ModelError
from rag_service.core.settings import Settings
from rag_service.core.types import Release
from rag_service.indexing.build import IndexFiller
from rag_service.indexing.crew import Crew, NobodyElse
from rag_service.indexing.pace import NoTraffic, Pace
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.indexing.shared_vectors import SharedVectors, Tally
from rag_service.indexing.spread import Filled
from rag_service.indexing.writer import Encoded
from rag_service.ray_engine import Given, RayEngine
from rag_service.wiring import make_registry
from tests.fakes.filings import filing
from tests.fakes.tiny_model import tiny_model
from tests.unit.test_indexing import World, card, document


def test_a_build_is_spread_in_shares_that_get_small(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.promoter.ensure_live(lambda: card("base"))
    for year in range(2015, 2024):
        world.put(filing("Alder Mills", year))
    sizes: list[int] = []

    def spread(
        release: Release, indexes: Sequence[str], shares: Sequence[Sequence[str]]
    ) -> Iterator[Filled]:
        crew = Crew(NobodyElse(), lambda: "one")
        filler = IndexFiller(world.chunks, world.vectors, crew, Pace(NoTraffic()), 5)
        for share in shares:
            sizes.append(len(share))
            tally = Tally()
            shared = SharedVectors(world.vectors, world.registry, indexes, release.dims, tally)
            done: list[int] = []
            filler.fill(release, share, shared, done.append)
            yield Filled(sum(done), tally.encoded, tally.copied)

    parts = (world.chunks, world.vectors, world.releases, world.registry)
    indexer = ShadowIndexer(*parts, world.indexer._make_spec, batch=5, spread=spread)
    told: list[tuple[int, int]] = []
    tally = Tally()
    release = indexer.finish(
        indexer.start(card("better")),
        lambda step, done, total: told.append((done, total)),
        tally=tally,
    )
    total = len(world.chunks.chunk_ids())
    assert release.state == "candidate"
    assert world.vectors.ids(release.index) == world.chunks.chunk_ids()
    assert (tally.encoded, tally.copied) == (total, 0)
    assert told[-1] == (total, total)
    assert sum(sizes) == total
    assert sizes[0] > sizes[-1]
    assert len(sizes) > 4


def test_vectors_that_come_with_a_document_are_taken_if_they_are_of_the_live_model() -> None:
    world = World()
    live = world.promoter.ensure_live(lambda: card("base"))
    chunks = filing("Alder Mills", 2022)
    rows = np.eye(len(chunks), live.dims, dtype=np.float32)
    ids = [chunk.chunk_id for chunk in chunks]
    world.writer.put(document(chunks), chunks, encoded=Encoded("other", rows))
    assert len(world.registry.embedded) == len(chunks)
    others = world.vectors.vectors(live.index, ids)
    assert not np.array_equal(others, rows)

    world.writer.remove(document(chunks).name)
    world.writer.put(document(chunks), chunks, encoded=Encoded("base", rows))
    assert len(world.registry.embedded) == len(chunks)
    assert np.array_equal(world.vectors.vectors(live.index, ids), rows)


def test_a_model_travels_to_a_machine_that_lacks_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tiny_model(tmp_path, ["net sales rose"]).path
    here = FileModelRegistry(tmp_path / "here", tmp_path, "float32", 4)
    model = here.resolve(folder)
    files = packed(model)
    target = tmp_path / "there" / "models" / model.fingerprint
    unpack(files, target)
    unpack({"modules.json": b"no second time"}, target)
    there = FileModelRegistry(tmp_path / "there", tmp_path, "float32", 4)
    assert replace(there.get(model.fingerprint), path="") == replace(model, path="")
    one, other = (r.load(model.fingerprint).embed_documents(["net sales"]) for r in (here, there))
    assert np.array_equal(one, other)

    monkeypatch.setenv("RAGLOOP_CACHE", str(tmp_path / "cache"))
    given = Given(Settings(home=tmp_path / "empty"), model.fingerprint, lambda: files)
    assert given.here().home == tmp_path / "cache" / "ray"
    assert make_registry(given.here()).get(model.fingerprint).dims == model.dims
    here_too = replace(given, settings=Settings(home=tmp_path / "here"))
    assert here_too.here().home == tmp_path / "here"
    with pytest.raises(ConfigError, match="install the same"):
        replace(given, version="0.0").here()

    spoiled = tmp_path / "spoiled" / "models" / model.fingerprint
    weights = next(name for name in files if name.endswith(".safetensors"))
    unpack({**files, weights: files[weights][:-1] + b"\1"}, spoiled)
    with pytest.raises(ModelError, match="not those that were registered"):
        FileModelRegistry(tmp_path / "spoiled", tmp_path, "float32", 4).load(model.fingerprint)


def test_content_is_read_as_its_file_would_be(tmp_path: Path) -> None:
    content = b"ITEM 1. BUSINESS\n\nWe sell pumps to farms and to cities.\n" * 4
    path = tmp_path / "ACME_2023_10K.txt"
    path.write_bytes(content)
    options = ReadOptions(workers=1)

    def count_tokens(texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]

    wanted = read_file(path, options, count_tokens)
    elsewhere = Path("/nowhere") / path.name
    reader = Reader(options, count_tokens)
    try:
        read = reader.read(elsewhere, content)
        refused = reader.read(Path("/nowhere/b.txt"), b" ")
    finally:
        reader.close()
    assert isinstance(read, Filing)
    assert (read.path, read.chunks) == (elsewhere, wanted.chunks)
    assert read.document.name == path.name
    assert isinstance(refused, IngestError)


def test_what_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    if importlib.util.find_spec("ray"):
        with pytest.raises(ConfigError, match="ray start"):
            RayCluster("ray://10.0.0.1:10001")
        settings = Settings(engine="ray", ray_address="10.0.0.1:6379", redis_url="")
        registry: Any = World().registry
        engine = RayEngine(settings, registry, lambda: "one")
        release: Any = None
        with pytest.raises(ConfigError, match="RAGLOOP_REDIS_URL"):
            list(engine.fill(release, [], [["a"]]))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install 'ragloop\[ray\]'"):
        RayCluster()
