"""Ollama and OpenAI-compatible servers: what is sent, and what goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from rag_service.adapters.llm_ollama import OllamaGenerator
from rag_service.adapters.llm_openai import OpenAIGenerator
from rag_service.core.errors import GenerationError, GenerationTimeout
from rag_service.core.protocols import Generator, Message
from tests.fakes.llm_server import API_KEY, MODEL, FakeLLMServer, llm_server

MESSAGES: list[Message] = [{"role": "user", "content": "What rose?"}]
SCHEMA: dict[str, Any] = {"type": "object"}
CLOSED_PORT = "http://127.0.0.1:9"


@pytest.fixture
def server() -> Iterator[FakeLLMServer]:
    with llm_server() as fake:
        yield fake


@pytest.fixture(params=["ollama", "openai"])
def generator(request: pytest.FixtureRequest, server: FakeLLMServer) -> Generator:
    if request.param == "ollama":
        return OllamaGenerator(server.url, MODEL, timeout=5)
    return OpenAIGenerator(f"{server.url}/v1/", API_KEY, MODEL, timeout=5)


def ask(generator: Generator, **options: Any) -> str:
    async def answer() -> str:
        stream = generator.stream(MESSAGES, max_tokens=options.pop("max_tokens", 50), **options)
        return "".join([piece async for piece in stream])

    return asyncio.run(answer())


def test_the_whole_answer_arrives(generator: Generator, server: FakeLLMServer) -> None:
    assert ask(generator) == server.text
    assert ask(generator, schema=SCHEMA) == server.document


def test_ollama_is_sent_the_schema_and_the_options(server: FakeLLMServer) -> None:
    ask(OllamaGenerator(server.url, MODEL, 5), schema=SCHEMA, max_tokens=9, temperature=0.5, seed=4)
    body = server.bodies[0]
    assert body["format"] == SCHEMA
    assert body["messages"] == MESSAGES
    assert body["stream"] is True
    sent = body["options"]
    assert (sent["num_predict"], sent["temperature"], sent["seed"]) == (9, 0.5, 4)


def test_openai_is_sent_the_schema_and_the_options(server: FakeLLMServer) -> None:
    generator = OpenAIGenerator(f"{server.url}/v1", API_KEY, MODEL, 5)
    ask(generator, schema=SCHEMA, max_tokens=9, temperature=0.5, seed=4)
    body = server.bodies[0]
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["messages"] == MESSAGES
    assert (body["max_tokens"], body["temperature"], body["seed"]) == (9, 0.5, 4)


def test_a_server_that_breaks_off_is_an_error(generator: Generator, server: FakeLLMServer) -> None:
    server.breaks_off = True
    with pytest.raises(GenerationError, match="broke off"):
        ask(generator)


def test_a_server_that_stalls_is_an_error(server: FakeLLMServer) -> None:
    server.stalls = True
    for generator in (
        OllamaGenerator(server.url, MODEL, timeout=0.3),
        OpenAIGenerator(f"{server.url}/v1", API_KEY, MODEL, timeout=0.3),
    ):
        with pytest.raises(GenerationTimeout):
            ask(generator)


def test_another_protocol_is_an_error(generator: Generator, server: FakeLLMServer) -> None:
    server.garbage = True
    with pytest.raises(GenerationError, match=r"no Ollama server|OpenAI's protocol"):
        ask(generator)


def test_ollama_without_the_model_says_what_to_pull(server: FakeLLMServer) -> None:
    with pytest.raises(GenerationError, match="ollama pull big"):
        ask(OllamaGenerator(server.url, "big", 5))


@pytest.mark.parametrize("address", [CLOSED_PORT, "http://[broken"])
def test_an_ollama_that_is_not_there_says_what_to_set(address: str) -> None:
    with pytest.raises(GenerationError, match="RAGLOOP_OLLAMA_HOST"):
        ask(OllamaGenerator(address, MODEL, 5))


@pytest.mark.parametrize("address", [CLOSED_PORT, "no address", "http://[broken"])
def test_an_openai_server_that_is_not_there_says_what_to_set(address: str) -> None:
    with pytest.raises(GenerationError, match="RAGLOOP_OPENAI_BASE_URL"):
        ask(OpenAIGenerator(address, API_KEY, MODEL, 5))


def test_a_wrong_key_says_what_to_set(server: FakeLLMServer) -> None:
    with pytest.raises(GenerationError, match="RAGLOOP_OPENAI_API_KEY") as caught:
        ask(OpenAIGenerator(f"{server.url}/v1", "sk-guess", MODEL, 5))
    assert "sk-guess" not in caught.value.message


@pytest.mark.parametrize(
    "host", ["127.0.0.1:1", "[broken", "127.0.0.1:hunter2", "host:1/?k=hunter2"]
)
def test_an_address_is_told_without_its_login(host: str) -> None:
    address = f"http://somebody:hunter2@{host}"
    generators = (OpenAIGenerator(address, API_KEY, MODEL, 5), OllamaGenerator(address, MODEL, 5))
    for generator in generators:
        with pytest.raises(GenerationError) as caught:
            ask(generator)
        assert "hunter2@" not in caught.value.message
        assert "somebody" not in caught.value.message
        assert "k=hunter2" not in caught.value.message
