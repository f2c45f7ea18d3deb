"""Mixed traffic on a running service, each response checked and noted."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rag_service.core.errors import RagloopError
from rag_service.loop.search_traffic import Clients
from rag_service.loop.soak_requests import Request

_SECONDS = 180.0
"""A response that takes longer is a failed connection."""
_SAID_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Seen:
    """One request: when it began and ended (``time.perf_counter``), and what came of it."""

    kind: str
    began: float
    ended: float
    status: int
    """0 if the connection failed."""
    wrong: str = ""
    """What the response said, if it was not as expected."""

    @property
    def is_server_error(self) -> bool:
        """Also a stream that did not end as it should: its status was told before."""
        return self.status >= http.client.INTERNAL_SERVER_ERROR or (
            bool(self.wrong) and self.status == http.client.OK
        )


class MixedTraffic(Clients):
    """``clients`` threads that send what ``requests`` gives, each request on its own connection.

    A context manager: the traffic runs inside. Others may `send` through it too.
    """

    def __init__(self, port: int, requests: Iterator[Request], clients: int, pause: float) -> None:
        super().__init__(clients, pause)
        self._port = port
        self._requests = requests
        self._next = threading.Lock()
        self.seen: list[Seen] = []

    def turn(self, _: int) -> None:
        with self._next:
            request = next(self._requests)
        self.send(request)

    def send(self, request: Request) -> tuple[Seen, bytes]:
        """Whatever goes wrong is noted, as all is."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_SECONDS)
        try:
            headers = {"Content-Type": request.content_type} if request.body else {}
            connection.request(request.method, request.path, request.body, headers)
            response = connection.getresponse()
            status, body = response.status, response.read()
            wrong = _wrong(request, status, body)
        except (OSError, http.client.HTTPException) as error:
            status, body, wrong = 0, b"", f"{type(error).__name__}: {error}"
        finally:
            connection.close()
        seen = Seen(request.kind, began, time.perf_counter(), status, wrong)
        self.seen.append(seen)
        return seen, body

    def document(self, request: Request) -> Any:
        """The JSON of the response. Raises RagloopError if it is not as expected."""
        seen, body = self.send(request)
        if seen.wrong:
            raise RagloopError(f"{request.method} {request.path}: {seen.status} {seen.wrong[:300]}")
        return json.loads(body)


def _wrong(request: Request, status: int, body: bytes) -> str:
    if status in request.expected and request.holds in body:
        return ""
    said = body.decode(errors="replace")
    return f"{request.method} {request.path}: {said[-_SAID_CHARS:] or 'an empty body'}"


def by_kind(seen: Sequence[Seen]) -> dict[str, dict[str, Any]]:
    """Of each kind how many of which status, and how long the right ones took."""
    kinds: dict[str, list[Seen]] = defaultdict(list)
    for one in seen:
        kinds[one.kind].append(one)
    return {kind: _figures(kinds[kind]) for kind in sorted(kinds)}


def _figures(seen: Sequence[Seen]) -> dict[str, Any]:
    took = [1000 * (one.ended - one.began) for one in seen if not one.wrong]
    p50, p99 = np.percentile(took, (50, 99)) if took else (0.0, 0.0)
    return {
        "requests": len(seen),
        "statuses": {
            str(status): n for status, n in sorted(Counter(s.status for s in seen).items())
        },
        "p50_ms": round(float(p50), 1),
        "p99_ms": round(float(p99), 1),
    }
