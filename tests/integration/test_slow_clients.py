"""Clients that send too slowly, too much, or too many at once: real sockets, and each is let go."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from rag_service.api import body_limit
from rag_service.api.app import create_app
from rag_service.api.http_server import HEAD_BYTES, SERVER_OPTIONS, TimedProtocol
from rag_service.core.settings import Settings
from tests.fakes.answering import World
from tests.fakes.at_once import comes_true
from tests.fakes.filings import filing
from tests.fakes.served import served

SECONDS = 0.4
LONG = 10
SEARCH = b'{"query": "net sales"}'


class Impatient(TimedProtocol):
    seconds = SECONDS


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("home"))
    world.add_release("ma", filing("Alder Mills", 2023), live=True)
    return world


@pytest.fixture(scope="module")
def port(world: World) -> Iterator[int]:
    options = {**SERVER_OPTIONS, "http": Impatient, "timeout_keep_alive": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body_limit, "_SECONDS", SECONDS)
        with served(create_app(lambda: nullcontext(world)), **options) as port:
            yield port


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=LONG) as client:
        yield client


def head(*lines: str, method: str = "POST", path: str = "/v1/search") -> bytes:
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode()


def rest(client: socket.socket) -> bytes:
    """All that comes until the service closes the connection."""
    read = b""
    try:
        while part := client.recv(65536):
            read += part
    except ConnectionError:
        pass
    return read


def seconds_until_closed(client: socket.socket, drop: bytes, apart: float = 0.05) -> float:
    """How long the service lets ``drop`` be sent again and again."""
    began = time.monotonic()
    while time.monotonic() - began < LONG:
        try:
            client.sendall(drop)
            client.settimeout(apart)
            if not client.recv(65536):
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    return time.monotonic() - began


def works(port: int) -> bool:
    with connected(port) as client:
        client.sendall(head("Connection: close", method="GET", path="/healthz"))
        return rest(client).startswith(b"HTTP/1.1 200")


def test_one_that_sends_nothing_or_its_head_byte_by_byte_is_cut(port: int) -> None:
    with connected(port) as silent:
        began = time.monotonic()
        assert rest(silent) == b""
        assert SECONDS * 0.9 <= time.monotonic() - began < LONG
    with connected(port) as slow:
        slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-A: ")
        assert seconds_until_closed(slow, b"a") < LONG
    with connected(port) as later:
        later.sendall(head(method="GET", path="/healthz"))
        assert later.recv(65536).startswith(b"HTTP/1.1 200")
        assert seconds_until_closed(later, b"G") < LONG
    assert works(port)


def test_a_connection_that_waits_between_requests_is_no_slow_one(port: int) -> None:
    with connected(port) as client:
        for _ in range(2):
            client.sendall(head(method="GET", path="/healthz"))
            answer = b""
            while not answer.endswith(b'"ok"}'):
                answer += client.recv(65536)
            time.sleep(SECONDS * 1.5)


def test_a_body_that_comes_too_slowly_is_408(port: int) -> None:
    with connected(port) as client:
        client.sendall(head("Content-Type: application/json", "Content-Length: 500"))
        client.sendall(b"{")
        answer = client.recv(65536)
        assert answer.startswith(b"HTTP/1.1 408")
        assert b"too_slow" in answer + rest(client)
    with connected(port) as client:
        client.sendall(head("Content-Type: application/json", "Transfer-Encoding: chunked"))
        assert seconds_until_closed(client, b"1\r\n \r\n") < LONG
    assert works(port)


def test_a_refused_request_does_not_keep_its_connection_by_its_body(port: int) -> None:
    with connected(port) as client:
        client.sendall(head("Origin: http://evil.example", "Transfer-Encoding: chunked"))
        assert client.recv(65536).startswith(b"HTTP/1.1 403")
        assert seconds_until_closed(client, b"1\r\n \r\n") < LONG
    assert works(port)


def test_a_body_that_is_announced_too_large_is_refused_unread(port: int) -> None:
    with connected(port) as client:
        size = 10**9
        client.sendall(head("Content-Type: application/json", f"Content-Length: {size}"))
        assert client.recv(65536).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("at_once", [True, False])
def test_a_head_that_is_too_long_is_refused(port: int, at_once: bool) -> None:
    long = head(f"X-Long: {'a' * HEAD_BYTES}", method="GET", path="/healthz")
    with connected(port) as client:
        try:
            for start in range(0, len(long), len(long) if at_once else 4096):
                client.sendall(long[start : start + (len(long) if at_once else 4096)])
        except ConnectionError:
            pass
        answer = rest(client)
        assert not answer or answer.startswith(b"HTTP/1.1 400")
    nearly = head(f"X-Long: {'a' * (HEAD_BYTES - 200)}", method="GET", path="/healthz")
    with connected(port) as client:
        client.sendall(nearly)
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
    assert works(port)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET / HTTP/1.1\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_no_http_is_refused(port: int, sent: bytes) -> None:
    with connected(port) as client:
        client.sendall(sent)
        assert rest(client).startswith(b"HTTP/1.1 400")
    assert works(port)


def test_one_that_does_not_read_is_cut(port: int, world: World) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(LONG)
        client.connect(("127.0.0.1", port))
        client.sendall(head(method="GET", path="/openapi.json") * 150)
        # On a busy machine the answers that fill the buffers take a while themselves.
        time.sleep(4 * SECONDS)
        assert comes_true(lambda: works(port))
        answers = rest(client).count(b"HTTP/1.1 200")
    assert answers < 150


def test_connections_over_the_most_are_503_and_others_go_on(world: World) -> None:
    app = create_app(lambda: nullcontext(world))
    with served(app, **SERVER_OPTIONS, limit_concurrency=4) as port:
        held = [socket.create_connection(("127.0.0.1", port)) for _ in range(4)]
        with connected(port) as client:
            client.sendall(head("Connection: close", method="GET", path="/healthz"))
            assert rest(client).startswith(b"HTTP/1.1 503")
        for connection in held:
            connection.close()
        assert comes_true(lambda: works(port))


def test_a_client_that_is_worked_for_may_wait(world: World, port: int) -> None:
    """The clock is for what clients owe, and not for what they wait for."""
    embedder = world.registry.embedders["ma"]
    embedder.on_query = lambda: time.sleep(2 * SECONDS)
    try:
        with connected(port) as client:
            kind, size = "Content-Type: application/json", f"Content-Length: {len(SEARCH)}"
            client.sendall(head(kind, size, "Connection: close") + SEARCH)
            assert rest(client).startswith(b"HTTP/1.1 200")
    finally:
        embedder.on_query = lambda: None


def test_settings_reach_the_server() -> None:
    assert SERVER_OPTIONS["http"] is TimedProtocol
    assert TimedProtocol.seconds >= 5
    assert Settings().max_connections == 500
