"""Readers that answer nonsense, die or outlive their master, and the work that goes on beside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ingest import workers
from ingest.options import ReadOptions
from ingest.workers import Outcome, parse_files, start_process
from rag_service.core.errors import ConfigError, IngestError
from tests.fakes.bad_worker import LOADING_SECONDS

READ_FOREVER = """
import sys
from pathlib import Path
from ingest.options import ReadOptions
from ingest.workers import parse_files
list(parse_files([Path(path) for path in sys.argv[1:]], ReadOptions(workers=2)))
"""


@pytest.fixture
def misbehave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "start_process", lambda _: start_process("tests.fakes.bad_worker"))


def named(folder: Path, *names: str) -> list[Path]:
    return [folder / f"{name}.pdf" for name in names]


def reasons(read: list[tuple[Path, Outcome]]) -> dict[str, str]:
    return {p.stem: o.reason if isinstance(o, IngestError) else "read" for p, o in read}


def until(true: Callable[[], bool], seconds: float = 30.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.mark.usefixtures("misbehave")
@pytest.mark.parametrize("size", [1, 2])
def test_whatever_a_reader_answers_the_other_files_are_read(tmp_path: Path, size: int) -> None:
    bad = ["noise", "rubbish", "stranger", "killed", "exit"]
    paths = named(tmp_path, "first", *bad, "last")
    read = list(parse_files(paths, ReadOptions(workers=size)))
    assert [path for path, _ in read] == paths
    assert reasons(read) == {"first": "fine", **dict.fromkeys(bad, "crashed"), "last": "fine"}
    messages = {p.stem: o.message for p, o in read if isinstance(o, IngestError)}
    assert "ingest it again" in messages["killed"]
    assert "status 7" in messages["exit"]
    assert "cannot be read" in messages["noise"]


@pytest.mark.usefixtures("misbehave")
def test_half_an_answer_is_waited_for_no_longer_than_the_limit(tmp_path: Path) -> None:
    started = time.monotonic()
    paths = named(tmp_path, "half", "last")
    read = list(parse_files(paths, ReadOptions(workers=1, seconds=1)))
    assert reasons(read) == {"half": "timeout", "last": "fine"}
    assert time.monotonic() - started < 60


@pytest.mark.usefixtures("misbehave")
def test_what_a_reader_takes_to_load_is_not_counted_as_reading(tmp_path: Path) -> None:
    seconds = 1
    assert seconds < LOADING_SECONDS
    started = time.monotonic()
    read = list(parse_files(named(tmp_path, "loading"), ReadOptions(workers=1, seconds=seconds)))
    assert reasons(read) == {"loading": "fine"}
    assert time.monotonic() - started > LOADING_SECONDS


@pytest.mark.usefixtures("misbehave")
def test_a_reader_that_never_gets_to_its_file_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "START_SECONDS", LOADING_SECONDS / 2)
    [(_, outcome)] = parse_files(named(tmp_path, "loading"), ReadOptions(workers=1))
    assert isinstance(outcome, IngestError)
    assert outcome.reason == "timeout"
    assert "not ready" in outcome.message


@pytest.mark.usefixtures("misbehave")
def test_the_next_files_are_read_while_the_caller_works_on_one(tmp_path: Path) -> None:
    paths = named(tmp_path, *"abcdef")
    reading = parse_files(paths, ReadOptions(workers=1))
    assert next(reading)[0] == paths[0]
    assert until(paths[workers.AHEAD - 1].with_suffix(".seen").exists)
    assert not paths[workers.AHEAD].with_suffix(".seen").exists()
    assert [path for path, _ in reading] == paths[1:]


def test_a_reader_that_does_not_start_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "start_process", lambda _: start_process("no.such.module"))
    with pytest.raises(ConfigError, match="did not start"):
        list(parse_files(named(tmp_path, "a"), ReadOptions()))


def test_readers_end_when_the_reading_is_given_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hanging.txt")
    (tmp_path / "plain.txt").write_text("Net sales rose by a tenth.")
    paths = [tmp_path / "plain.txt", tmp_path / "hanging.txt"]
    reading = parse_files(paths, ReadOptions(workers=2))
    next(reading)
    assert until(lambda: bool(readers(os.getpid())))
    reading.close()
    assert readers(os.getpid()) == []


def test_readers_end_with_a_master_that_is_killed(tmp_path: Path) -> None:
    hanging = [tmp_path / "one.txt", tmp_path / "two.txt"]
    for path in hanging:
        os.mkfifo(path)
    master = subprocess.Popen([sys.executable, "-c", READ_FOREVER, *map(str, hanging)])
    try:
        assert until(lambda: len(readers(master.pid)) == 2)
        left = readers(master.pid)
        # Opening to write waits for a reader: both are in the midst of their file.
        held = [os.open(path, os.O_WRONLY) for path in hanging]
    finally:
        master.kill()
        master.wait()
    assert until(lambda: not any(is_reader(pid) for pid in left))
    for end in held:
        os.close(end)


def readers(master: int) -> list[int]:
    """Processes that read files for ``master``."""
    found = [
        int(pid)
        for task in Path(f"/proc/{master}/task").iterdir()
        for pid in (task / "children").read_text().split()
    ]
    return [pid for pid in found if is_reader(pid)]


def is_reader(pid: int) -> bool:
    try:
        return b"ingest.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
