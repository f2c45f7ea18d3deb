"""``ragloop keys``: who may use the service from another machine."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, get_args

import typer
from rich.console import Console

from rag_service.cli.output import JsonFlag, emit, grid, stderr_console
from rag_service.core.api_keys import digest, new_key
from rag_service.core.errors import InvalidRequest
from rag_service.core.ids import now, time_string
from rag_service.core.settings import load_settings
from rag_service.core.types import ApiKey, KeyScope
from rag_service.wiring import open_services

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


def register(app: typer.Typer) -> None:
    group = typer.Typer(help="Keys to the HTTP service.", no_args_is_help=True)
    group.command("create")(create)
    group.command("list")(list_keys)
    group.command("revoke")(revoke)
    app.add_typer(group, name="keys")


def create(
    name: Annotated[str, typer.Argument(help="Who or what uses it.")],
    scope: Annotated[
        list[str],
        typer.Option(help="What it is for: ask, ingest, operate. May be given several times."),
    ],
    days: Annotated[int, typer.Option(help="It ends after so many; 0: never.", min=0)] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Make a key, and print it this once: nothing can print it again."""
    if not re.fullmatch(_NAME, name):
        raise InvalidRequest(f"{name!r} is no name: use letters, digits, dots, dashes")
    scopes: frozenset[KeyScope] = frozenset(s for s in get_args(KeyScope) if s in scope)
    if len(scopes) < len(set(scope)):
        raise InvalidRequest(f"scopes are {', '.join(get_args(KeyScope))}")
    expires = time_string(datetime.now(UTC) + timedelta(days=days)) if days else ""
    secret, key = new_key(), ApiKey(name, scopes, now(), expires)
    with open_services(load_settings()) as services:
        services.keys.add(digest(secret), key)

    def render(console: Console) -> None:
        stderr_console().print(f"key {name}; it is not shown again:")
        console.print(secret)

    emit({"key": secret, **_document(key)}, as_json, render)


def list_keys(as_json: JsonFlag = False) -> None:
    """The keys that there are, without what they are."""
    with open_services(load_settings()) as services:
        keys = services.keys.all()

    def render(console: Console) -> None:
        columns = ("name", "scopes", "created", "expires", "used")
        rows = [
            [key.name, ", ".join(sorted(key.scopes)), key.created, key.expires, key.used]
            for key in keys
        ]
        console.print(grid(columns, rows))

    emit({"keys": [_document(key) for key in keys]}, as_json, render)


def revoke(
    name: Annotated[str, typer.Argument(help="Name of the key.")], as_json: JsonFlag = False
) -> None:
    """End a key: within seconds no process of the service takes it any more."""
    with open_services(load_settings()) as services:
        services.keys.remove(name)
    emit({"revoked": name}, as_json, lambda console: console.print(f"key {name} is revoked"))


def _document(key: ApiKey) -> dict[str, object]:
    return {
        "name": key.name,
        "scopes": sorted(key.scopes),
        "created": key.created,
        "expires": key.expires,
        "used": key.used,
    }
