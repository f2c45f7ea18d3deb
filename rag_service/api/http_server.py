"""uvicorn's HTTP protocol, for clients that send or take too slowly, or too much of a head."""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_BYTES = 32 * 1024
"""Longest request line with headers; more is answered with 400, and the connection closed."""

ENDLESS = "endless"
"""Set in the state of a request whose response is not waited for when the service is stopped."""


class TimedProtocol(H11Protocol):
    """A connection is cut where the client owes something for ``seconds``.

    That is a request's head, the rest of a body whose response is given already, or reading the
    response. Between two requests uvicorn's own keep-alive holds; while a request is worked on,
    `BodyLimit` times its body.
    """

    seconds = 15.0
    _owing: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        if self.conn.their_state is h11.IDLE:
            room = HEAD_BYTES + 1 - len(self.conn.trailing_data[0])
            if len(data) > room:
                # h11 bounds what is incomplete: a head whose end comes along would pass.
                super().data_received(data[:room])
                data = data[room:]
        if not self.transport.is_closing():
            super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._owing, self._stalled):
            if timer is not None:
                timer.cancel()

    def shutdown(self) -> None:
        super().shutdown()
        if self.cycle and not self.cycle.response_complete and self.scope["state"].get(ENDLESS):
            self.transport.close()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self._later()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def _watch(self) -> None:
        if self._owes():
            self._owing = self._owing or self._later()
        elif self._owing is not None:
            self._owing.cancel()
            self._owing = None

    def _owes(self) -> bool:
        if self.conn.their_state is h11.IDLE:
            return self.cycle is None or bool(self.conn.trailing_data[0])
        return self.conn.their_state is h11.SEND_BODY and self.cycle.response_complete

    def _later(self) -> asyncio.TimerHandle:
        return self.loop.call_later(self.seconds, self.transport.abort)


SERVER_OPTIONS: dict[str, Any] = {
    "http": TimedProtocol,
    "ws": "none",
    "h11_max_incomplete_event_size": HEAD_BYTES,
    "server_header": False,
    "log_level": "warning",
    "log_config": None,
    "access_log": False,
}
"""How uvicorn serves, in one process or several."""
