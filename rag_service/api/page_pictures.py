"""Pages drawn and read for the web page: two at a time, and those drawn last kept in memory."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TypeVar

from fastapi.concurrency import run_in_threadpool

_AT_ONCE = 2
"""Processes that draw or read a page."""
_MAX_BYTES = 64 * 2**20

Result = TypeVar("Result")


class NobodyWaits(Exception):
    """The client left before its turn came."""


class PagePictures:
    """Used from one event loop, which it does not block."""

    def __init__(self, max_bytes: int = _MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    async def picture(
        self, key: str, draw: Callable[[], bytes], left: Callable[[], Awaitable[bool]]
    ) -> bytes:
        """The picture that ``key`` stands for, kept or drawn.

        Raises NobodyWaits if the client has ``left`` when it is its turn.
        """

        def kept_or_drawn() -> bytes:
            # Another request may have waited for the same.
            return self._kept.get(key) or draw()

        if key not in self._kept:
            self._keep(key, await self.in_turn(kept_or_drawn, left))
        self._kept.move_to_end(key)
        return self._kept[key]

    async def in_turn(
        self, work: Callable[[], Result], left: Callable[[], Awaitable[bool]]
    ) -> Result:
        """What ``work`` gives, in a thread, when it is its turn. Raises NobodyWaits."""
        async with self._turns:
            if await left():
                raise NobodyWaits
            return await run_in_threadpool(work)

    def _keep(self, key: str, picture: bytes) -> None:
        if key not in self._kept:
            self._kept[key] = picture
            self._bytes += len(picture)
        while self._bytes > self._max_bytes and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= len(oldest)
