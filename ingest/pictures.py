"""Pictures of a PDF's pages, drawn in a process that may hang, crash or eat memory."""

from __future__ import annotations

import struct
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ingest.options import ReadOptions
from ingest.sandbox import Lost, Sandbox

PAGE_SECONDS = 60.0
"""Longest time for one picture; all pictures of a file have the time that reading it has."""
MAX_LOST = 3
"""Processes that may be lost to a file before its other pages are left undrawn."""
SIZE = struct.Struct(">II")
"""Width and height of a picture, before its JPEG; two zeros stand before a text."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as a JPEG of ``width`` × ``height`` pixels."""

    jpeg: bytes
    width: int
    height: int


def draw_pages(
    path: Path, pages: Sequence[int], options: ReadOptions, width: int | None = None
) -> Generator[Picture | str, None, None]:
    """One picture a page (numbered from 1), or why there is none; made as they are asked for.

    ``width`` is in pixels; without one, pages have the size that is printed on paper.
    The drawing process ends with the generator: close it.
    """
    deadline = time.monotonic() + options.seconds
    artist: _Artist | None = None
    lost = 0
    try:
        for page in pages:
            left = min(PAGE_SECONDS, deadline - time.monotonic())
            if left <= 0:
                yield (
                    f"not drawn within the {options.seconds} s of this file: set "
                    "RAGLOOP_PARSE_SECONDS higher, or look at this page alone"
                )
                continue
            if lost == MAX_LOST:
                yield f"not drawn: {MAX_LOST} of the pages before it could not be drawn"
                continue
            if artist is None:
                artist = _Artist(path, options, width)
            try:
                drawn = artist.draw(page, left)
            except Lost as error:
                lost += 1
                artist.end()
                artist = None
                drawn = f"this page cannot be drawn: {error}"
            yield drawn
    finally:
        if artist is not None:
            artist.end()


class _Artist:
    """A process that draws the pages of one file."""

    def __init__(self, path: Path, options: ReadOptions, width: int | None) -> None:
        self._sandbox = Sandbox("ingest.picture_worker")
        self._sandbox.tell((path, options, width))

    def draw(self, page: int, seconds: float) -> Picture | str:
        answer = self._sandbox.ask(page, seconds)
        try:
            width, height = SIZE.unpack_from(answer)
        except struct.error as error:
            raise Lost("its process gives an answer that cannot be read") from error
        content = answer[SIZE.size :]
        if width and height:
            return Picture(content, width, height)
        return content.decode(errors="replace")

    def end(self) -> None:
        self._sandbox.end()
