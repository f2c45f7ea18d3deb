"""The JSON documents that the command line and the HTTP service both give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any, Literal

from rag_service.answering.answer import AnswerEvent, Cited, Done, Retrieved, Token
from rag_service.answering.compare import Comparison, Side
from rag_service.answering.retrieve import SearchResult
from rag_service.core.errors import RagloopError
from rag_service.core.types import Answer, Citation, Document, Hit, JobRecord, Release

Json = dict[str, Any]
EventName = Literal["retrieval", "token", "citation", "done", "error"]


def hit_document(hit: Hit, *, explain: bool = False) -> Json:
    """One hit; ``score`` is what it was ranked by. With ``explain`` that of each stage, too."""
    chunk = hit.chunk
    scores = {"scores": {stage: float(x) for stage, x in hit.scores.items()}} if explain else {}
    return {
        **scores,
        "rank": hit.rank,
        "score": float(hit.score),
        "model": hit.model,
        "document": chunk.document,
        "page_start": chunk.page_start,
        "page_end": chunk.page_end,
        "chunk_id": chunk.chunk_id,
        "kind": chunk.kind,
        "section": chunk.section,
        "heading": chunk.heading,
        "context": chunk.context,
        "text": chunk.text,
        "company": chunk.facts.company,
        "form": chunk.facts.form,
        "fiscal_year": chunk.facts.fiscal_year,
    }


def search_document(result: SearchResult, *, explain: bool = False) -> Json:
    """What a search found; ``timings`` are milliseconds.

    ``model`` encoded the question, ``index_model`` is what the index says of its vectors.
    """
    explanation = {"explanation": explanation_document(result)} if explain else {}
    return {
        **explanation,
        "release": result.release,
        "model": result.model,
        "index_model": result.index_model,
        "hits": [hit_document(hit, explain=explain) for hit in result.hits],
        "timings": dict(result.timings),
    }


def explanation_document(result: SearchResult) -> Json:
    """How a search went: its stages, what was understood of the question, its other words."""
    scope, expansion = result.scope, result.expansion
    filings = {
        filing.document: filing
        for part in (scope.parts if scope is not None else ())
        for filing in part.filings
    }
    return {
        "stages": list(result.stages),
        "understood": scope.explain() if scope is not None else [],
        "companies": [asdict(match) for match in scope.companies] if scope is not None else [],
        "unknown": list(scope.unknown) if scope is not None else [],
        "periods": [asdict(period) for period in scope.periods] if scope is not None else [],
        "filings": [asdict(filing) for filing in filings.values()],
        "terms": [asdict(term) for term in expansion.terms] if expansion is not None else [],
        "timings": dict(result.timings),
    }


def citation_document(citation: Citation) -> Json:
    return {
        "document": citation.document,
        "page": citation.page,
        "page_end": citation.page_end,
        "quote": citation.quote,
        "chunk_id": citation.chunk_id,
    }


def place(citation: Citation) -> str:
    """Where a citation's quote stands, for a person."""
    if citation.page_end == citation.page:
        return f"{citation.document}, page {citation.page}"
    return f"{citation.document}, pages {citation.page}–{citation.page_end}"


def answer_document(answer: Answer, *, explain: SearchResult | None = None) -> Json:
    """An answer with its citations and the passages that it was sought in.

    ``explain`` is the search to tell of beside it.
    """
    explanation = {"explanation": explanation_document(explain)} if explain is not None else {}
    return {
        **explanation,
        "question": answer.question,
        "release": answer.release,
        "model": answer.model,
        "index_model": answer.index_model,
        "answer": answer.answer,
        "grounded": answer.grounded,
        "method": answer.method,
        "reason": answer.reason,
        "calculation": answer.calculation,
        "citations": [citation_document(citation) for citation in answer.citations],
        "cached": answer.cached,
        "hits": [hit_document(hit, explain=explain is not None) for hit in answer.hits],
    }


def event_document(
    event: AnswerEvent, *, explain: SearchResult | None = None
) -> tuple[EventName, Json]:
    """The name and the data of one event of a streamed answer."""
    match event:
        case Retrieved(result):
            return "retrieval", search_document(result, explain=explain is not None)
        case Token(text):
            return "token", {"text": text}
        case Cited(citation):
            return "citation", citation_document(citation)
        case Done(answer):
            return "done", answer_document(answer, explain=explain)
        case _:
            return "error", error_document(event.error)


def comparison_document(comparison: Comparison) -> Json:
    """Two releases side by side; ``timings`` are milliseconds."""
    return {
        "question": comparison.question,
        "k": comparison.k,
        "a": _side_document(comparison.a),
        "b": _side_document(comparison.b),
        "moves": [
            {"chunk_id": m.chunk_id, "rank_a": m.rank_a, "rank_b": m.rank_b, "move": m.move}
            for m in comparison.moves
        ],
        "rbo": comparison.rbo,
        "jaccard": comparison.jaccard,
    }


def releases_document(live: Release | None, releases: Iterable[Release]) -> Json:
    """All releases, oldest first, and the name of the live one."""
    return {
        "live": live.release if live is not None else None,
        "releases": [release_document(release) for release in releases],
    }


def release_document(release: Release) -> Json:
    return {
        "release": release.release,
        "state": release.state,
        "model": release.model,
        "chunks": release.chunks,
        "dims": release.dims,
        "created": release.created,
        "index": release.index,
        "algorithm": release.algorithm,
        "datatype": release.datatype,
        "note": release.note,
    }


def documents_document(documents: Iterable[Document]) -> Json:
    """The ingested filings."""
    return {"documents": [document_record(document) for document in documents]}


def document_record(document: Document) -> Json:
    """One ingested filing; ``document`` is the file's name."""
    facts = document.facts
    return {
        "document": document.name,
        "document_id": document.document_id,
        "company": facts.company,
        "ticker": facts.ticker,
        "form": facts.form,
        "fiscal_year": facts.fiscal_year,
        "period_end": facts.period_end,
        "pages": document.pages,
        "chunks": document.chunks,
        "tables": document.tables,
        "ingested_at": document.ingested_at,
    }


def job_document(record: JobRecord) -> Json:
    """A job of the worker; ``result`` is null unless it is done and asked for by its name."""
    return asdict(record)


def error_document(error: RagloopError) -> Json:
    """``{error: {code, message, retryable}}``."""
    return {"error": error.as_dict()}


def _side_document(side: Side) -> Json:
    return {
        "release": side.result.release,
        "model": side.result.model,
        "index_model": side.result.index_model,
        "hits": [hit_document(hit) for hit in side.result.hits],
        "answer": answer_document(side.answer),
        "timings": {**side.result.timings, "answer": side.answer_ms},
    }
