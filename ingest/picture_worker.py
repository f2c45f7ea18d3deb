"""The process that draws pages for ``ingest.pictures``: ``python -m ingest.picture_worker FD``.

Through the pipe at file descriptor FD come a PDF's path with the options, then page numbers;
back goes for each the picture's size and its JPEG, or a text that says why there is none.
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
QUALITY = 60


def main(pipe: Connection) -> None:
    """Draw pages until the other end of the pipe closes."""
    path: Path
    options: ReadOptions
    end_with(pipe)
    path, options = pipe.recv()
    limit_memory(options.memory_mb)
    document = PdfDocument(path.read_bytes())
    while True:
        try:
            number: int = pipe.recv()
        except EOFError:
            return
        pipe.send_bytes(_answer(document, number))


def _answer(document: Any, number: int) -> bytes:
    try:
        return _draw(document, number)
    except PdfiumError as error:
        why = str(error)
    except MemoryError:
        why = "it takes more memory than RAGLOOP_PARSE_MEMORY_MB"
    return SIZE.pack(0, 0) + f"this page cannot be drawn: {why}".encode()


def _draw(document: Any, number: int) -> bytes:
    page = document[number - 1]
    try:
        scale = min(DPI / 72, MAX_SIDE / max(*page.get_size(), 1))
        image = page.render(scale=scale).to_pil()
    finally:
        page.close()
    encoded = io.BytesIO()
    image.convert("RGB").save(encoded, "JPEG", quality=QUALITY, progressive=True)
    return SIZE.pack(image.width, image.height) + encoded.getvalue()


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
