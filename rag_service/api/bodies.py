"""What requests may hold."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag_service.answering.retrieve import MAX_K
from rag_service.core.types import Filters

Name = Annotated[str, Field(max_length=200)]
ReleaseName = Annotated[str, Field(min_length=1, max_length=100)]
K = Annotated[int, Field(ge=1, le=MAX_K, description="Passages to find.")]
Question = Annotated[str, Field(description="A question in plain words.")]


class Body(BaseModel):
    """A JSON object without fields that are not listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FiltersBody(Body):
    """Restricts a search; an empty field does not restrict."""

    company: Name = ""
    form: Name = ""
    fiscal_year: Annotated[int, Field(ge=0, le=9999)] = 0
    section: Name = ""
    kind: Literal["", "prose", "table"] = ""
    document: Name = ""

    def filters(self) -> Filters:
        """The same as the core's value."""
        return Filters(**self.model_dump())


class AskBody(Body):
    question: Question
    k: K = 6
    filters: FiltersBody = FiltersBody()
    release: ReleaseName | None = Field(None, description="The live release unless set.")
    stream: bool = Field(False, description="Answer as server-sent events.")


class SearchBody(Body):
    query: Question
    k: K = 10
    filters: FiltersBody = FiltersBody()
    release: ReleaseName | None = Field(None, description="The live release unless set.")


class CompareBody(Body):
    question: Question
    a: ReleaseName
    b: ReleaseName
    k: K = 10


class PromoteBody(Body):
    force: bool = Field(False, description="Promote even if the gate says no.")


class FeedbackBody(Body):
    """A reader's verdict on an answer, with the passages it is about."""

    question: Annotated[str, Field(min_length=1, max_length=10_000)]
    verdict: Literal["good", "bad"]
    release: ReleaseName
    answer: Annotated[str, Field(max_length=20_000)] = ""
    chunk_ids: Annotated[list[Name], Field(max_length=MAX_K)] = []
    comment: Annotated[str, Field(max_length=10_000)] = ""
