"""How files are read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Strategy and limits of reading; ``workers`` 0 means all cores.

    ``strategy`` is ``rows``, or one of unstructured's own for PDFs, ``fast`` and ``hi_res``.
    ``seconds`` and ``memory_mb`` hold for one file and only where it is read by a worker.
    """

    strategy: str = "rows"
    chunk_tokens: int = 220
    max_file_mb: int = 200
    max_pages: int = 2000
    seconds: int = 300
    memory_mb: int = 4096
    workers: int = 0
