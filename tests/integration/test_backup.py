"""A home that is backed up, destroyed and restored, and what is refused meanwhile."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
import zstandard
from rq.executions import Execution
from rq.job import JobStatus

from rag_service.adapters import archive
from rag_service.adapters.redis_copy import RedisCopy
from rag_service.core.errors import DataError, InvalidRequest, JobRunning, StoreError
from rag_service.core.protocols import no_progress
from rag_service.core.settings import load_settings
from rag_service.core.types import ApiKey
from rag_service.wiring import Services, open_services
from tests.fakes.tiny_model import tiny_model
from tests.integration.command_line import CommandLine
from tests.unit import ingest_files as files

QUESTIONS = ("plant sales 2023", "net sales", "Harrow Instruments")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two random models of the same words."""
    made = (
        tiny_model(tmp_path_factory.mktemp("model"), ["net sales of plant 2023"], seed=seed).path
        for seed in (1, 2)
    )
    first, second = made
    return first, second


@pytest.fixture
def made(tmp_path: Path, redis_url: str, models: tuple[str, str]) -> Iterator[Services]:
    """A home with a document, two releases of which the second is live, a run and a job."""
    with services(tmp_path / "home", redis_url, models[0], new_namespace()) as opened:
        paper = files.filing(tmp_path / "HARROW_2023_10K.pdf")
        opened.ingestion.run([paper])
        release = opened.indexer.build(opened.registry.resolve(models[1]))
        opened.promote(release.release, force=True)
        home = opened.settings.home
        for name in ("history/runs/a.json", "question_sets/q/queries.jsonl", "feedback.jsonl"):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(name)
        with opened.jobs.run("improve", {}) as job:
            (job.folder / "training" / "checkpoints").mkdir(parents=True)
            (job.folder / "training" / "checkpoints" / "weights").write_text("large")
            (job.folder / "training" / "manifest.json").write_text("{}")
        yield opened


def new_namespace() -> str:
    return f"t{uuid4().hex[:16]}"


def services(home: Path, url: str, model: str, namespace: str) -> AbstractContextManager[Services]:
    return open_services(
        load_settings(
            home=home, redis_url=url, embedding_model=model, namespace=namespace, llm="none"
        )
    )


def beside(made: Services, tmp_path: Path) -> AbstractContextManager[Services]:
    """Services on another, empty home and namespace."""
    settings = made.settings
    return services(
        tmp_path / f"other-{uuid4().hex[:4]}",
        settings.redis_url,
        settings.embedding_model,
        new_namespace(),
    )


def answers(opened: Services, release: str | None = None) -> list[list[tuple[str, float, str]]]:
    """What is found, each by its id, score and model."""
    found = opened.retriever.search_many(QUESTIONS, 10, release)
    return [[(hit.chunk.chunk_id, hit.score, hit.model) for hit in hits] for hits in found]


def contents(home: Path) -> dict[str, bytes]:
    """Every file of a home but those that processes lock."""
    return {
        str(path.relative_to(home)): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file() and path.stat().st_size and not path.name.endswith(".lock")
    }


def let_go(opened: Services) -> None:
    """As a service that was stopped: nothing is in use."""
    opened.serving.close()
    opened.leases.close()
    opened.holder.close()


def destroy(opened: Services) -> None:
    let_go(opened)
    shutil.rmtree(opened.settings.home)
    RedisCopy(opened._client, opened.settings.namespace).clear()


def test_what_was_destroyed_is_there_again(made: Services, tmp_path: Path) -> None:
    made.keys.add("digest", ApiKey("me", frozenset({"ask"}), "2024-01-01T00:00:00Z"))
    before, earlier = answers(made), answers(made, "r0001")
    releases, documents = made.releases.all(), made.chunks.documents()
    kept = contents(made.settings.home)

    backup = made.backups.back_up(tmp_path / "a.tar.zst")

    assert (backup.live, backup.counts["documents"], backup.counts["releases"]) == ("r0002", 1, 2)
    assert backup.counts["models"] == 2
    assert backup.file.stat().st_mode & 0o077 == 0
    destroy(made)
    with beside(made, tmp_path) as other:
        restored = other.backups.restore(backup.file)

        assert (restored.counts, restored.live, restored.replaced) == (backup.counts, "r0002", {})
        assert other.releases.all() == releases
        assert other.chunks.documents() == documents
        assert [key.name for key in other.keys.all()] == ["me"]
        assert answers(other) == before
        lost = {name for name, _ in kept.items() - contents(other.settings.home).items()}
        assert {Path(name).name for name in lost} == {"weights"}, "checkpoints are left out"

        paper = files.filing(tmp_path / "MILLS_2023_10K.pdf", extra_pages=1)
        [outcome] = other.ingestion.run([paper])
        assert outcome.status == "added"
        other.ingestion.remove(paper.name)
        assert other.rollback().release == "r0001"
        assert answers(other) == earlier
        assert other.releases.new_name() == "r0003"


def test_the_commands_say_what_they_did_and_refuse_to_delete(
    made: Services,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "a.tar.zst"
    settings = made.settings
    environment = {"RAGLOOP_REDIS_URL": settings.redis_url, "RAGLOOP_NAMESPACE": settings.namespace}
    ragloop = CommandLine(settings.home, environment, monkeypatch, capfd)

    backed_up = ragloop("backup", file, "--json").document
    assert backed_up["counts"]["documents"] == 1
    assert backed_up["bytes"] == file.stat().st_size
    again = ragloop("backup", file, "--json")
    assert (again.status, again.error["code"]) == (2, "invalid_request")

    let_go(made)
    refused = ragloop("restore", file, "--json")
    assert refused.status == 2
    assert "holds 1 document, " in refused.error["message"]
    restored = ragloop("restore", file, "--force", "--json").document
    assert restored["replaced"]["documents"] == 1
    assert restored["live"] == "r0002"
    assert "restored into" in ragloop("restore", file, "--force").stdout
    assert ragloop("restore", tmp_path / "none", "--json").error["code"] == "not_found"


Damage = Callable[[bytes], bytes]


def repacked(change: Callable[[list[tuple[tarfile.TarInfo, bytes]]], object]) -> Damage:
    """The same archive after ``change`` of its members."""

    def damage(content: bytes) -> bytes:
        plain = zstandard.ZstdDecompressor().stream_reader(content).read()
        with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
            members = [(m, tar.extractfile(m).read()) for m in tar.getmembers()]  # type: ignore[union-attr]
        change(members)
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as tar:
            for member, part in members:
                member.size = len(part) if member.isreg() else 0
                tar.addfile(member, io.BytesIO(part))
        return zstandard.compress(packed.getvalue())

    return damage


def named(name: str, kind: bytes = tarfile.REGTYPE) -> Damage:
    """With one part more, before the manifest."""
    extra = tarfile.TarInfo(name)
    extra.type, extra.linkname = kind, "/etc/passwd"
    return repacked(lambda members: members.insert(1, (extra, b"")))


def of_another_format(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    head = json.loads(members[0][1]) | {"format": 2, "ragloop": "9.0"}
    members[0] = (members[0][0], json.dumps(head).encode())


def other_rows(members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    [at] = [n for n, (m, _) in enumerate(members) if m.name.startswith("redis/")]
    members[at] = (members[at][0], members[at][1].replace(b"Harrow", b"Harlow"))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        pytest.param(lambda c: b"", "no whole backup", id="empty"),
        pytest.param(lambda c: b"%PDF-1.7 and more", "no whole backup", id="foreign"),
        pytest.param(lambda c: zstandard.compress(b"text"), "no whole backup", id="no tar"),
        pytest.param(lambda c: c[: len(c) // 2], "no whole backup", id="cut in the middle"),
        pytest.param(lambda c: c[:-5], "no whole backup", id="cut at the end"),
        pytest.param(
            lambda c: c[: len(c) // 2] + bytes([c[len(c) // 2] ^ 1]) + c[len(c) // 2 + 1 :],
            "no whole backup",
            id="one bit",
        ),
        pytest.param(repacked(other_rows), "not what was put there", id="other rows"),
        pytest.param(repacked(lambda m: m.pop(2)), "is missing", id="a part less"),
        pytest.param(repacked(lambda m: m.pop()), "its end is missing", id="no manifest"),
        pytest.param(repacked(lambda m: m.append(m[1])), "too many", id="a part twice"),
        pytest.param(repacked(of_another_format), "restore it with that version", id="newer"),
        pytest.param(named("home/models/more"), "not what was put there", id="a part more"),
        pytest.param(named("../../outside"), "'../../outside'", id="dots"),
        pytest.param(named("/tmp/outside"), "'/tmp/outside'", id="absolute"),
        pytest.param(named("home/x", tarfile.SYMTYPE), "no plain file", id="symlink"),
        pytest.param(named("home/x", tarfile.LNKTYPE), "no plain file", id="hard link"),
        pytest.param(named("home/x", tarfile.FIFOTYPE), "no plain file", id="pipe"),
        pytest.param(named("home/x", tarfile.DIRTYPE), "no plain file", id="folder"),
    ],
)
def test_a_damaged_backup_changes_nothing(tmp_path: Path, damage: Damage, says: str) -> None:
    file = tmp_path / "a.tar.zst"
    with archive.writing(file, {"ragloop": "0.1.0"}) as written:
        written.add("redis/000000.jsonl", os.urandom(300_000) + b"Harrow")
        written.add("home/feedback.jsonl", b"{}")
        written.close({})
    assert archive.unpack(file, tmp_path / "whole")["format"] == archive.FORMAT
    file.write_bytes(damage(file.read_bytes()))

    with pytest.raises(DataError, match=says):
        archive.unpack(file, tmp_path / "folder")

    assert {path.name for path in tmp_path.iterdir()} == {"a.tar.zst", "whole", "folder"}


def test_a_home_stays_as_it_was_when_its_backup_is_damaged_or_the_disk_is_full(
    made: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = made.backups.back_up(tmp_path / "a.tar.zst").file
    let_go(made)
    before, names = (
        contents(made.settings.home),
        RedisCopy(made._client, made.settings.namespace).names(),
    )
    (tmp_path / "cut").write_bytes(file.read_bytes()[:-1000])

    with again(made) as opened:
        with pytest.raises(DataError):
            opened.backups.restore(tmp_path / "cut", force=True)
        with monkeypatch.context() as patch:
            patch.setattr(archive, "_write", full_disk)
            with pytest.raises(OSError, match="No space left"):
                opened.backups.restore(file, force=True)
        assert contents(made.settings.home) == before
        assert opened.backups._copy.names() == names
        assert not list(made.settings.home.glob(".restoring*"))


def test_a_backup_is_there_whole_or_not_at_all(
    made: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tarfile.TarFile, "addfile", full_disk)
        with pytest.raises(OSError, match="No space left") as failed:
            made.backups.back_up(tmp_path / "a.tar.zst")
    assert failed.value.filename == str(tmp_path / "a.tar.zst")
    assert not list(tmp_path.glob("*.zst*"))
    assert not list(tmp_path.glob(".*"))


def full_disk(*_: object, **__: object) -> str:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def again(made: Services) -> AbstractContextManager[Services]:
    settings = made.settings
    model = settings.embedding_model
    return services(settings.home, settings.redis_url, model, settings.namespace)


class Killed(BaseException):
    """What no handler expects."""


def test_a_restore_that_was_killed_is_mended_by_another_one(
    made: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = answers(made)
    file = made.backups.back_up(tmp_path / "a.tar.zst").file
    whole = RedisCopy.write

    def killed(self: RedisCopy, lines: Iterable[bytes], total: int, progress: Any) -> None:
        all_lines = list(lines)
        few = [line for line in all_lines if not line.startswith((b'["live"', b'["releases"'))]
        whole(self, few[: len(few) // 2], total, progress)
        raise Killed

    with beside(made, tmp_path) as other:
        with monkeypatch.context() as patch:
            patch.setattr(RedisCopy, "write", killed)
            with pytest.raises(Killed):
                other.backups.restore(file)
        left = other.settings.home / ".restoring-0"
        left.mkdir()
        assert other.releases.all() == [], "nobody serves half of it"
        with pytest.raises(InvalidRequest, match="--force"):
            other.backups.restore(file)

        restored = other.backups.restore(file, force=True)

        assert restored.replaced["documents"] == 1
        assert answers(other) == before
        assert not left.exists()


def test_a_home_in_use_is_not_replaced(made: Services, tmp_path: Path) -> None:
    file = made.backups.back_up(tmp_path / "a.tar.zst").file
    let_go(made)
    with again(made) as opened:
        opened.releases.use("r0001", "somebody", 60)
        with pytest.raises(JobRunning, match="in use by somebody"):
            opened.backups.restore(file, force=True)
        opened.releases.leave("r0001", "somebody")
        with opened.jobs.working_off(lambda: None), pytest.raises(JobRunning, match="worker"):
            opened.backups.restore(file, force=True)
        assert opened.releases.current() is not None


def test_what_waits_in_the_queue_is_forgotten(made: Services, tmp_path: Path) -> None:
    made.queue.start("finetune", {})
    file = made.backups.back_up(tmp_path / "a.tar.zst").file
    let_go(made)
    with again(made) as opened:
        opened.backups.restore(file, force=True)
        assert opened.queue.all() == []
        assert len(opened.queue.queue) == 0


def test_what_a_killed_worker_was_at_is_forgotten_too(made: Services, tmp_path: Path) -> None:
    file = made.backups.back_up(tmp_path / "a.tar.zst").file
    queue = made.queue
    running, cancelled = queue.start("finetune", {}).job, queue.start("improve", {}).job
    queue.cancel(cancelled)
    found = queue.queue.fetch_job(running)
    assert found is not None
    assert queue.queue.remove(running)
    found.set_status(JobStatus.STARTED)
    with queue.queue.connection.pipeline() as pipe:
        Execution.create(found, 600, pipe)
        pipe.execute()
    let_go(made)
    with again(made) as opened:
        opened.backups.restore(file, force=True)
        assert opened.queue.queue.started_job_registry.get_job_ids(cleanup=False) == []
        kept = [str(key) for key in opened._client.scan_iter("rq:*")]
        assert [key for key in kept if running in key or cancelled in key] == []


def test_a_document_that_arrives_during_a_backup_waits_for_it(
    made: Services, tmp_path: Path
) -> None:
    paper = files.filing(tmp_path / "MILLS_2023_10K.pdf", extra_pages=1)
    arriving = threading.Thread(target=made.ingestion.run, args=([paper],))
    with made.jobs.unchanging():
        arriving.start()
        arriving.join(0.3)
        assert arriving.is_alive()
        assert [document.name for document in made.chunks.documents()] == ["HARROW_2023_10K.pdf"]
    arriving.join(60)
    assert not arriving.is_alive()
    assert len(made.chunks.documents()) == 2


def test_files_of_one_content_are_written_once(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(os.urandom(100_000))
    os.link(tmp_path / "a", tmp_path / "b")
    with archive.writing(tmp_path / "x.tar.zst", {}) as written:
        written.add_file("home/a", tmp_path / "a")
        written.add_file("home/b", tmp_path / "b")
        written.close({})
    assert (tmp_path / "x.tar.zst").stat().st_size < 110_000
    archive.unpack(tmp_path / "x.tar.zst", tmp_path / "out")
    assert (tmp_path / "out/home/b").read_bytes() == (tmp_path / "a").read_bytes()


_READ = {"string": "GET", "hash": "HGETALL", "list": "LRANGE", "set": "SMEMBERS"}


def _raw(client: redis.Redis, key: str) -> object:
    """The bytes of a value; a hash and a set have no order of their own."""
    kind = str(client.type(key))
    bounds = (0, -1) if kind == "list" else ()
    found = client.execute_command(_READ[kind], key, *bounds, NEVER_DECODE=True)  # type: ignore[no-untyped-call]
    return (
        dict(zip(found[::2], found[1::2], strict=True))
        if kind == "hash" and isinstance(found, list)
        else found
    )


def test_every_value_comes_back_as_it_was(client: redis.Redis) -> None:
    source, target = new_namespace(), new_namespace()
    vector = bytes(range(256))
    client.set(f"{source}:text", "ein Wort")
    client.set(f"{source}:none", "")
    client.hset(f"{source}:ix:i:c", mapping={"vector": vector, "line\nend": "\u2028é"})
    client.rpush(f"{source}:history", "b", "a")
    client.sadd(f"{source}:names", "x", "y")
    client.set(f"{source}:answer:1", "for a time", ex=100)
    client.set(f"{source}:job:1", "queued")
    copy = RedisCopy(client, source)

    RedisCopy(client, target).write(copy.read(no_progress), 5, no_progress)

    names = ["history", "ix:i:c", "names", "none", "text"]
    assert copy.names() == RedisCopy(client, target).names() == names
    for name in names:
        assert _raw(client, f"{source}:{name}") == _raw(client, f"{target}:{name}")
    client.xadd(f"{source}:stream", {"a": "b"})
    with pytest.raises(StoreError, match="stream"):
        list(copy.read(no_progress))
