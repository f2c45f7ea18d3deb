"""Models served by Ollama."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

import httpx
import ollama

from rag_service.adapters.llm_stream import guarded
from rag_service.core.addresses import without_secrets
from rag_service.core.errors import GenerationError, GenerationTimeout
from rag_service.core.protocols import Message

CONTEXT_TOKENS = 8192
"""Asked for, since Ollama cuts longer prompts without a word and its own default varies."""


class OllamaGenerator:
    """Each answer has a connection of its own, so that any event loop may ask.

    Args:
        host: Address of the server.
        model: Name as Ollama lists it.
        timeout: Seconds for one answer.
        parallel: Requests that it is worth sending at once.
    """

    def __init__(self, host: str, model: str, timeout: float, parallel: int = 8) -> None:
        self._host = host
        self._shown = without_secrets(host)
        self._model = model
        self._timeout = timeout
        self.parallel = parallel

    @property
    def name(self) -> str:
        return f"ollama:{self._model}"

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> AsyncGenerator[str, None]:
        options = {
            "num_predict": max_tokens,
            "num_ctx": CONTEXT_TOKENS,
            "temperature": temperature,
            "seed": seed,
        }
        return guarded(
            self._pieces(list(messages), options, schema),
            llm=self.name,
            seconds=self._timeout,
            json_document=schema is not None,
        )

    async def aclose(self) -> None:
        """Nothing is held between answers."""

    async def _pieces(
        self, messages: list[Message], options: dict[str, Any], schema: dict[str, Any] | None
    ) -> AsyncGenerator[str, None]:
        client = self._connect()
        done = False
        try:
            # think=False: thoughts would use up max_tokens before the answer
            answer = await client.chat(
                self._model, messages, stream=True, think=False, format=schema, options=options
            )
            async with aclosing(answer) as parts:
                async for part in parts:
                    done = bool(part.done)
                    yield part.message.content or ""
        except ollama.ResponseError as error:
            if error.status_code == httpx.codes.NOT_FOUND:
                raise GenerationError(
                    f"Ollama at {self._shown} has no model {self._model}: run "
                    f"`ollama pull {self._model}` there"
                ) from error
            raise GenerationError(f"{self.name} failed: {error}") from error
        except (ConnectionError, httpx.HTTPError, httpx.InvalidURL) as error:
            late = isinstance(error, httpx.TimeoutException)
            raise (GenerationTimeout if late else GenerationError)(
                f"Ollama is not reached at {self._shown} ({type(error).__name__}): start it with "
                f"`ollama serve` and run `ollama pull {self._model}`, or set RAGLOOP_OLLAMA_HOST"
            ) from error
        except ValueError as error:
            raise GenerationError(
                f"{self._shown} is no Ollama server ({error}); check RAGLOOP_OLLAMA_HOST"
            ) from error
        finally:
            await client.close()
        if not done:
            raise GenerationError(f"{self.name} broke off its answer")

    def _connect(self) -> Any:
        try:
            return ollama.AsyncClient(host=self._host, timeout=self._timeout)
        except (ValueError, httpx.InvalidURL) as error:
            raise GenerationError(f"RAGLOOP_OLLAMA_HOST={self._shown}: {error}") from error
