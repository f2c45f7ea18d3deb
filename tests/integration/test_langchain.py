"""The LangChain retriever: LangChain's own standard tests, and what is particular to this one."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from typing import Any

import pytest
from fastapi.responses import HTMLResponse, JSONResponse
from langchain_core.documents import Document
from langchain_tests.integration_tests import RetrieversIntegrationTests
from pydantic import ValidationError

from rag_service.api.app import create_app
from rag_service.core.errors import InvalidRequest, NotFound, ServiceUnavailable, StoreUnavailable
from rag_service.core.types import Filters
from rag_service.langchain import RagloopRetriever
from tests.fakes.answering import World
from tests.fakes.filings import filing
from tests.fakes.served import served
from tests.unit.test_indexing import document as record

FILINGS = [filing("Alder Mills", 2023), filing("Cedarline", 2023), filing("Birchwater", 2022)]
CHUNKS = list(chain.from_iterable(FILINGS))
QUESTION = "What were net sales of Alder Mills in 2023?"
KEY = "sesame"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("home"))
    world.add_release("ma", CHUNKS, live=True)
    world.add_release("mb", CHUNKS)
    for chunks in FILINGS:
        world.chunks.replace(record(chunks), chunks, "r0001")
    return world


@pytest.fixture(scope="module")
def seen() -> list[str]:
    """The keys that requests came with."""
    return []


@pytest.fixture(scope="module")
def base_url(world: World, seen: list[str]) -> Iterator[str]:
    app = create_app(lambda: nullcontext(world))

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        headers = dict(scope.get("headers", ()))
        seen.append(headers.get(b"authorization", b"").decode())
        if scope.get("path", "").startswith("/proxy/"):
            await HTMLResponse("<h1>Bad gateway</h1>", 502)(scope, receive, send)
        elif scope.get("path", "").startswith("/other/"):
            await JSONResponse({"results": []})(scope, receive, send)
        else:
            await app(scope, receive, send)

    with served(watched) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(params=["over HTTP", "in process"])
def way(request: pytest.FixtureRequest, world: World, base_url: str) -> dict[str, Any]:
    """How a retriever is made that searches over HTTP, or here."""
    return (
        {"base_url": base_url} if request.param == "over HTTP" else {"retriever": world.retriever}
    )


@pytest.mark.anyio
class _StandardTests(RetrieversIntegrationTests):
    anyio_backend = pytest.fixture(lambda self: "asyncio")

    @property
    def retriever_constructor(self) -> type[RagloopRetriever]:
        return RagloopRetriever

    @property
    def retriever_query_example(self) -> str:
        return QUESTION


class TestOverHttp(_StandardTests):
    @pytest.fixture(autouse=True)
    def _service(self, base_url: str) -> None:
        self._params = {"base_url": base_url}

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return self._params


class TestInProcess(_StandardTests):
    @pytest.fixture(autouse=True)
    def _retriever(self, world: World) -> None:
        self._params = {"retriever": world.retriever}

    @property
    def retriever_constructor_params(self) -> dict[str, Any]:
        return self._params


def test_documents_say_where_they_stand(way: dict[str, Any], world: World) -> None:
    found = RagloopRetriever(**way, k=2).invoke(QUESTION)
    hits = world.retriever.search(QUESTION, 2).hits
    for document, hit in zip(found, hits, strict=True):
        assert (document.page_content, document.id) == (hit.chunk.text, hit.chunk.chunk_id)
        assert document.metadata == pytest.approx(
            {
                "document": hit.chunk.document,
                "page_start": hit.chunk.page_start,
                "page_end": hit.chunk.page_end,
                "chunk_id": hit.chunk.chunk_id,
                "section": hit.chunk.section,
                "kind": hit.chunk.kind,
                "score": hit.score,
                "context": hit.chunk.context,
                "company": hit.chunk.facts.company,
                "form": hit.chunk.facts.form,
                "fiscal_year": hit.chunk.facts.fiscal_year,
                "release": "r0001",
            }
        )


def test_release_and_filters_restrict_and_can_be_given_anew(way: dict[str, Any]) -> None:
    facts = CHUNKS[-1].facts
    only = Filters(fiscal_year=facts.fiscal_year, company=facts.company)
    retriever = RagloopRetriever(**way, release="r0002", filters=only)
    found = retriever.invoke(QUESTION)
    assert {document.metadata["release"] for document in found} == {"r0002"}
    assert {document.metadata["fiscal_year"] for document in found} == {facts.fiscal_year}
    name = CHUNKS[0].document
    anew = retriever.invoke(QUESTION, release="r0001", filters=Filters(documents=(name,)), k=3)
    assert {document.metadata["release"] for document in anew} == {"r0001"}
    assert {document.metadata["document"] for document in anew} == {name}


def test_both_ways_and_both_colours_find_the_same(world: World, base_url: str) -> None:
    here, there = RagloopRetriever(retriever=world.retriever), RagloopRetriever(base_url=base_url)

    async def both(k: int) -> tuple[list[Document], ...]:
        return await asyncio.gather(
            here.ainvoke(QUESTION, k=k), there.ainvoke(QUESTION, k=k), there.ainvoke("debt", k=k)
        )

    one, other, third = asyncio.run(both(4))
    expected = [document.id for document in there.invoke(QUESTION, k=4)]
    assert [[d.id for d in found] for found in (one, other)] == [expected] * 2
    assert len(third) == 4


def test_an_error_of_the_service_is_the_error_in_process(
    way: dict[str, Any], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    retriever = RagloopRetriever(**way)
    with pytest.raises(NotFound, match="r0099"):
        retriever.invoke(QUESTION, release="r0099")
    with pytest.raises(InvalidRequest, match="empty"):
        retriever.invoke(" ")
    with pytest.raises(InvalidRequest, match="did you mean 'BIRCHWATER CORP'"):
        retriever.invoke(QUESTION, filters=Filters(company="Birchwatr"))
    with pytest.raises(InvalidRequest, match="k"):
        asyncio.run(retriever.ainvoke(QUESTION, k=0))

    def away(*_: object) -> None:
        raise StoreUnavailable("Redis does not answer")

    monkeypatch.setattr(world.vectors, "look_up", away)
    with pytest.raises(StoreUnavailable, match="Redis does not answer") as caught:
        retriever.invoke(QUESTION)
    assert caught.value.retryable


def test_a_service_that_is_not_there_is_named(base_url: str) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        with pytest.raises(ServiceUnavailable, match=f"{address} is not reached"):
            RagloopRetriever(base_url=address).invoke(QUESTION)
        with pytest.raises(ServiceUnavailable, match="not reached"):
            asyncio.run(RagloopRetriever(base_url=address).ainvoke(QUESTION))


def test_what_is_no_answer_of_a_service_says_so(base_url: str) -> None:
    with pytest.raises(ServiceUnavailable, match="502 and no document of Ragloop"):
        RagloopRetriever(base_url=f"{base_url}/proxy").invoke(QUESTION)
    with pytest.raises(ServiceUnavailable, match="200 and no document of Ragloop"):
        RagloopRetriever(base_url=f"{base_url}/other").invoke(QUESTION)


def test_a_search_may_be_of_several_documents(way: dict[str, Any]) -> None:
    names = sorted({chunk.document for chunk in CHUNKS})
    retriever = RagloopRetriever(**way, k=50)
    every = {document.metadata["document"] for document in retriever.invoke(QUESTION)}
    assert every == set(names)
    two = tuple(names[:2])
    assert len(two) < len(names)
    found = retriever.invoke(QUESTION, filters=Filters(documents=two))
    assert {document.metadata["document"] for document in found} == set(two)


def test_the_key_is_sent_and_not_shown(base_url: str, seen: list[str]) -> None:
    retriever = RagloopRetriever(base_url=base_url, api_key=KEY)
    retriever.invoke(QUESTION)
    assert seen[-1] == f"Bearer {KEY}"
    assert KEY not in repr(retriever)
    RagloopRetriever(base_url=base_url).invoke(QUESTION)
    assert seen[-1] == ""


def test_either_a_service_or_a_retriever(world: World) -> None:
    for wrong in ({}, {"base_url": "http://127.0.0.1:8000", "retriever": world.retriever}):
        with pytest.raises(ValidationError, match="either base_url"):
            RagloopRetriever(**wrong)


def test_neither_the_core_nor_the_command_line_loads_langchain() -> None:
    code = (
        "import sys, rag_service.core.protocols, rag_service.cli.main\n"
        "assert not [name for name in sys.modules if name.startswith('langchain')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
