"""The process that draws pages for ``ingest.pictures``: ``python -m ingest.picture_worker FD``.

Through the pipe at file descriptor FD come a PDF's path, the options and the wanted width, then
page numbers; back goes for each the picture's size and its JPEG, or a text that says why there is
none.
"""

from __future__ import annotations

import io
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from pypdfium2 import PdfDocument, PdfiumError

from ingest.options import ReadOptions
from ingest.pictures import SIZE
from ingest.worker import end_with, limit_memory

DPI = 110
MAX_SIDE = 2000
"""Longest side in pixels, whatever size a page says it has."""
TALLEST = 3
"""Times its width that a picture of a wanted width is high, at most."""
QUALITY, SHARP = 60, 80
"""Of a report with hundreds of pictures, and of one that is looked at alone."""


def main(pipe: Connection) -> None:
    """Draw pages until the other end of the pipe closes."""
    path: Path
    options: ReadOptions
    width: int | None
    end_with(pipe)
    path, options, width = pipe.recv()
    limit_memory(options.memory_mb)
    document = PdfDocument(path.read_bytes())
    while True:
        try:
            number: int = pipe.recv()
        except EOFError:
            return
        pipe.send_bytes(_answer(document, number, width))


def _answer(document: Any, number: int, width: int | None) -> bytes:
    try:
        return _draw(document, number, width)
    except PdfiumError as error:
        why = str(error)
    except MemoryError:
        why = "it takes more memory than RAGLOOP_PARSE_MEMORY_MB"
    return SIZE.pack(0, 0) + f"this page cannot be drawn: {why}".encode()


def _draw(document: Any, number: int, width: int | None) -> bytes:
    page = document[number - 1]
    try:
        across, down = page.get_size()
        if width is None:
            scale = min(DPI / 72, MAX_SIDE / max(across, down, 1))
        else:
            # A picture's size is rounded up.
            scale = (width - 0.5) * min(1 / max(across, 1), TALLEST / max(down, 1))
        image = page.render(scale=scale).to_pil()
    finally:
        page.close()
    encoded = io.BytesIO()
    quality = SHARP if width else QUALITY
    image.convert("RGB").save(encoded, "JPEG", quality=quality, progressive=True)
    return SIZE.pack(image.width, image.height) + encoded.getvalue()


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
