"""Continuous search traffic on a running service, with every response checked."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, takewhile
from types import MappingProxyType
from typing import Any, Self

import numpy as np

_SECONDS = 60.0
"""An answer that takes longer is a failure."""


@dataclass(frozen=True, slots=True)
class Response:
    """One search: when it began and ended (``time.perf_counter``), and what came of it."""

    began: float
    ended: float
    failure: str = ""
    release: str = ""
    models: frozenset[str] = frozenset()
    """Fingerprints of the encoder, of the index and of every hit: one, if all is right."""
    status: int = http.client.OK
    """0 if the connection failed."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time."""

    began: float
    ended: float

    def touches(self, response: Response) -> bool:
        return response.began < self.ended and response.ended > self.began


class Clients:
    """``count`` threads that each do ``turn(client)``, counted from 0, until it is over.

    A context manager: they run inside. A thread waits ``pause`` seconds between its turns.
    """

    def __init__(self, count: int, pause: float) -> None:
        self._pause = pause
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._work, args=(client,), daemon=True)
            for client in range(count)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def turn(self, client: int) -> None:
        raise NotImplementedError

    def _work(self, client: int) -> None:
        while not self._over.is_set():
            self.turn(client)
            self._over.wait(self._pause)


class SearchTraffic(Clients):
    """``clients`` threads, each of which searches again ``pause`` seconds after the last answer.

    Each request has a connection of its own, which goes to any process of the service, so that
    all are asked all the time; with ``reuse`` a client keeps its connection, and its process, as
    the usual clients do. A request says ``more`` than the question. A context manager: the
    traffic runs inside.
    """

    def __init__(
        self,
        port: int,
        questions: Sequence[str],
        clients: int,
        pause: float = 0.0,
        more: Mapping[str, Any] = MappingProxyType({}),
        *,
        reuse: bool = False,
    ) -> None:
        super().__init__(clients, pause)
        self._reuse = reuse
        self._more = more
        self._questions = cycle(questions)
        self._next = threading.Lock()
        self._connections = [_connection(port) for _ in range(clients)]
        self._seen: list[list[Response]] = [[] for _ in range(clients)]

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        for connection in self._connections:
            connection.close()

    def since(self, moment: float) -> list[Response]:
        """Those that ended after ``moment``, of each client the newest first."""
        return [
            response
            for seen in self._seen
            for response in takewhile(lambda r: r.ended > moment, reversed(seen.copy()))
        ]

    def turn(self, client: int) -> None:
        with self._next:
            question = next(self._questions)
        connection = self._connections[client]
        self._seen[client].append(search(connection, {"query": question, **self._more}))
        if not self._reuse:
            connection.close()


def search(connection: http.client.HTTPConnection, body: Mapping[str, Any]) -> Response:
    """One search; whatever goes wrong is its ``failure``."""
    began = time.perf_counter()
    try:
        status, found = _answered(connection, "POST", "/v1/search", body)
    except (OSError, http.client.HTTPException, ValueError) as error:
        connection.close()  # the next request opens it anew
        failure = f"{type(error).__name__}: {error}"
        return Response(began, time.perf_counter(), failure, status=0)
    ended = time.perf_counter()
    if status != http.client.OK:
        failure = f"{status}: {found.get('detail', '')}"
        return Response(began, ended, failure, status=status)
    if not found["hits"]:
        return Response(began, ended, "no hits", found["release"])
    models = {found["model"], found["index_model"], *(hit["model"] for hit in found["hits"])}
    return Response(began, ended, "", found["release"], frozenset(models))


def request(
    port: int, method: str, path: str, body: Mapping[str, Any] | None = None
) -> tuple[int, Any]:
    """Status and JSON of a request on a connection of its own.

    Raises OSError, HTTPException, and ValueError if the body is no JSON.
    """
    connection = _connection(port)
    try:
        return _answered(connection, method, path, body)
    finally:
        connection.close()


def _connection(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)


def _answered(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Mapping[str, Any] | None,
) -> tuple[int, Any]:
    content = json.dumps(body) if body is not None else None
    connection.request(method, path, content, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def figures(
    responses: Iterable[Response], spans: Sequence[Span], models: Mapping[str, str]
) -> dict[str, Any]:
    """Of the requests that touch one of ``spans``: how many, how many wrong, and how fast.

    ``models`` has the fingerprint of each release. Milliseconds; 0 where there was no request.
    """
    touched = [r for r in responses if any(span.touches(r) for span in spans)]
    took = [1000 * (r.ended - r.began) for r in touched if not r.failure]
    p50, p95, p99 = np.percentile(took, (50, 95, 99)) if took else (0.0, 0.0, 0.0)
    seconds = sum(span.ended - span.began for span in spans)
    return {
        "seconds": round(seconds, 2),
        "requests": len(touched),
        "failed": sum(bool(r.failure) for r in touched),
        "mismatched": sum(mismatched(r, models) for r in touched),
        "p50_ms": round(float(p50), 1),
        "p95_ms": round(float(p95), 1),
        "p99_ms": round(float(p99), 1),
        "requests_per_second": round(len(touched) / seconds, 1) if seconds else 0.0,
        "by_release": dict(Counter(r.release for r in touched if r.release)),
    }


def mismatched(response: Response, models: Mapping[str, str]) -> bool:
    """Whether encoder, index, hits and release are not all of one model."""
    return not response.failure and response.models != {models.get(response.release)}
