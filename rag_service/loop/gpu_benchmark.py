"""How much of a GPU encoding makes use of, beside sentence-transformers' plain ``encode``.

A model of random weights encodes made-up texts of one length, since neither changes how long a
pass takes. Shares are of what the same device does in a large bfloat16 matrix product meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from rag_service.core.errors import ConfigError
from rag_service.core.ids import now
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import ModelCard


@dataclass(frozen=True, slots=True)
class Work:
    """What is encoded, and by what; the default is bge-base's shape at 256 tokens."""

    layers: int = 12
    width: int = 768
    tokens: int = 256
    """Of each text, special tokens included."""
    texts: int = 16_384
    batch_tokens: int = 65_536
    """Tokens of one pass of the network alone; the encoder forms its own batches."""
    rounds: int = 3


TRIAL = Work(layers=2, width=64, tokens=32, texts=64, batch_tokens=512, rounds=1)
"""To try the script where there is no GPU; its figures say nothing."""


def benchmark(
    device: str,
    work: Work,
    *,
    batch_size: int,
    compiled: bool,
    seed: int,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Tokens a second of each arm on ``device``, and the share of its matrix rate: medians.

    ``network`` is the encoder's network alone on tokens that lie on the device, which is as fast
    as encoding can become; ``compiled`` adds the same through torch.compile. ``ragloop`` and
    ``plain`` begin with texts and end with vectors in memory; ``batch_size`` is the former's.

    Raises:
        ConfigError: ``cuda`` is wanted and torch finds no GPU.
    """
    import torch

    require(device)
    from finetune.speed import Shape, forward_flops, matrix_rate, random_model

    shape = Shape(work.layers, work.width)
    per_token = forward_flops(shape, [work.tokens]) / work.tokens
    with TemporaryDirectory() as folder:
        model = random_model(Path(folder), shape, work.tokens, seed)
        arms = _arms(model, device, work, _texts(work, seed), batch_size, compiled=compiled)
        for name, arm in arms.items():
            progress(f"warming up {name}", 0, 0)
            arm()
        rates = [matrix_rate(device)]
        seconds: dict[str, list[float]] = {name: [] for name in arms}
        for number in range(work.rounds):
            progress("rounds", number, work.rounds)
            for name in arms if number % 2 == 0 else reversed(arms):
                started = time.perf_counter()
                arms[name]()
                seconds[name].append(time.perf_counter() - started)
            rates.append(matrix_rate(device))
    rate, tokens = median(rates), work.texts * work.tokens
    told = {name: _told(tokens / median(took), per_token, rate) for name, took in seconds.items()}
    own, plain = told["ragloop"]["tokens_per_second"], told["plain"]["tokens_per_second"]
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "torch": torch.__version__,
        **asdict(work),
        "batch_size": batch_size,
        "seed": seed,
        "flops_per_token": per_token,
        "matrix_teraflops": rate / 1e12,
        "arms": told,
        "seconds": seconds,
        "ratio": own / plain,
    }


def require(device: str) -> None:
    """Raises ConfigError if torch cannot compute on ``device``."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        build = "for CUDA" if torch.version.cuda else "for processors alone"
        raise ConfigError(
            f"this benchmark needs an NVIDIA GPU with its driver and a CUDA build of torch "
            f"(torch {torch.__version__} here is built {build}); --device cpu tries the script "
            "on a small model"
        )


def _arms(
    model: Path, device: str, work: Work, texts: list[str], batch_size: int, *, compiled: bool
) -> dict[str, Callable[[], object]]:
    import torch
    from sentence_transformers import SentenceTransformer

    from rag_service.adapters.sentence_embedder import SentenceEmbedder

    card = ModelCard(
        fingerprint="random",
        name="random",
        path=str(model),
        dims=work.width,
        max_tokens=work.tokens,
        query_prompt="",
        document_prompt="",
        created=now(),
    )
    ours = SentenceEmbedder(card, model, "bfloat16" if device == "cuda" else "auto", batch_size)
    plain = SentenceTransformer(str(model), device=device, local_files_only=True)
    network: Any = SentenceTransformer(
        str(model), device=device, local_files_only=True, model_kwargs={"dtype": torch.bfloat16}
    ).eval()
    arms: dict[str, Callable[[], object]] = {
        "plain": partial(plain.encode, texts, show_progress_bar=False),
        "ragloop": partial(ours.embed_documents, texts),
        "network": partial(_pass, network, device, work),
    }
    if compiled:
        arms["compiled"] = partial(_pass, torch.compile(network), device, work)
    return arms


def _pass(network: Any, device: str, work: Work) -> None:
    """Full batches that come to at least ``work``'s texts, and nothing but the network."""
    import torch

    batch = max(work.batch_tokens // work.tokens, 1)
    words = torch.randint(5, 1000, (batch, work.tokens), device=device)
    features = {"input_ids": words, "attention_mask": torch.ones_like(words)}
    with torch.inference_mode():
        for _ in range(-(-work.texts // batch)):
            network(dict(features))
    if device == "cuda":
        torch.cuda.synchronize()


def _texts(work: Work, seed: int) -> list[str]:
    """Of words that are a token each."""
    from finetune.speed import VOCABULARY

    random = Random(f"gpu {seed}")
    words = [f"w{number}" for number in range(VOCABULARY - 5)]
    return [" ".join(random.choices(words, k=work.tokens - 2)) for _ in range(work.texts)]


def _told(tokens_per_second: float, per_token: float, rate: float) -> dict[str, float]:
    done = tokens_per_second * per_token
    return {
        "tokens_per_second": tokens_per_second,
        "teraflops": done / 1e12,
        "share_of_matrix_rate": done / rate,
    }
