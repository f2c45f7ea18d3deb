"""What the clients of a soak ask a service for: every kind of request, right or wrong."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from rag_service.core.types import Chunk

OK = frozenset({200})
_PAGES = 40
"""Pages that are looked at again and again."""
_QUESTIONS = 30
"""Questions that are asked again and again; searched for are more."""


@dataclass(frozen=True, slots=True)
class Request:
    """``expected``: statuses that are right; ``holds``: what a right response has in its body."""

    kind: str
    method: str
    path: str
    body: bytes | None = None
    content_type: str = "application/json"
    expected: frozenset[int] = OK
    holds: bytes = b""


class Mix:
    """Requests in random order, by ``seed``, about these chunks' documents.

    ``releases`` gives the two to compare.
    """

    def __init__(
        self,
        questions: Sequence[str],
        chunks: Sequence[Chunk],
        releases: Callable[[], tuple[str, str]],
        seed: int,
    ) -> None:
        self._random = random.Random(seed)
        self._questions = questions
        self._asked = questions[:_QUESTIONS]
        self._pages = self._random.sample(chunks, min(_PAGES, len(chunks)))
        self._releases = releases
        self._wrong = wrong_requests(chunks[0].document)

    def __iter__(self) -> Iterator[Request]:
        kinds: dict[Callable[[], Request], int] = {
            self._search: 12,
            self._ask: 2,
            self._streamed: 2,
            self._chat: 1,
            self._chat_streamed: 1,
            self._compare: 1,
            self._documents: 1,
            self._document: 1,
            self._picture: 4,
            self._marks: 1,
            self._listed: 6,
            self._refused: 4,
        }
        makes, weights = list(kinds), list(kinds.values())
        while True:
            [make] = self._random.choices(makes, weights)
            yield make()

    def _search(self) -> Request:
        question, chunk = self._random.choice(self._questions), self._random.choice(self._pages)
        more: dict[str, Any] = self._random.choice(
            [
                {"explain": True},
                {"filters": {"company": chunk.facts.company}, "k": 20},
                {"filters": {"document": chunk.document}, "stages": ["vectors"]},
            ]
        )
        return posted("search with filters", "/v1/search", {"query": question, **more})

    def _ask(self) -> Request:
        return posted("ask", "/v1/ask", {"question": self._random.choice(self._asked)})

    def _streamed(self) -> Request:
        body = {"question": self._random.choice(self._asked), "stream": True}
        return posted("ask, streamed", "/v1/ask", body, holds=b"event: done")

    def _chat(self, **more: object) -> Request:
        said = [{"role": "user", "content": self._random.choice(self._asked)}]
        return posted("chat", "/v1/chat/completions", {"model": "ragloop", "messages": said})

    def _chat_streamed(self) -> Request:
        said = [{"role": "user", "content": self._random.choice(self._asked)}]
        body = {"model": "ragloop", "messages": said, "stream": True}
        path = "/v1/chat/completions"
        return posted("chat, streamed", path, body, holds=b'"finish_reason": "stop"')

    def _compare(self) -> Request:
        a, b = self._releases()
        body = {"question": self._random.choice(self._questions), "a": a, "b": b}
        return posted("compare", "/v1/compare", body)

    def _documents(self) -> Request:
        return Request("documents", "GET", "/v1/documents")

    def _document(self) -> Request:
        return Request("document", "GET", _path(self._random.choice(self._pages)))

    def _picture(self) -> Request:
        chunk = self._random.choice(self._pages)
        return Request("page picture", "GET", f"{_path(chunk)}/pages/{chunk.page_start}")

    def _marks(self) -> Request:
        chunk = self._random.choice(self._pages)
        said = quote(chunk.text[:120])
        return Request(
            "marks", "GET", f"{_path(chunk)}/pages/{chunk.page_start}/marks?quote={said}"
        )

    def _listed(self) -> Request:
        paths = {
            "metrics": "/metrics",
            "readyz": "/readyz",
            "releases": "/v1/releases",
            "jobs": "/v1/jobs",
            "history": "/v1/history",
            "models": "/v1/models",
            "web page": self._random.choice(["/", "/static/app.js", "/static/style.css"]),
        }
        kind = self._random.choice(list(paths))
        return Request(kind, "GET", paths[kind])

    def _refused(self) -> Request:
        return self._random.choice(self._wrong)


def wrong_requests(document: str) -> list[Request]:
    """Requests that are to be refused, each with one status."""
    question = {"question": "What were net sales?"}
    wrong = [
        (422, posted("", "/v1/search", {"query": ""})),
        (422, posted("", "/v1/search", {"query": "net sales", "k": 0})),
        (422, posted("", "/v1/ask", {**question, "unknown": 1})),
        (422, posted("", "/v1/search", {"query": "net sales " * 1000})),
        (422, Request("", "POST", "/v1/ask", b"{")),
        (413, Request("", "POST", "/v1/ask", b" " * 300 * 1024)),
        (404, posted("", "/v1/ask", {**question, "release": "r9999"})),
        (404, posted("", "/v1/chat/completions", {"model": "other", "messages": [_said()]})),
        (404, Request("", "GET", "/v1/nothing")),
        (404, Request("", "GET", "/static/..%2fapp.py")),
        (404, Request("", "GET", "/v1/documents/NOBODY_2023_10K.pdf")),
        (404, Request("", "GET", f"/v1/documents/{quote(document)}/pages/100000")),
        (404, Request("", "GET", "/v1/jobs/nothing/events")),
        (405, Request("", "PUT", "/v1/search")),
        (415, uploaded("", "zip.pdf", b"PK\x03\x04" + b"\0" * 2000)),
        (422, posted("", "/v1/jobs", {"kind": "ingest", "arguments": {"paths": ["/etc/passwd"]}})),
    ]
    return [
        Request(
            f"refused, {status}",
            one.method,
            one.path,
            one.body,
            one.content_type,
            frozenset({status}),
        )
        for status, one in wrong
    ]


def posted(
    kind: str,
    path: str,
    body: Mapping[str, Any],
    *,
    expected: frozenset[int] = OK,
    holds: bytes = b"",
) -> Request:
    """A POST of JSON."""
    content = json.dumps(body).encode()
    return Request(kind, "POST", path, content, expected=expected, holds=holds)


def uploaded(kind: str, name: str, content: bytes) -> Request:
    """The upload of a file."""
    boundary = uuid4().hex
    head = (
        f"--{boundary}\r\nContent-Disposition: form-data; "
        f'name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    kind_of_body = f"multipart/form-data; boundary={boundary}"
    path = "/v1/documents"
    return Request(kind, "POST", path, body, kind_of_body, frozenset({202}))


def removed(kind: str, file: Path) -> Request:
    """The removal of a document; 409 while another is written."""
    path = f"/v1/documents/{quote(file.name)}"
    return Request(kind, "DELETE", path, expected=frozenset({200, 409}))


def _path(chunk: Chunk) -> str:
    return f"/v1/documents/{quote(chunk.document)}"


def _said() -> dict[str, str]:
    return {"role": "user", "content": "What were net sales?"}
