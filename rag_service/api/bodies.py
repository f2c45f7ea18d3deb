"""What requests may hold."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rag_service.answering.retrieve import MAX_K
from rag_service.core.settings import parse_stages
from rag_service.core.types import Filters, Stage

MAX_EARLIER = 20
"""Earlier questions of a conversation."""
_MOST_DOCUMENTS = 200
"""Of a filter."""

Name = Annotated[str, Field(max_length=200)]
ReleaseName = Annotated[str, Field(min_length=1, max_length=100)]
Client = Annotated[
    str, Field(max_length=200, description="Names the client; or else the header X-Client-Key.")
]
K = Annotated[int, Field(ge=1, le=MAX_K, description="Passages to find.")]
Question = Annotated[
    str,
    Field(description="A question in plain words.", json_schema_extra={"minLength": 1}),
]
History = Annotated[
    list[str],
    Field(
        max_length=MAX_EARLIER,
        description="Earlier questions of the conversation, the oldest first: what the question "
        "leaves out (company, period, quantity) is taken from them.",
    ),
]
Explain = Annotated[
    bool, Field(description="Tell the scores by stage, and what was understood of the question.")
]


def _searchable(stages: list[Stage]) -> list[Stage]:
    parse_stages(",".join(stages))
    return stages


Stages = Annotated[
    list[Stage],
    Field(max_length=20, description="What the search goes through; RAGLOOP_STAGES unless set."),
    AfterValidator(_searchable),
]


class Body(BaseModel):
    """A JSON object without fields that are not listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FiltersBody(Body):
    """Restricts a search; an empty field does not restrict."""

    company: Annotated[
        Name,
        Field(
            description="Its name, whatever the case and without `Inc.` and the like, or ticker."
        ),
    ] = ""
    form: Name = ""
    fiscal_year: Annotated[int, Field(ge=0, le=9999)] = 0
    section: Name = ""
    kind: Literal["", "prose", "table"] = ""
    document: Name | Annotated[list[Name], Field(max_length=_MOST_DOCUMENTS)] = Field(
        "", description="One name, or several of which any will do."
    )

    def filters(self) -> Filters:
        """The same as the core's value."""
        named = [self.document] if isinstance(self.document, str) else self.document
        return Filters(
            **self.model_dump(exclude={"document"}), documents=tuple(filter(None, named))
        )


class AskBody(Body):
    question: Question
    k: K = 6
    filters: FiltersBody = FiltersBody()
    release: ReleaseName | None = Field(None, description="The live release unless set.")
    stream: bool = Field(False, description="Answer as server-sent events.")
    history: History = []
    stages: Stages | None = None
    explain: Explain = False
    client: Client = ""


class SearchBody(Body):
    query: Question
    k: K = 10
    filters: FiltersBody = FiltersBody()
    release: ReleaseName | None = Field(None, description="The live release unless set.")
    stages: Stages | None = None
    explain: Explain = False
    client: Client = ""


class CompareBody(Body):
    question: Question
    a: ReleaseName
    b: ReleaseName
    k: K = 10


class PromoteBody(Body):
    force: bool = Field(False, description="Promote even if the gate says no.")


class FeedbackBody(Body):
    """What a reader says of an answer or of hits, either by the request that they were shown in
    (``request_id`` with ``used`` or ``verdict``) or by question and release (with ``verdict``).
    """

    request_id: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    used: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="The chunk that was of use, of those shown in the request."
    )
    question: Annotated[str, Field(min_length=1, max_length=10_000)] | None = None
    verdict: Literal["good", "bad"] | None = None
    release: ReleaseName | None = None
    answer: Annotated[str, Field(max_length=20_000)] = ""
    chunk_ids: Annotated[list[Name], Field(max_length=MAX_K)] = []
    comment: Annotated[str, Field(max_length=10_000)] = ""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.request_id is not None:
            if self.used is None and self.verdict is None:
                raise ValueError("with a request_id, say which chunk was used or give a verdict")
            if self.question is not None or self.release is not None:
                raise ValueError("a request_id stands for question and release: leave them out")
        elif self.used is not None:
            raise ValueError("a used chunk needs the request_id that it was shown in")
        elif self.question is None or self.verdict is None or self.release is None:
            raise ValueError("give request_id, or else question, verdict and release")
        return self
