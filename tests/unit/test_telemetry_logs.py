"""Lines of the log: of which request they are, and what never stands in them."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

import pytest

from rag_service import logs
from rag_service.core.settings import Settings
from rag_service.logs import LineFormatter, set_up_logs


def record(message: str, *arguments: object, **more: object) -> logging.LogRecord:
    made = logging.LogRecord("rag_service.x", logging.INFO, "x.py", 1, message, arguments, None)
    made.__dict__.update(more)
    return made


def as_json(message: str, *arguments: object, **more: object) -> dict[str, object]:
    line = LineFormatter(as_json=True).format(record(message, *arguments, **more))
    assert "\n" not in line
    document: dict[str, object] = json.loads(line)
    return document


def test_json_is_one_object_a_line() -> None:
    found = as_json("two\nlines %d", 7, fields={"status": 200, "ms": 1.5})
    assert isinstance(found.pop("time"), str)
    assert found == {
        "level": "info",
        "logger": "rag_service.x",
        "message": "two\nlines 7",
        "status": 200,
        "ms": 1.5,
    }


def test_a_traceback_is_part_of_the_line() -> None:
    try:
        raise ValueError("wrong")
    except ValueError:
        found = as_json("failed", exc_info=sys.exc_info())
    assert "ValueError: wrong" in str(found["exception"])


def test_text_of_a_service_says_more_than_that_of_a_command() -> None:
    line = record("GET %s %d", "/v1/search", 200, fields={"status": 200})

    def told() -> str:
        logs.begin(request_id="mine", question="two words")
        return LineFormatter(as_json=False).format(line)

    assert LineFormatter(as_json=False, known=False).format(line) == "GET /v1/search 200"
    when, level, rest = copy_context().run(told).split(" ", 2)
    assert (when[10], when[-1], level) == ("T", "Z", "INFO")
    assert rest == 'GET /v1/search 200 request_id=mine question="two words"'


def test_no_message_can_forge_a_line() -> None:
    def told() -> str:
        logs.begin(question="c\nd")
        return LineFormatter(as_json=False).format(record("a\n2026-01-01 INFO b\r\x1b[2J"))

    line = copy_context().run(told)
    first, second = line.split("\n")
    assert second.startswith("    ")
    assert "\r" not in line
    assert "\x1b" not in line
    assert first.endswith("a")


@pytest.mark.parametrize(
    ("message", "secret"),
    [
        ("key rl_abcDEF-123_456 is used", "abcDEF"),
        ("Authorization: Bearer sk-verysecret", "verysecret"),
        ("Redis at redis://user:hunter2@redis:6379/0 is away", "hunter2"),
        ("asked with my-openai-key", "my-openai-key"),
    ],
)
def test_secrets_are_left_out(message: str, secret: str) -> None:
    for json_lines in (True, False):
        formatter = LineFormatter(as_json=json_lines, secrets=["my-openai-key", ""])
        for line in (record(message), record("%s", message), record("", fields={"x": message})):
            assert secret not in formatter.format(line)


def test_every_line_of_a_request_names_it_also_from_threads() -> None:
    async def request(name: str) -> list[object]:
        logs.begin(request_id=name)
        await asyncio.sleep(0)
        found = [as_json("in the task")["request_id"]]
        found.append(await asyncio.to_thread(lambda: as_json("in a thread")["request_id"]))
        await asyncio.to_thread(logs.note, release="r0001")
        return [*found, as_json("after it")["release"], logs.request_id()]

    async def both() -> list[list[object]]:
        return list(await asyncio.gather(request("one-request"), request("another-one")))

    for name, found in zip(("one-request", "another-one"), asyncio.run(both()), strict=True):
        assert found == [name, name, "r0001", name]
    assert logs.request_id() == ""
    logs.note(release="r0002")
    assert "release" not in as_json("outside of any")


@contextmanager
def own_root() -> Iterator[logging.Logger]:
    """Inside, the root logger is one that nobody has set up, and ours are others too."""
    root = logging.RootLogger(logging.WARNING)
    loggers: dict[str, logging.Logger] = {name: logging.Logger(name) for name in logs.OURS}
    for logger in loggers.values():
        logger.parent = root
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging, "getLogger", lambda name="": loggers.get(name, root))
        patch.setattr(logging, "captureWarnings", lambda capture: None)
        yield root


def test_a_service_tells_in_the_form_that_is_set(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    settings = Settings(home=tmp_path, log_format="json", log_level="warning")
    with own_root() as root:
        ours = logging.getLogger("rag_service")
        set_up_logs(settings)
        set_up_logs(settings, service=True)
        ours.info("not told")
        ours.warning("told")
        root.warning("of a library")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in lines] == ["told", "of a library"]
    assert len(root.handlers) == 1


def test_what_somebody_else_set_up_is_left_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    theirs = logging.NullHandler()
    with own_root() as root:
        root.addHandler(theirs)
        set_up_logs(Settings(home=tmp_path), service=True)
        logging.getLogger("rag_service").info("theirs to tell")
    assert root.handlers == [theirs]
    assert capsys.readouterr().err == ""


def test_the_password_of_redis_is_a_secret(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with own_root() as root:
        set_up_logs(Settings(home=tmp_path, redis_url="redis://:hunter2@redis:6379/0"))
        root.warning("login with hunter2 failed")
    assert capsys.readouterr().err == "login with … failed\n"
