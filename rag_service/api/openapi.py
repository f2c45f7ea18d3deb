"""The OpenAPI document: every refusal that a route may answer with, added in this one place."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from rag_service.answering.documents import Json
from rag_service.api.errors import OPENAI_PATHS

_ALWAYS = {
    HTTPStatus.INTERNAL_SERVER_ERROR: "An error in the service, or in how it is set up.",
    HTTPStatus.SERVICE_UNAVAILABLE: "Redis or the LLM does not answer: try again.",
}
_OF_WHAT_IS_SENT = {
    HTTPStatus.BAD_REQUEST: "The body cannot be read.",
    HTTPStatus.FORBIDDEN: "A page of another site may not do this.",
    HTTPStatus.NOT_FOUND: "A name that there is not, or no release is live yet.",
    HTTPStatus.CONFLICT: "The live release moved meanwhile, or the gate says no.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "What is asked cannot be answered as asked; says why.",
    HTTPStatus.GATEWAY_TIMEOUT: "The LLM did not answer in time; holds the passages found.",
}
_SCHEMAS = "#/components/schemas/"


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
        kind, shape = "application/problem+json", Problem.__name__
        if path.startswith(OPENAI_PATHS):
            kind, shape = "application/json", OpenAIError.__name__
        for method, operation in operations.items():
            takes = method != "get" or "parameters" in operation
            for status, says in (_ALWAYS | _OF_WHAT_IS_SENT if takes else _ALWAYS).items():
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
