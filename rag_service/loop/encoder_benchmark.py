"""Encoding real chunks, against sentence-transformers' ``encode`` in float32 with its defaults."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from eval.probe.measure import load
from rag_service.core.protocols import Embedder, ModelRegistry, Progress, no_progress
from rag_service.core.types import ModelCard, Vectors


def benchmark(
    registry: ModelRegistry,
    card: ModelCard,
    texts: Sequence[str],
    rounds: int,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """``rounds`` of both on ``texts``, each first in turn; speed, and how far vectors differ.

    ``ratio`` is the median of the rounds' own, so that a machine that gets busier favours
    neither; ``cpu_ratio`` is that of CPU seconds. The embedder of ``registry`` has its engine
    already when the clock starts. NDCG@10 is that of the general probe's questions.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    ours = registry.load(card.fingerprint)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    plain = SentenceTransformer(
        card.path,
        device=device,
        local_files_only=True,
        model_kwargs={"use_safetensors": True, "dtype": torch.float32},
    )
    vectors: dict[str, Vectors] = {}

    def encode() -> None:
        vectors["plain"] = plain.encode(
            list(texts), prompt=card.document_prompt, show_progress_bar=False
        )

    def embed() -> None:
        vectors["ours"] = ours.embed_documents(texts)

    arms: dict[str, Callable[[], None]] = {"plain": encode, "ours": embed}
    told: list[dict[str, float]] = []
    for number in range(rounds):
        progress(f"{card.name}: rounds", number, rounds)
        took = {}
        for name in arms if number % 2 == 0 else reversed(arms):
            started, worked = time.perf_counter(), time.process_time()
            arms[name]()
            took[name] = (time.perf_counter() - started, time.process_time() - worked)
        told.append(_round(took["plain"], took["ours"], len(texts)))
    progress(f"{card.name}: rounds", rounds, rounds)
    cosines = (_normalised(vectors["plain"]) * vectors["ours"]).sum(axis=1)
    tokens = sum(min(n, card.max_tokens) for n in ours.count_tokens(texts))
    return {
        "model": card.name,
        "dims": card.dims,
        "engine": getattr(ours, "engine", ""),
        "texts": len(texts),
        "tokens": tokens,
        "rounds": told,
        "ratio": median(one["ratio"] for one in told),
        "cpu_ratio": median(one["cpu_ratio"] for one in told),
        "texts_per_second": median(one["texts_per_second"] for one in told),
        "plain_texts_per_second": median(one["plain_texts_per_second"] for one in told),
        "cosine": {"least": float(cosines.min()), "mean": float(cosines.mean())},
        "ndcg@10": _probe(plain, ours, card),
        "load": os.getloadavg()[0],
    }


def shaped_model(registry: ModelRegistry, base: ModelCard, layers: int, width: int) -> ModelCard:
    """A BERT of this shape with seeded random weights and the tokenizer of ``base``, registered.

    For speed alone: its vectors mean nothing.
    """
    import shutil

    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    with TemporaryDirectory() as folder:
        bert, model = Path(folder) / "bert", Path(folder) / "model"
        config = BertConfig(
            hidden_size=width,
            num_hidden_layers=layers,
            num_attention_heads=width // 64,
            intermediate_size=4 * width,
        )
        BertModel(config).save_pretrained(bert)
        for file in Path(base.path).glob("*token*"):
            shutil.copyfile(file, bert / file.name)
        transformer = Transformer(str(bert))
        transformer.max_seq_length = 512
        modules = [transformer, Pooling(width, pooling_mode="cls"), Normalize()]
        SentenceTransformer(modules=modules, device="cpu").save_pretrained(
            str(model), create_model_card=False
        )
        return registry.add(model, name=f"random-{layers}x{width}")


def _round(plain: tuple[float, float], ours: tuple[float, float], texts: int) -> dict[str, float]:
    return {
        "ratio": plain[0] / ours[0],
        "cpu_ratio": plain[1] / ours[1],
        "texts_per_second": texts / ours[0],
        "plain_texts_per_second": texts / plain[0],
    }


def _probe(plain: Any, ours: Embedder, card: ModelCard) -> dict[str, float]:
    from eval.probe.measure import measure

    exact = measure(_Plain(plain, card), seed=13).ndcg.value
    found = measure(ours, seed=13).ndcg.value
    return {
        "plain": exact,
        "ours": found,
        "loss": exact - found,
        "questions": len(load().questions),
    }


class _Plain:
    """The library's own ``encode`` as an ``Embedder``."""

    def __init__(self, model: Any, card: ModelCard) -> None:
        self._model = model
        self._card = card
        self.fingerprint = card.fingerprint
        self.dims = card.dims
        self.max_tokens = card.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(ids) for ids in self._model.tokenizer(list(texts))["input_ids"]]

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._encode(texts, self._card.query_prompt)

    def embed_documents(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Vectors:
        return self._encode(texts, self._card.document_prompt)

    def _encode(self, texts: Sequence[str], prompt: str) -> Vectors:
        return _normalised(self._model.encode(list(texts), prompt=prompt, show_progress_bar=False))


def _normalised(vectors: Vectors) -> Vectors:
    normalised: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normalised
