"""Pictures of a PDF's pages, drawn in a process that may hang, crash or eat memory."""

from __future__ import annotations

import struct
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

from ingest.options import ReadOptions
from ingest.workers import start_process

PAGE_SECONDS = 60.0
"""Longest time for one picture; all pictures of a file have the time that reading it has."""
MAX_LOST = 3
"""Processes that may be lost to a file before its other pages are left undrawn."""
MAX_BYTES = 64 * 1024 * 1024
SIZE = struct.Struct(">II")
"""Width and height of a picture, before its JPEG; two zeros stand before a text."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as a JPEG of ``width`` × ``height`` pixels."""

    jpeg: bytes
    width: int
    height: int


def draw_pages(
    path: Path, pages: Sequence[int], options: ReadOptions
) -> Generator[Picture | str, None, None]:
    """One picture a page (numbered from 1), or why there is none; made as they are asked for.

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
                artist = _Artist(path, options)
            try:
                drawn = artist.draw(page, left)
            except _Lost as error:
                lost += 1
                artist.end()
                artist = None
                drawn = f"this page cannot be drawn: {error}"
            yield drawn
    finally:
        if artist is not None:
            artist.end()


class _Lost(Exception):
    """The drawing process hangs, is dead or talks nonsense."""


class _Artist:
    """A process that draws the pages of one file."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self._process, self._pipe = start_process("ingest.picture_worker")
        self._pipe.send((path, options))
        self._late = False

    def draw(self, page: int, seconds: float) -> Picture | str:
        # Killing it also ends the wait for the rest of half a picture.
        timer = Timer(seconds, self._give_up)
        timer.start()
        try:
            self._pipe.send(page)
            answer = self._pipe.recv_bytes(MAX_BYTES)
            width, height = SIZE.unpack_from(answer)
        except (EOFError, OSError, struct.error) as error:
            self.end()
            why = f"its process ended with status {self._process.returncode}"
            raise _Lost(f"it was not done after {seconds:.0f} s" if self._late else why) from error
        finally:
            timer.cancel()
            timer.join()
        content = answer[SIZE.size :]
        if width and height:
            return Picture(content, width, height)
        return content.decode(errors="replace")

    def end(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.wait()

    def _give_up(self) -> None:
        self._late = True
        self._process.kill()
