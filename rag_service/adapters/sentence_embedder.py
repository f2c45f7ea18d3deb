"""The encoder: a sentence-transformers model on the engine that computes it fastest here."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from rag_service.adapters.engines import cpu_has_bfloat16, device, put_in
from rag_service.adapters.token_counter import TokenCounter, printable
from rag_service.core.errors import ConfigError, ModelError
from rag_service.core.types import ModelCard, Vectors

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

Model = TypeVar("Model")

Task = Literal["query", "document"]
Features = dict[str, Any]

_PADDING: Mapping[str, float] = {"cpu": 60, "cuda": float("inf")}
"""Tokens of padding that take about as long as a further batch, by device."""
_TOKENS: Mapping[str, float] = {"cpu": 2048, "cuda": 65_536}
"""Tokens of a batch with its padding, by device: more gain nothing, and fall out of the cache."""
_CHARS = 4
"""Characters of a token, where counting tokens is not worth its time."""
ENGINES = ".engines"
"""Folder, in a model's own, of what its engines keep: hidden, so that no backup takes it."""


class SentenceEmbedder:
    """Vectors of one registered model; may be shared by threads.

    Args:
        card: The registry's entry; its prompts are put before queries and documents.
        folder: The sentence-transformers folder.
        engine: One of ``engines.ENGINES``, or ``auto``: torch, in bfloat16 where the device
            computes it natively. Vectors are float32 in any case.
        batch_size: Texts in one forward pass, at most.

    Raises:
        ModelError: the folder does not hold a model that can be loaded, or the engine cannot
            compute it.
    """

    def __init__(self, card: ModelCard, folder: Path, engine: str, batch_size: int) -> None:
        # Its code for each length of text that was seen is kept, some hundreds of megabytes in all.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8")
        os.environ.setdefault("LRU_CACHE_CAPACITY", "8")
        self._device = device()
        if engine == "auto":
            engine = str(arithmetic(engine, self._device)).removeprefix("torch.")
        self._card = card
        self._batch_size = batch_size
        self._model = load_encoder(folder, device=self._device)
        put_in(self._model, engine, folder / ENGINES)
        self._engine = engine
        self._folder = folder
        self._queue = threading.Lock()
        self._busy = threading.Lock()
        self._tokenizing = threading.Lock()

    @property
    def engine(self) -> str:
        """What computes it: one of ``engines.ENGINES``."""
        return self._engine

    @property
    def fingerprint(self) -> str:
        return self._card.fingerprint

    @property
    def dims(self) -> int:
        return self._card.dims

    @property
    def max_tokens(self) -> int:
        return self._card.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special tokens included, nothing cut off."""
        return self._token_counter(texts)

    @cached_property
    def _token_counter(self) -> TokenCounter:
        # Who encodes queries alone never needs it, and reading it holds up all other threads.
        return TokenCounter(self._folder)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """float32 ``(n, dims)``, L2-normalised, with the model's query instruction."""
        lengths = [len(text) // _CHARS + 1 for text in texts]
        return self._embed(texts, lengths, "query", None)

    def embed_documents(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Vectors:
        """float32 ``(n, dims)``, L2-normalised; ``on_done`` is told of every batch's size.

        Texts are batched by length, the next batch is tokenized while one is encoded, and other
        threads get their turn between batches.
        """
        return self._embed(texts, self.count_tokens(texts), "document", on_done)

    def _embed(
        self,
        texts: Sequence[str],
        lengths: Sequence[int],
        task: Task,
        on_done: Callable[[int], None] | None,
    ) -> Vectors:
        vectors = np.empty((len(texts), self.dims), dtype=np.float32)
        limits = (self._batch_size, _PADDING[self._device], _TOKENS[self._device])
        planned = list(batches([min(n, self.max_tokens) for n in lengths], *limits))
        tokenized = self._tokenized([[texts[i] for i in places] for places in planned], task)
        for places, features in zip(planned, tokenized, strict=True):
            with self._turn():
                vectors[places] = self._encode(features, task)
            if on_done is not None:
                on_done(len(places))
        return vectors

    def _tokenized(self, batches: Sequence[Sequence[str]], task: Task) -> Iterator[Features]:
        """The model's input of each batch, made while the one before is encoded."""
        if len(batches) < 2:
            yield from (self._tokenize(batch, task) for batch in batches)
            return
        with ThreadPoolExecutor(1, "tokenizer") as ahead:
            coming = ahead.submit(self._tokenize, batches[0], task)
            for batch in batches[1:]:
                features = coming.result()
                coming = ahead.submit(self._tokenize, batch, task)
                yield features
            yield coming.result()

    def _tokenize(self, texts: Sequence[str], task: Task) -> Features:
        prompt = self._card.query_prompt if task == "query" else self._card.document_prompt
        # The model's tokenizer is set to pad and cut, and is not for several threads.
        with self._tokenizing:
            features: Features = self._model.preprocess(
                [printable(text) for text in texts], prompt=prompt, task=task
            )
        return features

    @contextmanager
    def _turn(self) -> Iterator[None]:
        # A waiting thread holds _queue, so that a thread which embeds batch after batch cannot
        # take _busy again before it: a query waits for one batch, not for a whole reindex.
        with self._queue:
            self._busy.acquire()
        try:
            yield
        finally:
            self._busy.release()

    def _encode(self, features: Features, task: Task) -> Vectors:
        import torch

        try:
            with torch.inference_mode():
                on_device = {
                    name: value.to(self._device) if isinstance(value, torch.Tensor) else value
                    for name, value in features.items()
                }
                found = self._model(on_device, task=task)["sentence_embedding"]
                raw = found.float().cpu().numpy()
        except RuntimeError as error:
            raise ModelError(
                f"the encoder {self._card.name} failed: {error}. If memory ran out, "
                f"set RAGLOOP_BATCH_SIZE below {self._batch_size}."
            ) from error
        vectors: Vectors = np.asarray(raw, dtype=np.float32)
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(norms).all() and norms.all()):
            raise ModelError(
                f"the encoder {self._card.name} gave vectors that are not finite or zero"
            )
        normalised: Vectors = vectors / norms
        return normalised


def batches(
    lengths: Sequence[int], most: int, padding: float, budget: float
) -> Iterator[list[int]]:
    """Places of texts of these lengths that are encoded together, those of the longest first.

    Each batch has at most ``most`` texts, which are filled up to the longest by ``padding`` in all
    and come to ``budget`` with it before another batch is begun. A single text may be longer.
    """
    batch: list[int] = []
    filled = 0
    for place in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        if batch:
            longest = lengths[batch[0]]
            filled += longest - lengths[place]
            if len(batch) == most or filled > padding or longest * (len(batch) + 1) > budget:
                yield batch
                batch, filled = [], 0
        batch.append(place)
    if batch:
        yield batch


def load_encoder(folder: Path, *, device: str | None = None) -> SentenceTransformer:
    """The float32 model saved in ``folder``, without remote code or pickled weights.

    Raises:
        ModelError: it cannot be loaded.
    """
    from sentence_transformers import SentenceTransformer

    return load_float32(SentenceTransformer, folder, device).float().eval()


def load_float32(kind: Callable[..., Model], folder: Path, device: str | None) -> Model:
    """The model of ``folder``, of one of sentence-transformers' kinds, from safetensors alone.

    Raises:
        ModelError: it cannot be loaded.
    """
    import torch
    from safetensors import SafetensorError

    try:
        with quiet():
            return kind(
                str(folder),
                device=device,
                trust_remote_code=False,
                local_files_only=True,
                model_kwargs={"use_safetensors": True, "dtype": torch.float32},
            )
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, ImportError) as error:
        raise unloadable(folder, error) from error
    except (AttributeError, SafetensorError) as error:
        raise unloadable(folder, error) from error


def require_all_weights(folder: Path, *, classifier: bool = False) -> None:
    """Refuse weights that do not fill the network of the transformer in ``folder``.

    transformers fills what is missing with random numbers and goes on. A missing pooler is no
    matter where no ``classifier`` stands on it: sentence-transformers pools by itself.
    """
    from transformers import AutoModel, AutoModelForSequenceClassification

    network: Any = AutoModelForSequenceClassification if classifier else AutoModel
    with quiet():
        _, report = network.from_pretrained(
            folder,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    missing = sorted(key for key in report["missing_keys"] if classifier or "pooler" not in key)
    if missing:
        raise ModelError(
            f"the weights in {folder} lack {len(missing)} tensors, {missing[0]} among them"
        )


def arithmetic(precision: str, device: str) -> torch.dtype:
    """The dtype that a precision setting means on ``device`` (``cpu`` or ``cuda``).

    Raises:
        ConfigError: the setting is unknown, or float16, whose range BERT's activations leave.
    """
    import torch

    if precision == "auto":
        native = torch.cuda.is_bf16_supported() if device == "cuda" else cpu_has_bfloat16()
        return torch.bfloat16 if native else torch.float32
    if precision == "bfloat16":
        return torch.bfloat16
    if precision == "float32":
        return torch.float32
    raise ConfigError(f"RAGLOOP_PRECISION={precision}: use auto, float32 or bfloat16")


@contextmanager
def quiet() -> Iterator[None]:
    """transformers' progress bars off."""
    from transformers.utils import logging

    shown: Any = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


def unloadable(folder: Path, error: Exception) -> ModelError:
    """What is raised in place of a library's ``error`` at loading."""
    detail = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return ModelError(f"the model in {folder} cannot be loaded: {detail}")
