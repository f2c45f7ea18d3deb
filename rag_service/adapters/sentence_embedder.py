"""The encoder: a sentence-transformers model on the processor or a GPU."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from rag_service.adapters.token_counter import TokenCounter, printable
from rag_service.core.errors import ConfigError, ModelError
from rag_service.core.types import ModelCard, Vectors

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

Model = TypeVar("Model")

_PADDING: Mapping[str, float] = {"cpu": 250, "cuda": float("inf")}
"""Characters of padding that take about as long as a further batch, by device."""


class SentenceEmbedder:
    """Vectors of one registered model; may be shared by threads.

    Args:
        card: The registry's entry; its prompts are put before queries and documents.
        folder: The sentence-transformers folder.
        precision: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the device computes it
            natively. Vectors are float32 in any case.
        batch_size: Texts in one forward pass.

    Raises:
        ModelError: the folder does not hold a model that can be loaded.
    """

    def __init__(self, card: ModelCard, folder: Path, precision: str, batch_size: int) -> None:
        # Its code for each length of text that was seen is kept, some hundreds of megabytes in all.
        os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "8")
        os.environ.setdefault("LRU_CACHE_CAPACITY", "8")
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        self._card = card
        self._batch_size = batch_size
        self._padding = _PADDING[device]
        self._model = load_encoder(folder, device=device).to(arithmetic(precision, device))
        self._folder = folder
        self._queue = threading.Lock()
        self._busy = threading.Lock()

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
        return self._embed(texts, "query", self._card.query_prompt, None)

    def embed_documents(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Vectors:
        """float32 ``(n, dims)``, L2-normalised; ``on_done`` is told of every batch's size.

        Texts are batched by length, and other threads get their turn between batches.
        """
        return self._embed(texts, "document", self._card.document_prompt, on_done)

    def _embed(
        self,
        texts: Sequence[str],
        task: Literal["query", "document"],
        prompt: str,
        on_done: Callable[[int], None] | None,
    ) -> Vectors:
        vectors = np.empty((len(texts), self.dims), dtype=np.float32)
        for places in batches(list(map(len, texts)), self._batch_size, self._padding):
            with self._turn():
                vectors[places] = self._encode([printable(texts[i]) for i in places], task, prompt)
            if on_done is not None:
                on_done(len(places))
        return vectors

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

    def _encode(self, texts: list[str], task: str, prompt: str) -> Vectors:
        try:
            raw = self._model.encode(
                texts,
                prompt=prompt,
                task=task,
                batch_size=len(texts),
                show_progress_bar=False,
                convert_to_numpy=True,
            )
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


def batches(lengths: Sequence[int], most: int, padding: float) -> Iterator[list[int]]:
    """Places of texts of these lengths that are encoded together, those of the longest first.

    Each batch has at most ``most`` texts, which are filled up to the longest by ``padding`` in all
    before another batch is begun.
    """
    batch: list[int] = []
    filled = 0
    for place in sorted(range(len(lengths)), key=lambda i: -lengths[i]):
        filled += lengths[batch[0]] - lengths[place] if batch else 0
        if len(batch) == most or filled > padding:
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
        native = torch.cuda.is_bf16_supported() if device == "cuda" else _cpu_has_bfloat16()
        return torch.bfloat16 if native else torch.float32
    if precision == "bfloat16":
        return torch.bfloat16
    if precision == "float32":
        return torch.float32
    raise ConfigError(f"RAGLOOP_PRECISION={precision}: use auto, float32 or bfloat16")


def _cpu_has_bfloat16() -> bool:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return False
    words = set(cpuinfo.read_text(errors="replace").split())
    return bool(words & {"avx512_bf16", "amx_bf16", "bf16"})


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
