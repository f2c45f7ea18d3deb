"""A chat model of the Hugging Face hub's form inside this process."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rag_service.adapters.llm_decoding import ChatModel, Request
from rag_service.adapters.llm_stream import guarded
from rag_service.core.errors import ConfigError, GenerationError, ModelError, UnknownModel
from rag_service.core.protocols import Message

_log = logging.getLogger(__name__)

_GATHER_SECONDS = 0.01
"""Whoever got the last answer of a batch asks again within this time, and is in the next one."""


class TransformersGenerator:
    """One worker thread loads the model at the first request and answers what waits in batches.

    What arrives while a batch is being answered makes up the next one.

    Args:
        model: A folder, or a name whose files are in the hub's cache on this machine.
        timeout: Seconds for one answer, waiting for earlier ones included.
        batch: Most requests in one batch.
        precision: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the device computes it.

    Raises:
        ModelError: the files are not here.
        ConfigError: the library that keeps answers to a schema is not installed.
    """

    def __init__(self, model: str, timeout: float, batch: int, precision: str = "auto") -> None:
        if find_spec("llguidance") is None:
            raise ConfigError(f"RAGLOOP_LLM=hf:{model} needs `pip install 'ragloop[hf]'`")
        self._folder = find_chat_model(model)
        self._name = model
        self._timeout = timeout
        self._batch = batch
        self._precision = precision
        self._model: ChatModel | None = None
        self._waiting: deque[Request] = deque()
        self._closing = threading.Event()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="llm")

    @property
    def name(self) -> str:
        return f"hf:{self._name}"

    @property
    def parallel(self) -> int:
        return self._batch

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> AsyncGenerator[str, None]:
        asked = (list(messages), max_tokens, schema, temperature, seed)
        return guarded(
            self._pieces(*asked),
            llm=self.name,
            seconds=self._timeout,
            json_document=schema is not None,
        )

    async def aclose(self) -> None:
        """Stop what is being generated, and free the model."""
        self._closing.set()
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)
        while self._waiting:
            self._waiting.popleft().deliver(GenerationError("it was closed"))
        self._model = None

    async def _pieces(
        self,
        messages: Sequence[Message],
        max_tokens: int,
        schema: dict[str, Any] | None,
        temperature: float,
        seed: int,
    ) -> AsyncGenerator[str, None]:
        if self._closing.is_set():
            raise GenerationError(f"{self.name} is closed")
        loop = asyncio.get_running_loop()
        queue: asyncio.Queue[str | GenerationError | None] = asyncio.Queue()
        left = threading.Event()

        def deliver(item: str | GenerationError | None) -> None:
            try:
                loop.call_soon_threadsafe(queue.put_nowait, item)
            except RuntimeError:  # the loop was closed, and with it the request
                left.set()

        def unwanted() -> bool:
            return left.is_set() or self._closing.is_set()

        request = Request(messages, max_tokens, schema, temperature, seed, deliver, unwanted)
        self._waiting.append(request)
        # Behind the first steps of all requests that are made at once: they become one batch.
        loop.call_soon(self._wake)
        try:
            while (item := await queue.get()) is not None:
                if isinstance(item, GenerationError):
                    raise GenerationError(f"{self.name}: {item.message}")
                yield item
        finally:
            left.set()

    def _wake(self) -> None:
        if not self._closing.is_set():
            self._worker.submit(self._serve)

    def _serve(self) -> None:
        """Answer the next batch. Every request has a call of this; an earlier one may serve it."""
        time.sleep(_GATHER_SECONDS)
        batch = [self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))]
        end: GenerationError | None = GenerationError("it broke off its answer")
        try:
            self._answer([request for request in batch if not request.unwanted()])
            end = GenerationError("it was closed") if self._closing.is_set() else None
        except GenerationError as error:
            end = error
        except Exception:
            _log.exception("%s failed", self.name)
            raise
        finally:
            for request in batch:
                request.deliver(end)

    def _answer(self, requests: Sequence[Request]) -> None:
        if not requests:
            return
        if self._model is None:
            self._model = ChatModel(self._folder, self._precision)
        rows = []
        for request in requests:
            try:
                rows.append(self._model.begin(request))
            except GenerationError as error:
                request.deliver(error)
        if rows:
            self._model.answer(rows)


def find_chat_model(name: str) -> Path:
    """Folder of a chat model's files on this machine.

    Raises:
        ModelError: they are not here; says how to get them.
    """
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if name.startswith(("/", "./", "../", "~")):
            raise UnknownModel(f"RAGLOOP_LLM=hf:{name}: there is no such folder")
        folder = _cached(name)
    if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
        raise ModelError(
            f"RAGLOOP_LLM=hf:{name}: {folder} lacks config.json or .safetensors files, as a model "
            "saved by transformers has"
        )
    return folder


def _cached(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (OSError, ValueError) as error:
        raise UnknownModel(
            f"RAGLOOP_LLM=hf:{name}: no such model is on this machine. Where a hub is reached, "
            f"fetch it with `ragloop models pull {name}`; else give its folder, hf:/PATH/TO/MODEL"
        ) from error
