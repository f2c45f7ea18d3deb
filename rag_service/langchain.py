"""A retriever for LangChain, over HTTP or in the process of the service's parts."""

from __future__ import annotations

import ssl
from asyncio import to_thread
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Self

import httpx
from langchain_core.callbacks import (
    AsyncCallbackManagerForRetrieverRun,
    CallbackManagerForRetrieverRun,
)
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, SecretStr, model_validator

from rag_service.answering.documents import Json, search_document
from rag_service.answering.retrieve import NO_FILTERS, Retriever
from rag_service.core.errors import RagloopError, ServiceUnavailable
from rag_service.core.types import Filters

_METADATA = (
    "document",
    "page_start",
    "page_end",
    "chunk_id",
    "section",
    "kind",
    "score",
    "context",
    "company",
    "form",
    "fiscal_year",
)


class RagloopRetriever(BaseRetriever):
    """Finds passages of the ingested filings, as `POST /v1/search` does.

    Each document's text is a passage; its ``metadata`` say where that stands (``document``,
    ``page_start``, ``page_end``, ``section``, ``kind``, ``chunk_id``, and the filing's facts), its
    ``score``, and the ``release`` that found it. ``k``, ``filters`` and ``release`` can be given
    anew with each call: ``retriever.invoke(question, k=3)``.

    Raises RagloopError and its kin, the same over HTTP as in process: InvalidRequest for what
    cannot be asked so, NotFound for a release that there is not, ServiceUnavailable where nothing
    answers at ``base_url``.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, extra="forbid")

    base_url: str = Field("", description="Address of the service, http://127.0.0.1:8000.")
    retriever: Retriever | None = Field(None, exclude=True, description="Used in place of one.")
    k: int = Field(10, description="Passages to find, 1 to 100.")
    filters: Filters = NO_FILTERS
    release: str | None = Field(None, description="The live release unless set.")
    api_key: SecretStr | None = Field(None, description="Sent as a bearer token.")
    timeout: float = Field(60.0, gt=0, description="Seconds to wait for the service.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.base_url) == (self.retriever is not None):
            raise ValueError("give either base_url, of a service, or retriever, in this process")
        return self

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, **asked: Any
    ) -> list[Document]:
        chosen = self._chosen(**asked)
        if self.retriever is not None:
            return _documents(search_document(self.retriever.search(query, *chosen)))
        with self._connection() as options, httpx.Client(**options) as client:
            response = client.post("/v1/search", json=_body(query, *chosen))
        return _documents(_found(response))

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: AsyncCallbackManagerForRetrieverRun, **asked: Any
    ) -> list[Document]:
        chosen = self._chosen(**asked)
        if self.retriever is not None:
            return _documents(
                search_document(await to_thread(self.retriever.search, query, *chosen))
            )
        with self._connection() as options:
            async with httpx.AsyncClient(**options) as client:
                response = await client.post("/v1/search", json=_body(query, *chosen))
        return _documents(_found(response))

    def _chosen(
        self,
        k: int | None = None,
        filters: Filters | None = None,
        release: str | None = None,
    ) -> tuple[int, Filters, str | None]:
        return (
            self.k if k is None else k,
            self.filters if filters is None else filters,
            self.release if release is None else release,
        )

    @contextmanager
    def _connection(self) -> Iterator[dict[str, Any]]:
        """How to reach the service. Raises ServiceUnavailable where that fails inside."""
        headers = {}
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key.get_secret_value()}"
        try:
            yield {
                "base_url": self.base_url,
                "headers": headers,
                "timeout": self.timeout,
                "verify": _trusted(),
            }
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ServiceUnavailable(
                f"the service at {self.base_url} is not reached "
                f"({str(error) or type(error).__name__}): start it with `ragloop serve`, or "
                "correct base_url"
            ) from error


@cache
def _trusted() -> ssl.SSLContext:
    """Read once: it takes longer than a search."""
    return httpx.create_ssl_context()


def _body(query: str, k: int, filters: Filters, release: str | None) -> Json:
    return {
        "query": query,
        "k": k,
        "filters": {
            "company": filters.company,
            "form": filters.form,
            "fiscal_year": filters.fiscal_year,
            "section": filters.section,
            "kind": filters.kind,
            "document": list(filters.documents),
        },
        "release": release,
    }


def _found(response: httpx.Response) -> Json:
    """The document of a response. Raises the error that a problem document tells of."""
    try:
        said: Json = response.json()
        if response.is_success:
            return {"release": said["release"], "hits": [{**hit} for hit in said["hits"]]}
        kind = _kinds(RagloopError).get(said["code"], RagloopError)
        detail = str(said["detail"])
    except (ValueError, LookupError, TypeError) as error:
        raise ServiceUnavailable(
            f"{response.url} gave {response.status_code} and no document of Ragloop: correct "
            "base_url, or see what stands before the service"
        ) from error
    raise kind(detail)


def _kinds(base: type[RagloopError]) -> dict[str, type[RagloopError]]:
    """``base`` and all that derive from it, by code; of those of one code the most general."""
    kinds = {base.code: base}
    for derived in base.__subclasses__():
        kinds = _kinds(derived) | kinds
    return kinds


def _documents(found: Json) -> list[Document]:
    return [
        Document(
            id=hit["chunk_id"],
            page_content=hit["text"],
            metadata={**{key: hit[key] for key in _METADATA}, "release": found["release"]},
        )
        for hit in found["hits"]
    ]
