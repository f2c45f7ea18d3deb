"""A run in the format of TREC, which trec_eval and other tools read."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import quote

from rag_service.core.files import write_atomically
from rag_service.core.types import Run

_SEPARATES = re.compile(r"[\s%]")


def write_run(path: Path, run: Run) -> None:
    """``question-id Q0 corpus-id rank score tag`` lines, ranks from 1, scores strictly decreasing.

    The format has no quoting: white space in an id is written as in an address, such as ``%20``.
    """
    tag = _id(f"ragloop-{run.release}")
    write_atomically(
        path,
        "".join(
            f"{_id(question_id)} Q0 {_id(corpus_id)} {rank} {score!r} {tag}\n"
            for question_id, results in run.ranking.items()
            for rank, (corpus_id, score) in enumerate(results, start=1)
        ),
    )


def _id(text: str) -> str:
    return _SEPARATES.sub(lambda match: quote(match[0], safe=""), text)
