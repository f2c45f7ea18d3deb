"""What commands print, whatever the names of files are, and how they tell of their progress."""

from __future__ import annotations

import io
import json
import os
import pty
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread

import pytest
from rich.console import Console

from rag_service.cli.asking import beginning
from rag_service.cli.output import PlainProgress, emit, emit_error, grid, progress_bar

NAME = "f\udcff – ü.pdf"
"""As Python reads the name of a file that is no UTF-8."""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    "write",
    [
        lambda: emit({"name": NAME}, True, lambda console: None),
        lambda: emit_error({"name": NAME}, True),
    ],
)
def test_json_is_readable_in_any_encoding(
    write: Callable[[], None], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(_printed(write, encoding, monkeypatch))
    assert document.get("error", document) == {"name": NAME}


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_text_shows_what_cannot_be_encoded_escaped(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = _printed(
        lambda: emit({}, False, lambda console: console.print(NAME)), encoding, monkeypatch
    )
    assert "f\\udcff" in printed


def test_a_name_is_whole_in_a_table_on_a_narrow_terminal() -> None:
    columns = ("document", "company", "form", "year", "pages", "chunks", "tables")
    row = ("DUNMORROW_2022_10K.pdf", "Dunmorrow Pet & Garden Centers, Inc.", "10-K", 2022, 9, 8, 7)
    console = Console(file=io.StringIO(), width=80)
    console.print(grid(columns, [row]))
    assert isinstance(console.file, io.StringIO)
    head, first, *_ = console.file.getvalue().splitlines()
    assert head.split() == list(columns)
    assert first.split()[0] == row[0]


def test_an_error_is_one_text_in_the_width_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    message = "file [bold]a[/] holds " + "words " * 30
    emit_error({"code": "invalid_request", "message": message}, False)
    lines = capsys.readouterr().err.splitlines()
    assert " ".join(" ".join(lines).split()) == f"error (invalid_request): {message}".strip()
    assert max(map(len, lines)) <= 80


def test_a_passage_is_not_cut_within_a_figure() -> None:
    text = "Net debt " + "x" * 386 + " $149.4 $160.0"
    assert len(text[:400]) > text.index("$149.4")
    assert beginning(text) == "Net debt " + "x" * 386 + " …"
    assert beginning("Net debt $149.4") == "Net debt $149.4"


def _printed(write: Callable[[], None], encoding: str, monkeypatch: pytest.MonkeyPatch) -> str:
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stdout)
        write()
        stdout.flush()
    return raw.getvalue().decode(encoding)


@dataclass
class Clock:
    now: float = 0.0
    out: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.progress = PlainProgress(self.out, lambda: self.now)

    def embed(self, name: str, seconds: float, chunks: int = 100) -> None:
        """Embed the chunks of one file, ten at a time."""
        for done in range(0, chunks + 1, 10):
            self.progress(f"embed {name}", done, chunks)
            self.now += seconds * 10 / chunks

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()


def test_a_short_run_says_nothing_in_a_pipe() -> None:
    clock = Clock()
    clock.progress("ingest", 0, 2)
    clock.embed("a.pdf", 14.0)
    assert clock.lines == []


def test_in_a_pipe_a_line_every_15_seconds_tells_files_rate_and_time_left() -> None:
    clock = Clock()
    for file in range(4):
        clock.progress("ingest", file, 4)
        clock.embed("[b]a.pdf", 20.0)
    clock.progress("ingest", 4, 4)
    assert clock.lines[0] == (
        "ingest 0/4 (3.0 files/min); embed [b]a.pdf 80/100 (5.0 chunks/s); about 0:01:04 left"
    )
    assert 4 <= len(clock.lines) <= 5
    assert clock.lines[-1].startswith("ingest 3/4 (2.")


def test_a_large_file_moves_the_time_left() -> None:
    clock = Clock()
    clock.progress("ingest", 0, 1)
    clock.embed("a.pdf", 100.0, chunks=1000)
    left = [line.partition("about ")[2] for line in clock.lines]
    assert left == sorted(left, reverse=True)
    assert len(set(left)) == len(left) == 6


def test_a_step_without_an_end_ends_with_the_next() -> None:
    clock = Clock()
    clock.progress("validating", 0, 0)
    for done in range(6):
        clock.progress("training", done, 10)
        clock.now += 4.0
    assert clock.lines == ["training 4/10 (15.0 steps/min); about 0:00:24 left"]


def test_progress_is_never_on_stdout(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter(range(0, 10_000, 16))
    monkeypatch.setattr("rag_service.cli.output.time.monotonic", lambda: float(next(times)))
    with progress_bar() as progress:
        for done in range(4):
            progress("ingest", done, 4)
    told = capfd.readouterr()
    assert told.out == ""
    assert "ingest 3/4" in told.err


def test_a_terminal_shows_files_rate_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = pty.openpty()
    drawn = bytearray()

    def read() -> None:
        with suppress(OSError):  # the other end is closed
            while part := os.read(reader, 4096):
                drawn.extend(part)

    thread = Thread(target=read)
    thread.start()
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with progress_bar() as progress:
            progress("ingest", 1, 3)
            for done in range(0, 60, 2):
                progress("embed [/a].pdf", done, 100)
    thread.join(30)
    os.close(reader)
    shown = drawn.decode()
    for part in ("ingest", "1/3", "embed [/a].pdf", "58/100", " chunks/s", "files/", "0:00:0"):
        assert part in shown
