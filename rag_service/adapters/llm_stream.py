"""What every LLM's stream is held to: a time limit, and whole JSON where a schema was given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

from rag_service.core.errors import GenerationTimeout, OutsideSchema


async def guarded(
    pieces: AsyncGenerator[str, None], *, llm: str, seconds: float, json_document: bool
) -> AsyncGenerator[str, None]:
    """The same pieces, empty ones left out.

    Args:
        pieces: The LLM's own stream; closed at the end, however that comes.
        llm: Name for messages.
        seconds: Limit for the whole answer, from now.
        json_document: The pieces must join to one JSON document.

    Raises:
        GenerationTimeout: the time is over.
        OutsideSchema: the document is not whole.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    answer: list[str] = []
    try:
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise GenerationTimeout(
                    f"{llm} did not finish within {seconds:g} s; raise RAGLOOP_LLM_TIMEOUT or "
                    "choose a faster model in RAGLOOP_LLM"
                ) from None
            if piece:
                answer.append(piece)
                yield piece
    finally:
        await pieces.aclose()
    if json_document:
        require_json("".join(answer), llm)


def require_json(answer: str, llm: str) -> None:
    """Raise OutsideSchema unless ``answer`` is one JSON document."""
    try:
        json.loads(answer)
    except ValueError as error:
        raise OutsideSchema(
            f"{llm} did not answer with a whole JSON document ({error}); it may have run out of "
            f"max_tokens. It ended with: {answer[-80:]!r}"
        ) from error
