"""``ragloop keys``, and what ``ragloop serve`` says of who may ask."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from rag_service.adapters.redis_client import connect
from rag_service.adapters.redis_keys import Keys
from rag_service.api import processes
from rag_service.core.api_keys import digest, new_key
from rag_service.core.ids import now
from rag_service.core.settings import Settings
from rag_service.core.types import ApiKey
from tests.fakes.answering import World
from tests.integration.command_line import CommandLine


@pytest.fixture
def ragloop(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    redis_url: str,
    namespace: str,
) -> CommandLine:
    environment = {"RAGLOOP_REDIS_URL": redis_url, "RAGLOOP_NAMESPACE": namespace}
    return CommandLine(tmp_path, environment, monkeypatch, capfd)


def test_a_key_is_printed_once_and_kept_as_its_digest(
    ragloop: CommandLine, redis_url: str, namespace: str
) -> None:
    made = ragloop("keys", "create", "pat", "--scope", "ask", "--scope", "ingest", "--days", 30)
    assert made.status == 0, made.stderr
    secret = made.stdout.strip()
    assert secret.startswith("rl_")
    listed = ragloop("keys", "list")
    assert "pat" in listed.stdout
    assert secret not in listed.stdout + ragloop("keys", "list", "--json").stdout
    (key,) = ragloop("keys", "list", "--json").document["keys"]
    assert (key["name"], key["scopes"], key["used"]) == ("pat", ["ask", "ingest"], "")
    created, expires = (datetime.fromisoformat(key[name]) for name in ("created", "expires"))
    assert round((expires - created).total_seconds() / 86_400, 3) == 30
    client = connect(redis_url)
    stored = client.hgetall(Keys(namespace).api_keys)
    client.close()
    assert list(stored) == [digest(secret)]
    assert secret not in str(stored)


def test_names_are_of_one_key_each_and_revoked_by(ragloop: CommandLine) -> None:
    made = ragloop("keys", "create", "pat", "--scope", "operate", "--json").document
    assert (made["name"], made["scopes"], made["expires"]) == ("pat", ["operate"], "")
    again = ragloop("keys", "create", "pat", "--scope", "ask", "--json")
    assert (again.status, again.error["code"]) == (2, "invalid_request")
    assert ragloop("keys", "revoke", "pat", "--json").document == {"revoked": "pat"}
    assert ragloop("keys", "list", "--json").document == {"keys": []}
    gone = ragloop("keys", "revoke", "pat", "--json")
    assert (gone.status, gone.error["code"]) == (2, "not_found")


@pytest.mark.parametrize(
    "arguments",
    [
        ("pat",),
        ("pat", "--scope", "admin"),
        ("pat", "--scope", "ask,ingest"),
        ("../pat", "--scope", "ask"),
        ("pat sam", "--scope", "ask"),
        ("", "--scope", "ask"),
        ("pat", "--scope", "ask", "--days", "-1"),
    ],
)
def test_what_cannot_be_a_key_is_wrong_usage(
    ragloop: CommandLine, arguments: tuple[str, ...]
) -> None:
    assert ragloop("keys", "create", *arguments).status == 2
    assert ragloop("keys", "list", "--json").document == {"keys": []}


@pytest.mark.parametrize(
    ("options", "keys", "said"),
    [
        ({"host": "127.0.0.1"}, 0, ""),
        ({"host": "127.0.0.1", "auth": "on"}, 0, "ragloop keys create"),
        ({"host": "0.0.0.0"}, 0, "ragloop keys create"),
        ({"host": "0.0.0.0"}, 1, ""),
        ({"host": "0.0.0.0", "auth": "off"}, 1, "RAGLOOP_AUTH=off"),
        ({"host": "127.0.0.1", "auth": "off"}, 0, ""),
    ],
)
def test_serve_says_who_may_ask(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, Any],
    keys: int,
    said: str,
) -> None:
    world = World(tmp_path)
    world.settings = Settings(home=tmp_path, **options)
    for number in range(keys):
        key = ApiKey(f"k{number}", frozenset({"ask"}), now())
        world.keys.add(digest(new_key()), key)
    ran: dict[str, Any] = {}
    monkeypatch.setattr(processes, "open_services", lambda *_, **__: nullcontext(world))
    monkeypatch.setattr("uvicorn.run", lambda app, **how: ran.update(how))
    monkeypatch.setenv("RAGLOOP_HOST", "overwritten")
    with caplog.at_level(logging.WARNING):
        processes.serve(world.settings, options["host"], 8000, 1, worker=False)
    assert ran["host"] == options["host"]
    assert ran["limit_concurrency"] == world.settings.max_connections
    warned = [record.message for record in caplog.records if record.name == processes.__name__]
    assert len(warned) == bool(said)
    assert all(said in line for line in warned)
