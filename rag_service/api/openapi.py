"""The OpenAPI document: every refusal that a route may answer with, added in this one place."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from rag_service.answering.documents import Json
from rag_service.api.errors import OPENAI_PATHS

_ALWAYS = {
    HTTPStatus.MISDIRECTED_REQUEST: "The service is not known by the name that it was called by.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "An error in the service, or in how it is set up.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Redis or the LLM does not answer: try again.",
}
_OF_CALLERS = {
    HTTPStatus.UNAUTHORIZED: "A key is needed; or it is unknown, was revoked, or expired.",
    HTTPStatus.FORBIDDEN: "The key has not the scope; or a page of another site may not do this.",
    HTTPStatus.TOO_MANY_REQUESTS: "More requests than the rate allows: `Retry-After` says when.",
}
_OF_WHAT_IS_SENT = {
    HTTPStatus.BAD_REQUEST: "The body cannot be read.",
    HTTPStatus.NOT_FOUND: "A name that there is not, or no release is live yet.",
    HTTPStatus.CONFLICT: "The live release moved meanwhile, the gate says no, or another "
    "process writes documents.",
    HTTPStatus.REQUEST_TIMEOUT: "The body came too slowly.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "What is asked cannot be answered as asked; says why.",
    HTTPStatus.GATEWAY_TIMEOUT: "The LLM did not answer in time; holds the passages found.",
}
_SCHEMAS = "#/components/schemas/"
PROBLEM = "application/problem+json"


def refusals(says: Mapping[HTTPStatus, str]) -> dict[int | str, dict[str, Any]]:
    """What a route alone refuses with, for its ``responses``."""
    schema = {"$ref": f"{_SCHEMAS}{Problem.__name__}"}
    return {
        status.value: {"description": why, "content": {PROBLEM: {"schema": schema}}}
        for status, why in says.items()
    }


class Problem(BaseModel):
    """A problem document of RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    """What went wrong and what to do."""
    code: str
    """Stable, for programs."""
    retryable: bool
    request_id: str
    """As in the header `X-Request-Id`, and in each line of the log about the request."""


class OpenAIErrorBody(BaseModel):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(BaseModel):
    """An error in the shape of OpenAI's protocol."""

    model_config = ConfigDict(extra="allow")

    error: OpenAIErrorBody


class DocumentedAPI(FastAPI):
    """Documents for every route the statuses and shapes that `add_error_handlers` answers with."""

    def openapi(self) -> Json:
        """The document, made once."""
        if self.openapi_schema is None:
            _add_refusals(super().openapi())
        assert self.openapi_schema is not None
        return self.openapi_schema


def _add_refusals(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for model in (Problem, OpenAIError):
        schema = model.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    for path, operations in document["paths"].items():
        kind, shape = PROBLEM, Problem.__name__
        if path.startswith(OPENAI_PATHS):
            kind, shape = "application/json", OpenAIError.__name__
        for method, operation in operations.items():
            given = dict(_ALWAYS)
            if "security" in operation:
                given |= _OF_CALLERS
            if method != "get" or "parameters" in operation:
                given |= _OF_WHAT_IS_SENT
            for status, says in given.items():
                response = operation["responses"].setdefault(str(status.value), {})
                content = response.setdefault("content", {})
                if _is_frameworks(content):
                    content.clear()
                    response["description"] = says
                response.setdefault("description", says)
                content[kind] = {"schema": {"$ref": f"{_SCHEMAS}{shape}"}}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)


def _is_frameworks(content: dict[str, Any]) -> bool:
    """Whether it is the refusal that FastAPI would give, and `add_error_handlers` does not."""
    schema = content.get("application/json", {}).get("schema", {})
    return bool(schema.get("$ref") == f"{_SCHEMAS}HTTPValidationError")
