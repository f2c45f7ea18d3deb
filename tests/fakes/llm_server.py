"""A loopback server that speaks as much of Ollama's and OpenAI's protocols as a chat needs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.fakes.models import cut

MODEL = "small"
API_KEY = "open-sesame"


@dataclass
class FakeLLMServer:
    """``replies`` are what it says with a schema and without; it knows the model ``MODEL``.

    ``breaks_off``: the connection ends in the middle of the answer. ``stalls``: it waits for
    ``released`` after the first piece.
    """

    url: str
    text: str = "Net sales rose by eight percent."
    document: str = '{"answer": "net sales rose", "count": 8}'
    breaks_off: bool = False
    stalls: bool = False
    garbage: bool = False
    bodies: list[dict[str, Any]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def llm_server() -> Iterator[FakeLLMServer]:
    """Runs until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        fake = FakeLLMServer(f"http://127.0.0.1:{server.server_address[1]}")
        server.fake = fake  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield fake
        finally:
            fake.released.set()
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        fake: FakeLLMServer = self.server.fake  # type: ignore[attr-defined]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fake.bodies.append(body)
        if fake.garbage:
            self._begin(200, "text/html")
            self._write("data: <html>\n\n" if "completions" in self.path else "<html>\n")
        elif self.path == "/api/chat":
            self._ollama(fake, body)
        elif self.path == "/v1/chat/completions":
            self._openai(fake, body)
        else:
            self._refuse(404, "no such page")

    def _ollama(self, fake: FakeLLMServer, body: dict[str, Any]) -> None:
        if body["model"] != MODEL:
            self._refuse(404, f"model '{body['model']}' not found")
            return
        pieces = cut(fake.document if body.get("format") else fake.text)
        sent = pieces[: body["options"]["num_predict"]]
        self._begin(200, "application/x-ndjson")
        for piece in self._paced(fake, sent):
            message = {"role": "assistant", "content": piece}
            self._line({"model": MODEL, "message": message, "done": False})
        if not fake.breaks_off:
            reason = "stop" if sent == pieces else "length"
            message = {"role": "assistant", "content": ""}
            self._line({"model": MODEL, "message": message, "done": True, "done_reason": reason})

    def _openai(self, fake: FakeLLMServer, body: dict[str, Any]) -> None:
        if self.headers["Authorization"] != f"Bearer {API_KEY}":
            self._refuse(401, f"wrong key: {self.headers['Authorization']}")
            return
        pieces = cut(fake.document if body.get("response_format") else fake.text)
        sent = pieces[: body["max_tokens"]]
        self._begin(200, "text/event-stream")
        for piece in self._paced(fake, sent):
            self._event({"delta": {"content": piece}, "finish_reason": None})
        if not fake.breaks_off:
            reason = "stop" if sent == pieces else "length"
            self._event({"delta": {}, "finish_reason": reason})
            self._write("data: [DONE]\n\n")

    def _paced(self, fake: FakeLLMServer, pieces: list[str]) -> Iterator[str]:
        for index, piece in enumerate(pieces):
            if fake.breaks_off and index == 2:
                return
            yield piece
            if fake.stalls:
                fake.released.wait(30)

    def _begin(self, status: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.end_headers()

    def _refuse(self, status: int, message: str) -> None:
        self._begin(status, "application/json")
        self._write(json.dumps({"error": message}))

    def _event(self, choice: dict[str, Any]) -> None:
        self._write(f"data: {json.dumps({'choices': [choice | {'index': 0}]})}\n\n")

    def _line(self, event: dict[str, Any]) -> None:
        self._write(json.dumps(event) + "\n")

    def _write(self, text: str) -> None:
        try:
            self.wfile.write(text.encode())
            self.wfile.flush()
        except ConnectionError:
            self.close_connection = True  # the client left early

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on stderr."""
