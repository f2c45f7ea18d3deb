"""Encoders, a registry and an LLM that need no weights."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import re
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rag_service.core.errors import GenerationError, InvalidRequest, ModelError, NotFound
from rag_service.core.ids import now
from rag_service.core.protocols import Message
from rag_service.core.types import ModelCard, Vectors


class FakeEmbedder:
    """A bag of words hashed into ``dims`` places, other places for each fingerprint.

    With ``documents_like`` its documents have the vectors of that fingerprint, its queries others.
    """

    def __init__(
        self,
        dims: int = 64,
        fingerprint: str = "m0000000000000000",
        max_tokens: int = 256,
        documents_like: str = "",
    ) -> None:
        self.dims = dims
        self.fingerprint = fingerprint
        self.max_tokens = max_tokens
        self.documents_like = documents_like

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(_words(text)) + 2 for text in texts]

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        vectors = self.embed_documents(texts)
        if not self.documents_like:
            return vectors
        adapted: Vectors = vectors + np.float32(0.25) * np.roll(vectors, 1, axis=1)
        normalised: Vectors = adapted / np.linalg.norm(adapted, axis=1, keepdims=True)
        return normalised

    def embed_documents(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Vectors:
        vectors = np.zeros((len(texts), self.dims), dtype=np.float32)
        salt = self.documents_like or self.fingerprint
        for row, text in zip(vectors, texts, strict=True):
            for word in ["", *_words(text)]:
                digest = hashlib.sha256(f"{salt} {word}".encode()).digest()
                place = int.from_bytes(digest[:8], "big") % self.dims
                row[place] += 1.0 if word else 0.01
            if on_done is not None:
                on_done(1)
        normalised: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised


class CutEmbedder(FakeEmbedder):
    """The first ``dims`` places of another's vectors, normalised."""

    def __init__(self, whole: FakeEmbedder, card: ModelCard) -> None:
        super().__init__(card.dims, card.fingerprint, card.max_tokens, card.documents_like)
        self.whole = whole

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._cut(self.whole.embed_queries(texts))

    def embed_documents(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Vectors:
        return self._cut(self.whole.embed_documents(texts, on_done))

    def _cut(self, vectors: Vectors) -> Vectors:
        kept = vectors[:, : self.dims] + np.float32(1e-7)  # never a zero vector
        normalised: Vectors = kept / np.linalg.norm(kept, axis=1, keepdims=True)
        return normalised


class FakeRegistry:
    """Cards in memory; ``load`` gives a ``FakeEmbedder`` of the card's fingerprint."""

    def __init__(self, cards: Iterable[ModelCard] = (), dims: int = 64) -> None:
        self._cards = {card.fingerprint: card for card in cards}
        self._dims = dims
        self._loaded: dict[str, FakeEmbedder] = {}

    def resolve(self, name: str) -> ModelCard:
        found = [c for c in self.all() if c.fingerprint.startswith(name) or c.name == name]
        if len(found) == 1:
            return found[0]
        if Path(name).is_dir():
            return self.add(Path(name), name=Path(name).name)
        raise ModelError(f"{name} is no model; give a registered one or a folder")

    def add(
        self, folder: Path, *, name: str, base: str = "", training: dict[str, Any] | None = None
    ) -> ModelCard:
        weights = sorted(folder.rglob("*.safetensors"))
        if not weights:
            raise ModelError(f"{folder} holds no model")
        of_documents = [path for path in weights if not path.match("*_Router/*/*")]
        fingerprint = _digest(weights, folder)
        card = ModelCard(
            fingerprint=fingerprint,
            name=name,
            path=str(folder),
            dims=self._dims,
            max_tokens=256,
            query_prompt="",
            document_prompt="",
            created=now(),
            base=base,
            training=training or {},
            documents_like=_digest(of_documents, folder) if of_documents != weights else "",
        )
        return self._cards.setdefault(fingerprint, card)

    def truncated(self, fingerprint: str, dims: int) -> ModelCard:
        card = self.get(fingerprint)
        if not 1 <= dims < card.dims:
            raise InvalidRequest(f"{card.dims} dimensions cannot be cut to {dims}")
        whole = self.get(card.whole)
        like = (
            self.truncated(whole.documents_like, dims).fingerprint if whole.documents_like else ""
        )
        digest = hashlib.sha256(f"{whole.fingerprint}@{dims}".encode()).hexdigest()
        cut = dataclasses.replace(
            whole,
            fingerprint=f"m{digest[:16]}",
            name=f"{whole.name}@{dims}",
            dims=dims,
            base="",
            documents_like=like,
            cut_from=whole.fingerprint,
        )
        return self._cards.setdefault(cut.fingerprint, cut)

    def get(self, fingerprint: str) -> ModelCard:
        if fingerprint not in self._cards:
            raise NotFound(f"no model {fingerprint}; registered: {', '.join(self._cards)}")
        return self._cards[fingerprint]

    def all(self) -> list[ModelCard]:
        return sorted(self._cards.values(), key=lambda card: (card.created, card.fingerprint))

    def load(self, fingerprint: str) -> FakeEmbedder:
        card = self.get(fingerprint)
        if fingerprint not in self._loaded:
            self._loaded[fingerprint] = (
                CutEmbedder(self.load(card.cut_from), card)
                if card.cut_from
                else FakeEmbedder(card.dims, fingerprint, card.max_tokens, card.documents_like)
            )
        return self._loaded[fingerprint]


@dataclasses.dataclass
class FakeGenerator:
    """Gives ``replies`` in turn, the last one for ever after, and records what it was asked.

    ``cuts`` are the indexes at which a reply is cut into pieces; by default after every word.
    A reply that is an exception is raised.
    """

    replies: Sequence[str | Exception]
    cuts: Sequence[int] | None = None
    name: str = "fake"
    parallel: int = 1
    asked: list[list[Message]] = dataclasses.field(default_factory=list)
    closed: bool = False

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        schema: dict[str, Any] | None = None,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> AsyncGenerator[str, None]:
        if self.closed:
            raise GenerationError(f"{self.name} is closed")
        self.asked.append(list(messages))
        reply = self.replies[min(len(self.asked), len(self.replies)) - 1]
        if isinstance(reply, Exception):
            raise reply
        pieces = cut(reply, self.cuts)[:max_tokens]
        for piece in pieces:
            yield piece
        if schema is not None:
            try:
                json.loads("".join(pieces))
            except ValueError as error:
                raise GenerationError(f"{self.name} gave no whole JSON document") from error

    async def aclose(self) -> None:
        self.closed = True


def cut(reply: str, cuts: Sequence[int] | None = None) -> list[str]:
    """``reply`` in pieces that join to it: cut at ``cuts``, or before every space."""
    if cuts is None:
        return re.findall(r"\s*\S+|\s+$", reply)
    edges = [0, *sorted(cuts), len(reply)]
    return [reply[a:b] for a, b in itertools.pairwise(edges) if a < b]


def _digest(files: Sequence[Path], folder: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return f"m{digest.hexdigest()[:16]}"


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.encode("utf-8", "replace").decode().lower())
