"""A question set with the corpus it asks about, in BEIR layout, for other tools."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eval.judgments import page_id, unit_of
from eval.question_sets import save
from rag_service.core.errors import DataError
from rag_service.core.files import write_atomically
from rag_service.core.types import Chunk, QuestionSet


@dataclass(frozen=True, slots=True)
class Exported:
    """How much was written. ``skipped`` questions ask about nothing that is stored."""

    questions: int
    skipped: int
    corpus: int


def export(folder: Path, question_set: QuestionSet, chunks: Iterable[Chunk]) -> Exported:
    """Write ``queries.jsonl``, ``corpus.jsonl`` and ``qrels/<split>.tsv``.

    The corpus is all of ``chunks``, whose ``title`` and ``text`` together are what the encoder
    sees; where pages are judged, it is their pages, each with the text of the chunks on it.

    Raises:
        DataError: if ``folder`` holds anything, or no question has a passage among ``chunks``.
    """
    if folder.exists() and any(folder.iterdir()):
        raise DataError(f"{folder} is not empty: name a new folder to export to")
    units = {unit_of(question) for question in question_set.questions}
    held = list(chunks)
    corpus: dict[str, dict[str, Any]] = {}
    if "chunk" in units:
        corpus |= {chunk.chunk_id: _chunk_row(chunk) for chunk in held}
    if "page" in units:
        corpus |= _page_rows(held)
    questions = tuple(q for q in question_set.questions if not corpus.keys().isdisjoint(q.relevant))
    if not questions:
        raise DataError(
            f"no passage that {question_set.name}/{question_set.split} judges is stored: ingest "
            "the documents that it asks about first"
        )
    save(folder, replace(question_set, questions=questions))
    lines = (
        json.dumps({"_id": corpus_id, **row}, ensure_ascii=False)
        for corpus_id, row in corpus.items()
    )
    write_atomically(folder / "corpus.jsonl", "\n".join(lines) + "\n")
    return Exported(len(questions), len(question_set.questions) - len(questions), len(corpus))


def _chunk_row(chunk: Chunk) -> dict[str, Any]:
    metadata = {
        "document": chunk.document,
        "page_start": chunk.page_start,
        "page_end": chunk.page_end,
        "section": chunk.section,
        "kind": chunk.kind,
        "company": chunk.facts.company,
        "fiscal_year": chunk.facts.fiscal_year,
    }
    return {"title": chunk.context, "text": chunk.text, "metadata": metadata}


def _page_rows(chunks: Iterable[Chunk]) -> dict[str, dict[str, Any]]:
    pages: dict[tuple[str, int], list[str]] = defaultdict(list)
    for chunk in chunks:
        for page in range(chunk.page_start, chunk.page_end + 1):
            pages[chunk.document, page].append(chunk.text)
    return {
        page_id(document, page): {
            "title": f"{document}, page {page}",
            "text": "\n".join(texts),
            "metadata": {"document": document, "page": page},
        }
        for (document, page), texts in pages.items()
    }
