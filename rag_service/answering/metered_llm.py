"""An LLM whose work is measured."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from time import perf_counter
from typing import Any

from rag_service.core.protocols import Generator, Message
from rag_service.core.telemetry import LLM_FIRST_TOKEN, LLM_TOKENS, Telemetry


class MeteredGenerator:
    """Streams what ``generator`` streams, and tells how soon it began, how long it took, and in
    how many pieces it came."""

    def __init__(self, generator: Generator, telemetry: Telemetry) -> None:
        self._generator = generator
        self._telemetry = telemetry

    @property
    def name(self) -> str:
        return self._generator.name

    @property
    def parallel(self) -> int:
        return self._generator.parallel

    def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> AsyncGenerator[str, None]:
        pieces = self._generator.stream(
            messages, max_tokens=max_tokens, schema=schema, temperature=temperature, seed=seed
        )
        return self._measured(pieces)

    async def aclose(self) -> None:
        await self._generator.aclose()

    async def _measured(self, pieces: AsyncIterator[str]) -> AsyncGenerator[str, None]:
        meter, began, count = self._telemetry.meter, perf_counter(), 0
        with self._telemetry.stage("llm"):
            try:
                async for piece in pieces:
                    if not count:
                        meter.observe(LLM_FIRST_TOKEN, perf_counter() - began, self.name)
                    count += 1
                    yield piece
            finally:
                if isinstance(pieces, AsyncGenerator):
                    await pieces.aclose()
                meter.add(LLM_TOKENS, count, self.name)
