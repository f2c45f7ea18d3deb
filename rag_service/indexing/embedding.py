"""Chunks to vectors, refusing what the model would cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rag_service.core.errors import ModelError
from rag_service.core.protocols import Embedder
from rag_service.core.types import Chunk, Vectors


def embed_chunks(
    embedder: Embedder, chunks: Sequence[Chunk], on_done: Callable[[int], None] | None = None
) -> Vectors:
    """float32 ``(n, dims)``, L2-normalised, of the chunks' context and text.

    Raises ModelError if a chunk is longer than the model's input: its end would be lost silently.
    """
    texts = [chunk.embedded_text for chunk in chunks]
    longest = max(embedder.count_tokens(texts), default=0)
    if longest > embedder.max_tokens:
        raise ModelError(
            f"a chunk has {longest} tokens and model {embedder.fingerprint} reads "
            f"{embedder.max_tokens}: set RAGLOOP_CHUNK_TOKENS to that or less and ingest again"
        )
    return embedder.embed_documents(texts, on_done)
