"""The reranker: a sentence-transformers cross-encoder on the processor or a GPU."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from rag_service.adapters.sentence_embedder import (
    arithmetic,
    load_float32,
    require_all_weights,
)
from rag_service.adapters.token_counter import printable
from rag_service.core.errors import ModelError

if TYPE_CHECKING:
    import torch
    from sentence_transformers import CrossEncoder


_ON_CPU = 8
"""Pairs that a processor encodes at once: more gain nothing, and pad to a longer one."""


class CrossEncoderReranker:
    """How well passages answer a question, by one cross-encoder; may be shared by threads.

    It is loaded when it is first asked. A question is kept whole up to half of what the model can
    read, and passages are cut at the rest. Scores are the model's logits, whatever function it
    was saved with: one that flattens them would make ties.

    Args:
        name: What it is called: the name that it was asked for by.
        find: Gives the cross-encoder's folder; may take its time.
        precision: ``float32``, ``bfloat16``, or ``auto``: bfloat16 where the device computes it
            natively.
        batch_size: Pairs in one forward pass, at most.
    """

    def __init__(
        self, name: str, find: Callable[[], Path], precision: str, batch_size: int
    ) -> None:
        self._name = name
        self._find = find
        self._precision = precision
        self._batch_size = batch_size
        self._busy = threading.Lock()

    @property
    def name(self) -> str:
        return self._name

    def score(self, question: str, passages: Sequence[str]) -> list[float]:
        """How well each passage answers, higher is better; finite, on no scale of its own.

        Raises ModelError if the model cannot be had, memory runs out, or a score is no number.
        """
        pairs = [(printable(question), printable(passage)) for passage in passages]
        try:
            with self._busy:
                at_once = self._batch_size
                if self._model.device.type == "cpu":
                    at_once = min(at_once, _ON_CPU)
                scores = logits(self._model, pairs, at_once)
        except RuntimeError as error:
            raise ModelError(
                f"the reranker {self._name} failed: {error}. If memory ran out, "
                f"set RAGLOOP_BATCH_SIZE below {self._batch_size}."
            ) from error
        if not np.isfinite(scores).all():
            raise ModelError(
                f"the reranker {self._name} gave scores that are not finite: name another one in "
                "RAGLOOP_RERANKER, or set RAGLOOP_PRECISION=float32"
            )
        found: list[float] = scores.tolist()
        return found

    @cached_property
    def _model(self) -> CrossEncoder:
        import torch

        device = "cuda" if torch.cuda.is_available() else "cpu"
        model = load_cross_encoder(self._find(), device=device)
        return in_precision(model, arithmetic(self._precision, device))


def logits(
    model: CrossEncoder, pairs: Sequence[tuple[str, str]], batch_size: int = 32
) -> npt.NDArray[np.float32]:
    """Raw scores ``(n,)`` of ``(question, passage)`` pairs, batched by length."""
    from torch.nn import Identity

    if not pairs:
        return np.empty(0, np.float32)
    raw = model.predict(
        list(pairs), batch_size=batch_size, show_progress_bar=False, activation_fn=Identity()
    )
    return np.asarray(raw, dtype=np.float32)


def in_precision(model: CrossEncoder, dtype: torch.dtype) -> CrossEncoder:
    """The model in ``dtype``, but for the layer that gives the score.

    In bfloat16 a logit of 9 has neighbours 0.06 away, and good passages would tie.
    """
    from torch import float32
    from torch.nn import Linear

    model.to(dtype)
    if dtype != float32:
        scoring = [
            name
            for name, layer in model.named_modules()
            if type(layer) is Linear and layer.out_features == 1
        ]
        model.set_keep_in_fp32_modules(scoring)
    return model


def load_cross_encoder(folder: Path, *, device: str | None = None) -> CrossEncoder:
    """The float32 cross-encoder saved in ``folder``, without remote code or pickled weights.

    Raises:
        ModelError: it cannot be loaded, is no cross-encoder, or gives several scores.
    """
    from sentence_transformers import CrossEncoder

    classifier = _is_classifier(folder)
    model: CrossEncoder = load_float32(CrossEncoder, folder, device)
    if model.num_labels != 1:
        raise ModelError(
            f"the cross-encoder in {folder} gives {model.num_labels} scores to a pair; a reranker "
            "gives one"
        )
    if classifier:
        require_all_weights(folder, classifier=True)
    model.float().eval()
    return model


def _is_classifier(folder: Path) -> bool:
    """Whether transformers alone knows how it scores; for others sentence-transformers must.

    An encoder would be loaded with a random layer on it. Raises ModelError for one.
    """
    config = _json(folder / "config.json")
    network = str((config.get("architectures") or [""])[0])
    if network.endswith("ForSequenceClassification"):
        return True
    saved = folder / "config_sentence_transformers.json"
    if saved.is_file() and _json(saved).get("model_type") == "CrossEncoder":
        return False
    raise ModelError(
        f"{folder} is no cross-encoder, but {network or 'a model of no name'}: RAGLOOP_RERANKER "
        "names one such as cross-encoder/ms-marco-MiniLM-L-12-v2"
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"{path.parent} is no cross-encoder: it has no {path.name}") from error
    except ValueError as error:
        raise ModelError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not a JSON object")
    return content
