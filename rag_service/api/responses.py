"""What responses to a question hold, for the OpenAPI document; more keys may stand beside these."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Documented(BaseModel):
    model_config = ConfigDict(extra="allow")


class HitDocument(Documented):
    rank: int
    score: float | None = Field(description="What it was ranked by; null if interleaved.")
    scores: dict[str, float] | None = Field(None, description="By stage, with `explain`.")
    document: str = Field(description="Name of the file.")
    page_start: int
    page_end: int
    chunk_id: str
    kind: Literal["prose", "table"]
    section: str
    text: str
    company: str
    form: str
    fiscal_year: int


class ExplanationDocument(Documented):
    """How a search went."""

    stages: list[str]
    understood: list[str] = Field(description="What the question was taken to mean, in sentences.")
    companies: list[dict[str, Any]]
    periods: list[dict[str, Any]]
    filings: list[dict[str, Any]] = Field(description="Those that can answer, with the reason.")
    terms: list[dict[str, Any]] = Field(description="Words of filings for what is asked.")
    timings: dict[str, float] = Field(description="Milliseconds by step.")


class FoundDocument(Documented):
    release: str
    model: str | None = Field(description="Fingerprint of the encoder; null if interleaved.")
    hits: list[HitDocument]
    explanation: ExplanationDocument | None = Field(None, description="With `explain`.")
    request_id: str = Field(description="Names the request in `/v1/feedback`.")
    experiment: dict[str, str] | None = Field(description="What it is part of.")


class SearchDocument(FoundDocument):
    timings: dict[str, float] = Field(description="Milliseconds by step.")


class CitationDocument(Documented):
    document: str
    page: int
    page_end: int = Field(description="`page`, unless the quote runs on to a later one.")
    quote: str = Field(description="Stands on that page, word for word.")
    chunk_id: str


class AnswerDocument(FoundDocument):
    question: str = Field(description="What was answered: the whole question of a follow-up.")
    answer: str
    grounded: bool
    method: str
    reason: str
    calculation: str = Field(description="How the figure was worked out, if it was.")
    cached: bool
    citations: list[CitationDocument]


class CompletionDocument(Documented):
    """A chat completion of OpenAI's protocol."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[dict[str, Any]]
    ragloop: AnswerDocument


def event_schema(*names: str) -> dict[str, Any]:
    """Server-sent events with JSON data, of these names if there are any."""
    data = {"type": "string", "contentMediaType": "application/json"}
    if not names:
        return {"type": "object", "required": ["data"], "properties": {"data": data}}
    named = {"event": {"type": "string", "enum": list(names)}, "data": data}
    return {"type": "object", "required": ["event", "data"], "properties": named}
