"""Pairs a second of this program's training against the plain trainer with its defaults.

Both train one model of random weights on the same made-up pairs, with the same batch and the same
longest text, one after the other in this process: what they learn does not matter, only how long
a step takes. The share of the machine's matrix rate says how much of it a step makes use of.

Imports the heavy libraries: import this module only where it is measured.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import BertConfig, BertModel, BertTokenizer, PrinterCallback, TrainerCallback

from finetune.fitting import tokens_at_once, use_bfloat16, without_bars
from finetune.losses import default_loss, make_loss
from finetune.options import TrainOptions
from finetune.trainer import ByLength, RetrievalTrainer, WithoutCard, training_arguments
from rag_service.core.errors import ConfigError
from rag_service.core.protocols import Progress, no_progress

VOCABULARY = 30_522
"""As bge-base's."""
_QUESTION_WORDS = (8, 30)
_PASSAGE_WORDS = (60, 250)
"""Fewest and most tokens of a text: chunks fill between a quarter and all of their limit."""
_WARM_UP = 5
"""Steps that are not counted."""
_MATRIX = {"cuda": 8192, "cpu": 2048}


@dataclass(frozen=True, slots=True)
class Shape:
    """A BERT; the default is bge-base's."""

    layers: int = 12
    width: int = 768

    @property
    def heads(self) -> int:
        return max(self.width // 64, 1)


@without_bars()
def measure(
    shape: Shape,
    *,
    batch: int,
    max_tokens: int,
    steps: int,
    rounds: int,
    seed: int,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Both trainers' speed on this machine, and the ratio: medians of some rounds.

    The trainers take turns in going first, since a machine may slow down as it gets warm.

    Args:
        shape: of the model.
        batch: pairs of a batch, of both trainers.
        max_tokens: where both cut texts off.
        steps: counted steps of each in a round, after a few that are not.
        rounds: of both trainers.
        seed: of weights and texts.

    Raises:
        ConfigError: the width does not part into heads of 64.
    """
    if shape.width % 64:
        raise ConfigError(f"a width of {shape.width} does not part into heads of 64 dimensions")
    gpu = torch.cuda.is_available()
    device = "cuda" if gpu else "cpu"
    rate = matrix_rate(device)
    with TemporaryDirectory() as folder:
        base = random_model(Path(folder), shape, max_tokens, seed)
        texts = _texts(batch * (steps + _WARM_UP), max_tokens, seed)
        work = _flops(shape, texts, max_tokens)
        speeds: dict[str, list[float]] = {"plain": [], "ragloop": []}
        makers = {"plain": _plain, "ragloop": _own}
        for turn in range(rounds):
            for name in sorted(speeds, reverse=bool(turn % 2)):
                progress(f"training {name}", 0, 0)
                trainer = makers[name](base, texts, Path(folder) / name, batch, max_tokens)
                speeds[name].append(_pairs_per_second(trainer, batch))
    ratios = [own / plain for own, plain in zip(speeds["ragloop"], speeds["plain"], strict=True)]
    return {
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "layers": shape.layers,
        "width": shape.width,
        "batch": batch,
        "max_tokens": max_tokens,
        "steps": steps,
        "rounds": rounds,
        "seed": seed,
        "matrix_teraflops": rate / 1e12,
        "trainers": {
            name: _speed(median(found), work / len(texts), rate) for name, found in speeds.items()
        },
        "ratios": ratios,
        "ratio": median(ratios),
    }


def _speed(pairs_per_second: float, work: float, rate: float) -> dict[str, float]:
    """``work``: operations of a pair by the tokens of its texts, without padding."""
    done = pairs_per_second * work
    return {
        "pairs_per_second": pairs_per_second,
        "teraflops": done / 1e12,
        "share_of_matrix_rate": done / rate,
    }


def _pairs_per_second(trainer: SentenceTransformerTrainer, batch: int) -> float:
    clock = _Clock(torch.cuda.is_available())
    trainer.add_callback(clock)
    trainer.remove_callback(PrinterCallback)
    trainer.train()
    return clock.steps * batch / clock.seconds


def matrix_rate(device: str, *, times: int = 10) -> float:
    """Floating point operations a second of a large bfloat16 matrix product: the best of some."""
    size = _MATRIX[device]
    a = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    b = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    best = float("inf")
    for _ in range(times):
        _wait(device == "cuda")
        start = time.perf_counter()
        a @ b
        _wait(device == "cuda")
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


class _Clock(TrainerCallback):
    """Seconds of the steps behind the first few."""

    def __init__(self, gpu: bool) -> None:
        self._gpu = gpu
        self._start = self.seconds = 0.0
        self.steps = 0

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step < _WARM_UP:
            return
        _wait(self._gpu)
        if state.global_step == _WARM_UP:
            self._start = time.perf_counter()
        else:
            self.seconds = time.perf_counter() - self._start
            self.steps = state.global_step - _WARM_UP


def _wait(gpu: bool) -> None:
    if gpu:
        torch.cuda.synchronize()


def _plain(
    base: Path, texts: Sequence[tuple[str, str]], folder: Path, batch: int, max_tokens: int
) -> SentenceTransformerTrainer:
    """The library's trainer with nothing set but the batch."""
    model = _load(base, max_tokens)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=batch,
        num_train_epochs=1,
        save_strategy="no",
        use_cpu=not torch.cuda.is_available(),
        report_to="none",
        disable_tqdm=True,
        log_level="error",
    )
    return WithoutCard(
        model=model,
        args=arguments,
        train_dataset=_rows(texts),
        loss=MultipleNegativesRankingLoss(model),
    )


def _own(
    base: Path, texts: Sequence[tuple[str, str]], folder: Path, batch: int, max_tokens: int
) -> SentenceTransformerTrainer:
    """As ``fitting`` sets it up, without validation and at the model's own dimensions alone."""
    gpu = torch.cuda.is_available()
    model = _load(base, max_tokens)
    bfloat16 = use_bfloat16("auto", gpu=gpu)
    arguments = training_arguments(
        SentenceTransformerTrainingArguments,
        TrainOptions(),
        folder,
        2e-5,
        batch,
        gpu=gpu,
        bfloat16=bfloat16,
    )
    arguments.eval_strategy = arguments.save_strategy = "no"
    # A smaller batch would be another measurement.
    arguments.auto_find_batch_size = False
    tokens = tokens_at_once() if gpu else batch * max_tokens
    dims = model.get_embedding_dimension() or 0
    loss = default_loss("pairs", split=gpu and batch * max_tokens > tokens)
    return RetrievalTrainer(
        model=model,
        args=arguments,
        train_dataset=_rows(texts),
        loss=make_loss(model, loss, (dims,), dims, mini_tokens=tokens, gather=False),
        data_collator=ByLength(preprocess_fn=model.preprocess),
    )


def _load(base: Path, max_tokens: int) -> SentenceTransformer:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = SentenceTransformer(str(base), device=device, local_files_only=True)
    model.max_seq_length = max_tokens
    return model


def _rows(texts: Sequence[tuple[str, str]]) -> Dataset:
    return Dataset.from_dict(
        {"anchor": [question for question, _ in texts], "positive": [text for _, text in texts]}
    )


def random_model(folder: Path, shape: Shape, max_tokens: int, seed: int) -> Path:
    """A sentence-transformers model of random weights, whose every word is a token."""
    inner = folder / "bert"
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=VOCABULARY,
        hidden_size=shape.width,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=4 * shape.width,
        max_position_embeddings=max(512, max_tokens),
    )
    BertModel(config).save_pretrained(inner)
    words = [f"w{number}" for number in range(VOCABULARY - 5)]
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    BertTokenizer(vocab={name: at for at, name in enumerate(names)}).save_pretrained(inner)
    pooling = Pooling(shape.width, pooling_mode="cls")
    model = SentenceTransformer(
        modules=[Transformer(str(inner)), pooling, Normalize()], device="cpu"
    )
    target = folder / "model"
    model.save_pretrained(str(target), create_model_card=False)
    return target


def _texts(count: int, max_tokens: int, seed: int) -> list[tuple[str, str]]:
    random = Random(f"speed {seed}")

    def words(limits: tuple[int, int]) -> str:
        length = min(random.randint(*limits), max_tokens - 2)
        return " ".join(f"w{random.randrange(VOCABULARY - 5)}" for _ in range(length))

    return [(words(_QUESTION_WORDS), words(_PASSAGE_WORDS)) for _ in range(count)]


def _flops(shape: Shape, texts: Sequence[tuple[str, str]], max_tokens: int) -> float:
    """Operations of forward and backward pass over all texts: the latter takes twice the former."""
    lengths = [min(len(text.split()) + 2, max_tokens) for pair in texts for text in pair]
    return 3 * forward_flops(shape, lengths)


def forward_flops(shape: Shape, lengths: Sequence[int]) -> float:
    """Operations of the layers' forward pass over texts of these tokens, without padding.

    Each weight of a layer takes two a token and attention four a pair of tokens and dimension
    (Kaplan et al. 2020, arXiv 2001.08361, table 1). Lookups, norms and activations do not count.
    """
    weights = 12 * shape.layers * shape.width**2
    attention = 4 * shape.layers * shape.width
    return float(sum(2 * weights * length + attention * length**2 for length in lengths))
