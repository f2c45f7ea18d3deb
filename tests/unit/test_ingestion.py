"""What becomes of files: added, unchanged, replaced or refused, and what is said of it."""

from __future__ import annotations

import errno
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from ingest import read
from ingest.options import ReadOptions
from rag_service.core.errors import ConfigError, NotFound, StoreUnavailable
from rag_service.core.ids import document_id
from rag_service.core.types import Document, FilingFacts, IndexSpec, ModelCard
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer
from rag_service.indexing.writer import DocumentWriter
from rag_service.loop import ingestion
from rag_service.loop.ingestion import Ingestion, Outcome
from rag_service.loop.jobs import JobStore
from rag_service.loop.kept_filings import KeptFilings
from tests.fakes.models import FakeRegistry
from tests.fakes.stores import FakeChunkStore, FakeRedis, FakeReleaseStore, FakeVectorStore
from tests.unit import ingest_files as files

DIMS = 32
OPTIONS = ReadOptions(workers=1)
CARD = ModelCard("base", "base", "", DIMS, 256, "", "", "2026-01-01T00:00:00Z")


@dataclass
class World:
    home: Path
    options: ReadOptions = OPTIONS

    def __post_init__(self) -> None:
        redis = FakeRedis()
        self.chunks = FakeChunkStore(redis)
        self.vectors = FakeVectorStore(redis)
        self.releases = FakeReleaseStore(redis)
        self.registry = FakeRegistry([CARD])
        self.writer = DocumentWriter(self.chunks, self.vectors, self.releases, self.registry)
        self.indexer = ShadowIndexer(
            self.chunks,
            self.vectors,
            self.releases,
            self.registry,
            lambda release, model: IndexSpec(f"ix-{release}", model.dims, model.fingerprint),
        )
        self.kept = KeptFilings(self.home)
        promoter = Promoter(self.indexer, self.vectors, self.releases, self.registry, 2)
        self.ingestion = Ingestion(
            self.chunks,
            self.registry,
            self.indexer,
            self.writer,
            self.options,
            lambda: promoter.ensure_live(lambda: CARD),
            JobStore(self.home),
            self.kept,
        )

    def ingest(self, *paths: Path) -> list[Outcome]:
        return self.ingestion.run(paths)

    def names(self) -> list[str]:
        return [document.name for document in self.chunks.documents()]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes]:
    """Two versions of one filing."""
    folder = tmp_path_factory.mktemp("drawn")
    old = files.filing(folder / "old.pdf").read_bytes()
    return old, files.filing(folder / "new.pdf", extra_pages=2).read_bytes()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("in", "in/a", "in/b"):
        (tmp_path / name).mkdir()
    return tmp_path / "in"


def put(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.reason or outcome.status for outcome in outcomes]


def test_a_file_is_added_then_unchanged_then_replaced(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    path = put(folder / "HARROW_2023_10K.pdf", drawn[0])
    assert statuses(world.ingest(folder)) == ["added"]
    assert statuses(world.ingest(folder)) == ["unchanged"]
    path.write_bytes(drawn[1])
    (outcome,) = world.ingest(folder)
    assert outcome.status == "replaced"
    assert (outcome.message, outcome.warnings) == ("", ())
    assert outcome.document is not None
    assert outcome.document.pages == 8
    assert world.names() == [path.name]
    assert world.indexer.completeness(world.releases.all()[0]).complete


def test_nothing_is_loaded_or_read_where_nothing_changed(
    world: World, folder: Path, drawn: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder / "HARROW_2023_10K.pdf", drawn[0])
    world.ingest(folder)
    monkeypatch.setattr(world.registry, "load", pytest.fail)
    monkeypatch.setattr(ingestion, "read_files", pytest.fail)
    assert statuses(world.ingest(folder)) == ["unchanged"]


def test_no_encoder_is_loaded_for_files_that_are_refused(
    world: World, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.ingest()
    monkeypatch.setattr(world.registry, "load", pytest.fail)
    (folder / "empty.pdf").touch()
    assert statuses(world.ingest(folder)) == ["empty"]


def test_a_chunk_length_that_the_model_does_not_read_is_a_wrong_setting(
    tmp_path: Path, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    world = World(tmp_path / "home", replace(OPTIONS, chunk_tokens=512))
    put(folder / "HARROW_2023_10K.pdf", drawn[0])
    with pytest.raises(ConfigError, match="RAGLOOP_CHUNK_TOKENS=512"):
        world.ingest(folder)


def test_the_second_file_of_a_name_with_other_bytes_is_refused(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    first = put(folder / "a" / "HARROW_2023_10K.pdf", drawn[0])
    put(folder / "b" / "HARROW_2023_10K.pdf", drawn[1])
    for expected in (["added", "same_name"], ["unchanged", "same_name"]):
        outcomes = world.ingest(folder)
        assert statuses(outcomes) == expected
        assert outcomes[1].status == "refused"
        assert outcomes[1].document is None
        assert str(first) in outcomes[1].message
        assert "rename" in outcomes[1].message
    (document,) = world.chunks.documents()
    assert document.pages == 6


def test_the_first_of_a_run_counts_also_where_the_second_is_known(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    known = put(folder / "b" / "HARROW_2023_10K.pdf", drawn[0])
    world.ingest(known)
    put(folder / "a" / known.name, drawn[1])
    assert statuses(world.ingest(folder)) == ["replaced", "same_name"]


def test_a_refused_file_takes_no_name(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    put(folder / "a" / "HARROW_2023_10K.pdf", drawn[0][: len(drawn[0]) // 2])
    put(folder / "b" / "HARROW_2023_10K.pdf", drawn[0])
    assert statuses(world.ingest(folder)) == ["broken", "added"]


def test_files_of_equal_bytes_count_once(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    first = put(folder / "a" / "HARROW_2023_10K.pdf", drawn[0])
    put(folder / "b" / "HARROW_2023_10K.pdf", drawn[0])
    put(folder / "b" / "copy.pdf", drawn[0])
    for expected in (["added", "unchanged", "unchanged"], ["unchanged"] * 3):
        outcomes = world.ingest(folder)
        assert statuses(outcomes) == expected
        assert {o.document.name for o in outcomes if o.document} == {first.name}
        for twin in outcomes[1:]:
            assert twin.message == f"the same bytes as {first}, which is ingested as {first.name}"
    assert world.names() == [first.name]


def test_a_renamed_file_is_known_and_the_name_it_goes_by_is_said(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    path = put(folder / "HARROW_2023_10K.pdf", drawn[0])
    world.ingest(folder)
    path.rename(folder / "HARROW_2023.pdf")
    (outcome,) = world.ingest(folder)
    assert outcome.status == "unchanged"
    assert "HARROW_2023_10K.pdf" in outcome.message
    assert world.names() == ["HARROW_2023_10K.pdf"]


@pytest.mark.parametrize("renamed", ["AAA.pdf", "ZZZ.pdf"])
def test_a_file_that_made_room_for_another_of_its_name_stays_a_document(
    world: World, folder: Path, drawn: tuple[bytes, bytes], renamed: str
) -> None:
    path = put(folder / "HARROW_2023_10K.pdf", drawn[0])
    world.ingest(folder)
    shutil.move(path, folder / renamed)
    path.write_bytes(drawn[1])
    assert "refused" not in {outcome.status for outcome in world.ingest(folder)}
    assert world.names() == sorted([path.name, renamed])
    assert statuses(world.ingest(folder)) == ["unchanged", "unchanged"]
    assert world.indexer.completeness(world.releases.all()[0]).complete


def test_a_name_against_its_cover_is_warned_of_each_time(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    put(folder / "HARROW_2021_10K.pdf", drawn[0])
    said = "the file name says fiscal year 2021, the cover page 2023: the cover counts"
    for status in ("added", "unchanged"):
        (outcome,) = world.ingest(folder)
        assert outcome.status == status
        document = outcome.as_dict()
        assert document["message"] == said
        assert document["warnings"] == [said]
        assert document["fiscal_year"] == 2023


def test_progress_tells_of_files_and_of_the_chunks_of_each(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    put(folder / "HARROW_2023_10K.pdf", drawn[0])
    (folder / "empty.pdf").touch()
    told: list[tuple[str, int, int]] = []
    world.ingestion.run([folder], lambda *step: told.append(step))
    files_done = [(done, total) for step, done, total in told if step == "ingest"]
    assert files_done == [(0, 2), (1, 2), (2, 2)]
    embedded = [step for step in told if step[0] == "embed HARROW_2023_10K.pdf"]
    assert embedded[-1][1] == embedded[-1][2] == world.chunks.documents()[0].chunks
    assert told.index(embedded[-1]) < told.index(("ingest", 1, 2))


def test_a_copy_of_each_file_is_kept_until_its_document_goes(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    path = put(folder / "HARROW_2023_10K.PDF", drawn[0])
    world.ingest(folder)
    assert kept(world) == {f"{document_id(drawn[0])}.pdf": drawn[0]}
    path.write_bytes(drawn[1])
    assert kept(world) == {f"{document_id(drawn[0])}.pdf": drawn[0]}
    world.ingest(folder)
    assert kept(world) == {f"{document_id(drawn[1])}.pdf": drawn[1]}
    (document,) = world.chunks.documents()
    assert world.kept.path(document).read_bytes() == drawn[1]
    path.unlink()
    world.ingestion.remove(path.name)
    assert kept(world) == {}
    with pytest.raises(NotFound, match="ingest the file again"):
        world.kept.path(document)


def test_a_copy_that_a_killed_process_left_goes_with_the_next_ingestion(
    world: World, folder: Path, drawn: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    path = put(folder / "HARROW_2023_10K.pdf", drawn[0])
    world.ingest(folder)
    path.write_bytes(drawn[1])
    with monkeypatch.context() as patch:
        patch.setattr(world.writer, "put", killed)
        with pytest.raises(KeyboardInterrupt):
            world.ingest(folder)
    put(world.home / "filings" / f".{document_id(drawn[1])}.pdf.0123abcd", drawn[1][:100])
    other = put(world.home / "filings" / f"{document_id(b'of another store')}.pdf", b"x")
    world.ingest(put(folder.parent / "other.txt", b"Form 10-K, fiscal 2023"))
    assert kept(world)[f"{document_id(drawn[0])}.pdf"] == drawn[0], "its document is still there"
    with monkeypatch.context() as patch:
        patch.setattr(world.kept, "discard", killed)
        with pytest.raises(KeyboardInterrupt):
            world.ingest(folder)
    assert {f"{document_id(content)}.pdf" for content in drawn} < kept(world).keys()
    world.ingest(folder)
    assert f"{document_id(drawn[0])}.pdf" not in kept(world)
    assert kept(world)[f"{document_id(drawn[1])}.pdf"] == drawn[1]
    assert other.exists(), "who knows what that is"
    assert not [name for name in kept(world) if name.startswith(".")]


def test_a_missing_copy_is_restored_from_an_unchanged_file(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    put(folder / "HARROW_2023_10K.pdf", drawn[0])
    put(folder / "copy.pdf", drawn[0])
    world.ingest(folder)
    (before,) = kept(world)
    (world.home / "filings" / before).unlink()
    assert statuses(world.ingest(folder)) == ["unchanged", "unchanged"]
    assert kept(world) == {before: drawn[0]}


def test_the_copy_of_a_document_goes_with_its_last_name(
    world: World, folder: Path, drawn: tuple[bytes, bytes]
) -> None:
    path = put(folder / "HARROW_2023_10K.pdf", drawn[0])
    world.ingest(folder)
    shutil.move(path, folder / "AAA.pdf")
    path.write_bytes(drawn[1])
    world.ingest(folder)
    assert sorted(kept(world).values()) == sorted(drawn)


def test_a_document_whose_name_ends_otherwise_by_now_has_one_copy(tmp_path: Path) -> None:
    path = put(tmp_path / "harrow.HTML", b"<p>We make measuring instruments.</p>")
    kept = KeptFilings(tmp_path)
    was = Document(document_id(path.read_bytes()), path.name, FilingFacts(), 1, 1, 0, "")
    now = replace(was, name="harrow.txt")
    for document in (was, now):
        kept.keep(document, path)
    kept.discard(was, unless=replace(was, name="harrow.html"))
    assert kept.has(was)
    kept.discard(was, unless=now)
    assert not kept.has(was)
    assert kept.path(now).read_bytes() == path.read_bytes()


def test_a_copy_that_cannot_be_kept_is_warned_of_and_refuses_nothing(
    world: World, folder: Path, drawn: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")

    put(folder / "HARROW_2023_10K.pdf", drawn[0])
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        for status in ("added", "unchanged"):
            (outcome,) = world.ingest(folder)
            assert outcome.status == status
            (warning,) = outcome.warnings
            assert "No space left on device" in warning == outcome.message
    assert kept(world) == {}
    (outcome,) = world.ingest(folder)
    assert outcome.warnings == ()
    assert len(kept(world)) == 1


def test_a_file_that_changes_while_it_is_read_is_not_kept_for_what_it_was(
    world: World, folder: Path, drawn: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(folder / "HARROW_2023_10K.pdf", drawn[0])
    store = world.writer.put

    def changed_meanwhile(*arguments: Any) -> None:
        store(*arguments)
        path.write_bytes(drawn[1])

    monkeypatch.setattr(world.writer, "put", changed_meanwhile)
    (outcome,) = world.ingest(folder)
    assert "was changed while it was read" in outcome.message
    assert kept(world) == {}


def kept(world: World) -> dict[str, bytes]:
    """What lies among the copies, by its name."""
    return {path.name: path.read_bytes() for path in (world.home / "filings").iterdir()}


def test_readers_end_where_the_store_fails(
    world: World, folder: Path, drawn: tuple[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[bool] = []

    def read_files(*arguments: object) -> object:
        try:
            yield from read.read_files(*arguments)  # type: ignore[arg-type]
        finally:
            ended.append(True)

    def fail(*_: object) -> None:
        raise StoreUnavailable("Redis is away")

    put(folder / "HARROW_2023_10K.pdf", drawn[0])
    monkeypatch.setattr(ingestion, "read_files", read_files)
    monkeypatch.setattr(world.writer, "put", fail)
    with pytest.raises(StoreUnavailable):
        world.ingest(folder)
    assert ended == [True]
