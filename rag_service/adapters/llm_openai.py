"""Any server that speaks OpenAI's chat completions."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx

from rag_service.adapters.llm_stream import guarded
from rag_service.core.addresses import without_secrets
from rag_service.core.errors import GenerationError, GenerationTimeout
from rag_service.core.protocols import Message


class OpenAIGenerator:
    """Each answer has a connection of its own, so that any event loop may ask.

    Args:
        base_url: Address that ``/chat/completions`` is appended to.
        api_key: Bearer token; empty for servers that ask for none.
        model: Name as the server knows it.
        timeout: Seconds for one answer.
        parallel: Requests that it is worth sending at once.
    """

    def __init__(
        self, base_url: str, api_key: str, model: str, timeout: float, parallel: int = 8
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/chat/completions"
        self._shown = without_secrets(self._url)
        self._key = api_key
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._model = model
        self._timeout = timeout
        self.parallel = parallel

    @property
    def name(self) -> str:
        return f"openai:{self._model}"

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> AsyncGenerator[str, None]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": temperature,
            "seed": seed,
            "stream": True,
        }
        if schema is not None:
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "schema": schema, "strict": True},
            }
        return guarded(
            self._pieces(body),
            llm=self.name,
            seconds=self._timeout,
            json_document=schema is not None,
        )

    async def aclose(self) -> None:
        """Nothing is held between answers."""

    async def _pieces(self, body: dict[str, Any]) -> AsyncGenerator[str, None]:
        finished = False
        try:
            async with (
                httpx.AsyncClient(timeout=self._timeout, headers=self._headers) as client,
                client.stream("POST", self._url, json=body) as response,
            ):
                if not response.is_success:
                    await response.aread()
                    raise self._refused(response)
                async for line in response.aiter_lines():
                    data = line.removeprefix("data:").strip()
                    if data == "[DONE]":
                        return
                    if line.startswith("data:"):
                        content, ends = self._parse(data)
                        finished = finished or ends
                        yield content
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            late = isinstance(error, httpx.TimeoutException)
            raise (GenerationTimeout if late else GenerationError)(
                f"no answer from {self._shown} ({type(error).__name__}: {error}); check that the "
                "server runs and RAGLOOP_OPENAI_BASE_URL is its address"
            ) from error
        if not finished:
            raise GenerationError(f"{self._shown} broke off its answer")

    def _parse(self, data: str) -> tuple[str, bool]:
        """The text of one event, and whether the server says that it is the last."""
        try:
            event = json.loads(data)
            if "error" in event:
                raise GenerationError(f"{self.name} failed: {event['error']}")
            choices = event["choices"]
            content = "".join(choice["delta"].get("content") or "" for choice in choices)
            return content, any(choice.get("finish_reason") for choice in choices)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise GenerationError(
                f"{self._shown} does not speak OpenAI's protocol: {data[:200]!r}"
            ) from error

    def _refused(self, response: httpx.Response) -> GenerationError:
        hint = ""
        if response.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            hint = "; check RAGLOOP_OPENAI_API_KEY"
        elif response.status_code == httpx.codes.NOT_FOUND:
            hint = "; check RAGLOOP_OPENAI_BASE_URL and the model in RAGLOOP_LLM"
        # Some servers repeat the key that they refuse.
        said = response.text.replace(self._key, "…") if self._key else response.text
        return GenerationError(f"{self._shown} answered {response.status_code}: {said[:300]}{hint}")
