"""What the service refuses: callers without a key, with the wrong one, too many, from elsewhere."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from rag_service.api import security
from rag_service.api.app import create_app
from rag_service.api.security import OPEN_PATHS, PROBES
from rag_service.core.api_keys import digest, new_key
from rag_service.core.errors import StoreUnavailable
from rag_service.core.ids import now, time_string
from rag_service.core.settings import Settings
from rag_service.core.types import ApiKey, KeyScope
from tests.fakes.answering import World
from tests.fakes.filings import filing

CHUNKS = filing("Alder Mills", 2023)
SEARCH = {"query": "net sales"}
ELSEWHERE = ("192.0.2.7", 50000)
HERE = ("127.0.0.1", 50000)


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.add_release("ma", CHUNKS, live=True)
    world.settings = settings(tmp_path, auth="on")
    return world


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    with service(world) as client:
        yield client


def settings(home: Path, **others: Any) -> Settings:
    return Settings(**{"home": home, "allowed_hosts": "testserver", **others})


@contextmanager
def service(
    world: World, client: tuple[str, int] = ELSEWHERE, at: str = "http://testserver"
) -> Iterator[TestClient]:
    app = create_app(lambda: nullcontext(world))
    with TestClient(app, at, raise_server_exceptions=False, client=client) as http:
        yield http


def key(world: World, *scopes: KeyScope, name: str = "pat", expires: str = "") -> dict[str, str]:
    """The header of a new key."""
    secret = new_key()
    world.keys.add(digest(secret), ApiKey(name, frozenset(scopes), now(), expires))
    return {"Authorization": f"Bearer {secret}"}


def refused(response: Any, status: int, code: str) -> Any:
    """The problem document that ``response`` must be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    return response.json()


def operations(client: TestClient) -> list[tuple[str, str, set[str]]]:
    """Every documented route: method, path, scopes."""
    paths = client.get("/openapi.json").json()["paths"]
    return [
        (
            method,
            path,
            {scope for needed in found.get("security", []) for scope in needed["key"]},
        )
        for path, methods in paths.items()
        for method, found in methods.items()
    ]


def test_every_route_names_its_scope_or_holds_no_data(client: TestClient) -> None:
    found = operations(client)
    assert len(found) > 15
    assert {path for _, path, scopes in found if not scopes} <= OPEN_PATHS
    by_path = {(method, path): scopes for method, path, scopes in found}
    assert by_path["post", "/v1/search"] == {"ask"}
    assert by_path["get", "/v1/documents"] == {"ask"}
    assert by_path["post", "/v1/releases/rollback"] == {"operate"}
    assert by_path["post", "/v1/jobs"] == {"operate"}


def test_without_a_key_nothing_is_told_but_what_holds_no_data(client: TestClient) -> None:
    for method, path, scopes in operations(client):
        response = client.request(method, path, content=b"{no JSON")
        if not scopes:
            assert response.status_code == 200, path
            continue
        assert response.status_code == 401, path
        assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/", "/docs", "/openapi.json", "/static/style.css"):
        assert client.get(path).status_code == 200
    for path in ("/v1/none", "/static/../v1/documents", "/redoc", "//v1/documents"):
        assert client.get(path).status_code in {401, 404}, path
    refused(client.get("/v1/none"), 401, "unauthenticated")


def test_the_name_that_a_client_calls_by_opens_no_path(world: World) -> None:
    world.settings = settings(world.home, auth="on", allowed_hosts="*")
    with service(world) as client:
        for host in ("a/static/x?", "a/healthz#", "a/?", "a:80/static/", "[", "a@b/docs?"):
            response = client.get("/v1/documents", headers={"Host": host})
            assert response.status_code == 401, host


def test_what_is_no_key_is_refused(client: TestClient) -> None:
    for sent in ("Bearer", "Bearer ", "Basic cGF0OnBhdA==", "Bearer rl_wrong", "rl_x", "Bearer Ü"):
        headers = {b"Authorization": sent.encode()}
        refused(client.post("/v1/search", json=SEARCH, headers=headers), 401, "unauthenticated")


def test_a_key_opens_what_its_scopes_are_for_and_nothing_else(
    world: World, client: TestClient
) -> None:
    holders: dict[KeyScope, dict[str, str]] = {
        "ask": key(world, "ask", name="a"),
        "ingest": key(world, "ingest", name="i"),
        "operate": key(world, "operate", name="o"),
    }
    for method, path, scopes in operations(client):
        if not scopes or path.endswith("/events"):
            continue
        for scope, headers in holders.items():
            path = path.replace("{release}", "r9").replace("{n}", "1")
            response = client.request(method, path, headers=headers)
            if scope in scopes:
                assert response.status_code not in {401, 403}, (path, scope)
            else:
                assert response.status_code == 403, (path, scope)
    detail = refused(
        client.post("/v1/releases/rollback", headers=holders["ask"]), 403, "forbidden"
    )["detail"]
    assert "--scope operate" in detail


def test_a_revoked_key_ends_everywhere_within_seconds(
    world: World, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = key(world, "ask")
    assert client.post("/v1/search", json=SEARCH, headers=headers).status_code == 200
    world.keys.remove("pat")
    monkeypatch.setattr(security, "_KNOWN_SECONDS", 0.0)
    refused(client.post("/v1/search", json=SEARCH, headers=headers), 401, "unauthenticated")


def test_an_expired_key_says_when_it_ended(world: World, client: TestClient) -> None:
    today = datetime.now(UTC)
    over = key(world, "ask", name="a", expires=time_string(today - timedelta(seconds=5)))
    good = key(world, "ask", name="b", expires=time_string(today + timedelta(days=1)))
    detail = refused(client.post("/v1/search", json=SEARCH, headers=over), 401, "unauthenticated")
    assert "expired" in detail["detail"]
    assert client.post("/v1/search", json=SEARCH, headers=good).status_code == 200


def test_openais_clients_get_their_own_errors(world: World, client: TestClient) -> None:
    response = client.get("/v1/models")
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "unauthenticated"
    response = client.get("/v1/models", headers=key(world, "operate"))
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "forbidden"


def test_over_the_limit_one_is_told_when_to_come_back(world: World, client: TestClient) -> None:
    world.settings = settings(world.home, auth="on", rate_ask="2/minute", rate_operate="")
    mine, others = key(world, "ask", "operate"), key(world, "ask", name="sam")
    codes = [client.post("/v1/search", json=SEARCH, headers=mine).status_code for _ in range(2)]
    assert codes == [200, 200]
    response = client.post("/v1/search", json=SEARCH, headers=mine)
    problem = refused(response, 429, "rate_limited")
    assert problem["retryable"]
    assert "RAGLOOP_RATE_ASK" in problem["detail"]
    assert 50 <= int(response.headers["retry-after"]) <= 60
    assert response.headers["x-ratelimit-limit"] == "2"
    assert response.headers["x-ratelimit-remaining"] == "0"
    assert client.post("/v1/search", json=SEARCH, headers=others).status_code == 200
    assert client.get("/v1/documents", headers=mine).status_code == 200
    for _ in range(3):
        assert client.post("/v1/releases/rollback", headers=mine).status_code == 404


def test_without_keys_addresses_are_limited_but_not_this_machine(world: World) -> None:
    world.settings = settings(world.home, auth="off", rate_ask="1/minute")
    for caller, expected in (
        (ELSEWHERE, [200, 429]),
        (("192.0.2.8", 1), [200, 429]),
        (("2001:db8::1", 1), [200, 429]),
        (("2001:db8::2", 1), [429, 429]),
        (HERE, [200, 200]),
    ):
        with service(world, caller) as client:
            codes = [client.post("/v1/search", json=SEARCH).status_code for _ in range(2)]
        assert codes == expected, caller


def test_without_redis_nobody_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = key(world, "ask")

    def fails(*_: object) -> None:
        raise StoreUnavailable("Redis does not answer")

    with service(world) as client:
        monkeypatch.setattr(world.keys, "find", fails)
        unknown = client.post("/v1/search", json=SEARCH, headers=headers)
        refused(unknown, 503, "store_unavailable")
        assert unknown.headers["retry-after"]
        monkeypatch.undo()
        monkeypatch.setattr(world.rates, "hit", fails)
        refused(client.post("/v1/search", json=SEARCH, headers=headers), 503, "store_unavailable")


@pytest.mark.parametrize(
    ("host", "at", "client", "more", "status"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000", HERE, {}, 200),
        ("localhost", "http://[::1]:8000", ("::1", 1), {}, 200),
        ("127.0.0.1", "http://192.0.2.1:8000", ELSEWHERE, {}, 401),
        ("127.0.0.1", "http://127.0.0.1:8000", HERE, {"X-Forwarded-For": "192.0.2.7"}, 401),
        ("127.0.0.1", "http://127.0.0.1:8000", HERE, {"Forwarded": "for=192.0.2.7"}, 401),
        ("0.0.0.0", "http://127.0.0.1:8000", HERE, {}, 401),
        ("0.0.0.0", "http://192.0.2.1:8000", ELSEWHERE, {}, 401),
    ],
)
def test_by_default_no_key_is_needed_straight_over_the_loopback_interface(
    world: World, host: str, at: str, client: tuple[str, int], more: dict[str, str], status: int
) -> None:
    world.settings = settings(world.home, host=host, auth="auto")
    with service(world, client, at) as http:
        assert http.post("/v1/search", json=SEARCH, headers=more).status_code == status


@pytest.mark.parametrize("path", sorted(PROBES))
def test_probes_need_no_key_from_this_machine(world: World, path: str) -> None:
    with service(world, HERE) as client:
        assert client.get(path).status_code == 200
        refused(client.get(path, headers={"X-Forwarded-For": "1.2.3.4"}), 401, "unauthenticated")
        refused(client.get(path, headers={"Authorization": "Bearer rl_x"}), 401, "unauthenticated")
        assert client.post("/v1/search", json=SEARCH).status_code == 401
    with service(world) as client:
        refused(client.get(path), 401, "unauthenticated")
        assert client.get(path, headers=key(world, "operate")).status_code == 200


def test_another_sites_page_may_change_and_ask_nothing(world: World, client: TestClient) -> None:
    mine = key(world, "ask", "ingest", "operate")
    changing = [(method, path) for method, path, _ in operations(client) if method != "get"]
    assert len(changing) > 8
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
        {"Origin": "http://evil.example"},
        {"Origin": "http://testserver:8001"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": ""},
    ):
        for method, path in changing:
            response = client.request(method, path, headers={**headers, **mine})
            assert response.status_code == 403, (path, headers)
            assert "another site's page" in response.text
        preflight = {**headers, "Access-Control-Request-Method": "POST"}
        response = client.options("/v1/search", headers=preflight)
        assert not [name for name in response.headers if name.startswith("access-control")]
    assert [r.state for r in world.releases.all()] == ["live"]


def test_the_services_own_page_and_programs_may_ask(world: World, client: TestClient) -> None:
    mine = key(world, "ask")
    for headers in (
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://testserver"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://testserver"},
    ):
        response = client.post("/v1/search", json=SEARCH, headers={**headers, **mine})
        assert response.status_code == 200, headers


def test_a_name_that_nobody_gave_is_refused_where_no_key_protects(
    world: World, client: TestClient
) -> None:
    for host, named, status in (
        ("127.0.0.1:8000", "", 200),
        ("[::1]:8000", "", 200),
        ("LOCALHOST:8000", "", 200),
        ("localhost.", "", 200),
        ("192.0.2.1", "", 200),
        ("rebound.example:8000", "", 421),
        ("127.0.0.1.evil.example", "", 421),
        ("localhost.evil.example", "", 421),
        ("", "", 421),
        ("filings.example", "Filings.example, b", 200),
        ("filings.example:443", "filings.example", 200),
        ("other.example", "filings.example", 421),
        ("other.example", "*", 200),
    ):
        world.settings = Settings(home=world.home, auth="off", allowed_hosts=named)
        for path in ("/v1/documents", "/"):
            assert client.get(path, headers={"Host": host}).status_code == status, (host, path)


def test_with_keys_any_name_will_do_unless_some_are_given(world: World) -> None:
    world.settings = Settings(home=world.home, auth="on")
    with service(world, at="http://any.example") as client:
        assert client.get("/healthz").status_code == 200
        world.settings = settings(world.home, auth="on")
        assert client.get("/healthz").status_code == 421


def test_every_response_tells_the_browser_to_keep_out(world: World, client: TestClient) -> None:
    headers = key(world, "ask")

    def broken() -> None:
        raise ZeroDivisionError

    world.chunks.documents = broken  # type: ignore[method-assign, assignment]
    responses = {
        "found": client.post("/v1/search", json=SEARCH, headers=headers),
        "refused": client.get("/v1/documents"),
        "unforeseen": client.get("/v1/documents", headers=headers),
        "unknown": client.get("/v1/none", headers=headers),
        "page": client.get("/"),
        "docs": client.get("/docs"),
        "script": client.get("/static/app.js"),
        "unsent": client.post("/v1/search", content="{", headers=headers),
    }
    assert responses["unforeseen"].status_code == 500
    for name, response in responses.items():
        said = response.headers
        assert said["x-content-type-options"] == "nosniff", name
        assert said["x-frame-options"] == "DENY", name
        assert said["referrer-policy"] == "same-origin", name
        assert said["cross-origin-opener-policy"] == "same-origin", name
        assert said["cross-origin-resource-policy"] == "same-origin", name
        assert "camera=()" in said["permissions-policy"], name
        policy = said["content-security-policy"]
        assert "default-src 'none'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert "unsafe" not in policy, name
        assert ("script-src 'self'" in policy) == (name in {"page", "docs"})
        kept = "no-cache" if name in {"page", "docs", "script"} else "no-store"
        assert said["cache-control"] == kept, name
        assert "server" not in said or "uvicorn" not in said["server"]


def test_the_description_of_the_api_needs_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for name in ("docs.js", "docs.css"):
        assert f"/static/{name}" in page
        assert client.get(f"/static/{name}").status_code == 200


def test_the_document_names_the_scheme_and_its_refusals(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    for path, methods in document["paths"].items():
        for operation in methods.values():
            secured = {"401", "403", "429"} <= operation["responses"].keys()
            assert secured == ("security" in operation), path


def test_a_key_is_in_no_log_and_no_error(
    world: World, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = key(world, "ask")
    secret = headers["Authorization"].removeprefix("Bearer ")
    answers = [
        client.post("/v1/search", json=SEARCH, headers=headers),
        client.post("/v1/releases/rollback", headers=headers),
        client.post("/v1/search", content="{", headers=headers),
        client.get("/v1/none", headers=headers),
        client.get("/v1/documents", headers={"Authorization": "Bearer rl_guessed-key"}),
    ]
    told = caplog.text + json.dumps([[a.text, dict(a.headers)] for a in answers])
    assert secret not in told
    assert "rl_guessed-key" not in told
