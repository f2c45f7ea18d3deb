"""Which LLM the settings name, and what its stream is held to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from rag_service.adapters import llm_transformers
from rag_service.adapters.llm import make_generator
from rag_service.adapters.llm_stream import guarded
from rag_service.core.errors import (
    ConfigError,
    GenerationTimeout,
    OutsideSchema,
)
from rag_service.core.settings import load_settings


@pytest.mark.parametrize(
    ("llm", "name"),
    [
        ("embedded", "embedded:SmolLM2-135M-Instruct"),
        ("ollama:llama3.2:1b", "ollama:llama3.2:1b"),
        ("openai:gpt-x", "openai:gpt-x"),
    ],
)
def test_the_setting_names_the_generator(llm: str, name: str) -> None:
    generator = make_generator(load_settings(llm=llm, openai_base_url="http://127.0.0.1:1/v1"))
    assert generator is not None
    assert generator.name == name
    asyncio.run(generator.aclose())


def test_hf_names_a_folder_and_its_batch(tmp_path: Path) -> None:
    pytest.importorskip("llguidance")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").touch()
    generator = make_generator(load_settings(llm=f"hf:{tmp_path}", llm_requests=3))
    assert generator is not None
    assert (generator.name, generator.parallel) == (f"hf:{tmp_path}", 3)
    asyncio.run(generator.aclose())


def test_hf_without_its_library_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_transformers, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"ragloop\[hf\]"):
        make_generator(load_settings(llm="hf:owner/model"))


@pytest.mark.parametrize("llm", ["hf:", "hf", "llama:x", "ollama:"])
def test_an_unknown_llm_says_what_there_is(llm: str) -> None:
    with pytest.raises(ConfigError, match="hf:NAME_OR_FOLDER"):
        load_settings(llm=llm)


def test_one_request_at_once_for_the_embedded_llm_and_as_many_as_set_for_servers() -> None:
    settings = {"llm_requests": 5, "openai_base_url": "http://127.0.0.1:1/v1"}
    for llm, parallel in (("embedded", 1), ("ollama:m", 5), ("openai:m", 5)):
        generator = make_generator(load_settings(llm=llm, **settings))
        assert generator is not None
        assert generator.parallel == parallel
        asyncio.run(generator.aclose())


def test_none_is_no_generator() -> None:
    assert make_generator(load_settings(llm="none")) is None


def test_openai_without_an_address_says_what_to_set() -> None:
    with pytest.raises(ConfigError, match="RAGLOOP_OPENAI_BASE_URL"):
        make_generator(load_settings(llm="openai:gpt-x", openai_base_url=""))


class Source:
    """A stream that records how it ended."""

    def __init__(self, *pieces: str, wait: float = 0) -> None:
        self.pieces = pieces
        self.wait = wait
        self.closed = False

    async def stream(self) -> AsyncGenerator[str, None]:
        try:
            for piece in self.pieces:
                yield piece
                await asyncio.sleep(self.wait)
        finally:
            self.closed = True


async def collect(source: Source, *, seconds: float = 5, json_document: bool = False) -> list[str]:
    pieces = guarded(source.stream(), llm="llm", seconds=seconds, json_document=json_document)
    return [piece async for piece in pieces]


def test_empty_pieces_are_left_out() -> None:
    assert asyncio.run(collect(Source("", "a", "", "b"))) == ["a", "b"]


def test_a_late_answer_is_an_error_and_its_source_is_closed() -> None:
    source = Source("a", "b", wait=30)
    with pytest.raises(GenerationTimeout, match="RAGLOOP_LLM_TIMEOUT"):
        asyncio.run(collect(source, seconds=0.05))
    assert source.closed


def test_a_consumer_that_leaves_closes_the_source() -> None:
    source = Source("a", "b")

    async def leave() -> None:
        pieces = guarded(source.stream(), llm="llm", seconds=5, json_document=False)
        assert await anext(pieces) == "a"
        await pieces.aclose()

    asyncio.run(leave())
    assert source.closed


@pytest.mark.parametrize("answer", ["", '{"a": ', '{"a": 1} and more', "plain"])
def test_what_is_not_one_document_is_an_error(answer: str) -> None:
    with pytest.raises(OutsideSchema, match="JSON"):
        asyncio.run(collect(Source(answer), json_document=True))
