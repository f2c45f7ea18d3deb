"""What is known of a question from where its relevant passages stand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from eval.judgments import page_of
from rag_service.core.types import Chunk, Question, QuestionSet


def placed(question_set: QuestionSet, chunks: Iterable[Chunk]) -> QuestionSet:
    """The same questions, with more metadata from the ``chunks`` of the documents asked about.

    ``item``: the Items that its relevant chunks, or all chunks of its relevant pages, stand in.
    ``passage``: ``table``, ``prose``, or ``both``. ``company``, where the set does not say it.
    """
    by_id: dict[str, Chunk] = {}
    by_page: dict[tuple[str, int], list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        by_id[chunk.chunk_id] = chunk
        for page in range(chunk.page_start, chunk.page_end + 1):
            by_page[chunk.document, page].append(chunk)

    def relevant(question: Question) -> list[Chunk]:
        found: list[Chunk] = []
        for corpus_id in question.relevant:
            page = page_of(corpus_id)
            if page is not None:
                found += by_page.get(page, ())
            elif corpus_id in by_id:
                found.append(by_id[corpus_id])
        return found

    return replace(
        question_set,
        questions=tuple(
            replace(question, metadata={**_place(relevant(question)), **question.metadata})
            for question in question_set.questions
        ),
    )


def _place(chunks: list[Chunk]) -> dict[str, Any]:
    kinds = sorted({chunk.kind for chunk in chunks})
    companies = {chunk.facts.company for chunk in chunks}
    place = {
        "item": sorted({chunk.section for chunk in chunks if chunk.section}),
        "passage": "both" if len(kinds) > 1 else "".join(kinds),
        "company": companies.pop() if len(companies) == 1 else "",
    }
    return {name: value for name, value in place.items() if value}
