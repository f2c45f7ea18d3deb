"""The one mapping from errors to HTTP: problem documents as RFC 9457 has them.

On the routes of OpenAI's protocol they have that protocol's shape.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from rag_service import logs
from rag_service.answering.answer import AnswerFailed
from rag_service.answering.documents import Json, hit_document
from rag_service.core import errors

STATUS: Mapping[type[errors.RagloopError], HTTPStatus] = {
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.InvalidRequest: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.DataError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.IngestError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ReleaseConflict: HTTPStatus.CONFLICT,
    errors.GateRejected: HTTPStatus.CONFLICT,
    errors.JobRunning: HTTPStatus.CONFLICT,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.GenerationTimeout: HTTPStatus.GATEWAY_TIMEOUT,
    errors.GenerationError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.RagloopError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
"""An error has the status of its nearest class here."""

OPENAI_PATHS = ("/v1/chat/", "/v1/models")
_CODES = {
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not_found",
    HTTPStatus.REQUEST_TIMEOUT: "too_slow",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "too_large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported_type",
    HTTPStatus.TOO_MANY_REQUESTS: "rate_limited",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "too_large",
    HTTPStatus.INSUFFICIENT_STORAGE: "disk_full",
}
_RETRYABLE = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
_RETRY_SECONDS = 2

log = logging.getLogger(__name__)


def add_error_handlers(app: FastAPI) -> None:
    """Answer every error, also of validation, routing and unforeseen, with a problem document."""
    app.add_exception_handler(errors.RagloopError, _ours)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def status_of(error: errors.RagloopError) -> HTTPStatus:
    """The HTTP status of one of our errors."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def refusal(
    request: Request,
    status: HTTPStatus,
    code: str,
    detail: str,
    *,
    retryable: bool = False,
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> JSONResponse:
    """A response that says what went wrong, in the shape that the route's clients read.

    ``code`` is stable for programs, ``detail`` says what to do.
    """
    if request.scope["path"].startswith(OPENAI_PATHS):
        return JSONResponse({**openai_error(status, code, detail), **more}, status, headers)
    document = {
        "type": "about:blank",
        "title": status.phrase,
        "status": status.value,
        "detail": detail,
        "code": code,
        "retryable": retryable,
        "request_id": logs.request_id(),
        **more,
    }
    return JSONResponse(document, status, headers, media_type="application/problem+json")


def openai_error(status: HTTPStatus, code: str, message: str) -> Json:
    """An error as OpenAI's clients know it."""
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


def respond(request: Request, error: HTTPException | errors.RagloopError) -> JSONResponse:
    """The response to an error that a middleware meets, where no handler is above it."""
    return _http(request, error) if isinstance(error, HTTPException) else _ours(request, error)


def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.RagloopError)
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.error("%s %s: %s", request.method, request.scope["path"], error.message)
    more: dict[str, object] = {}
    if isinstance(error, AnswerFailed):
        more["release"] = error.result.release
        more["hits"] = [hit_document(hit) for hit in error.result.hits]
    headers = {"Retry-After": str(_RETRY_SECONDS)} if error.retryable else None
    return refusal(
        request,
        status,
        error.code,
        error.message,
        retryable=error.retryable,
        headers=headers,
        **more,
    )


def _validation(request: Request, error: Exception) -> JSONResponse:
    """Names each wrong field; what was sent is not repeated, it may be anything."""
    assert isinstance(error, RequestValidationError)
    wrong = [
        {"field": ".".join(str(part) for part in e["loc"][1:]), "message": str(e["msg"])}
        for e in error.errors()
    ]
    detail = "; ".join(f"{w['field'] or 'body'}: {w['message']}" for w in wrong)
    return refusal(
        request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid_request", detail, errors=wrong
    )


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = _CODES.get(status, "invalid_request")
    retryable = status in _RETRYABLE
    detail = str(error.detail)
    return refusal(request, status, code, detail, retryable=retryable, headers=error.headers)


def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    detail = "an error in the service; its log tells more"
    return refusal(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal", detail)
