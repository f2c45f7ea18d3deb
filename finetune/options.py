"""What can be chosen about training data and training, and what they give back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rag_service.core.types import Chunk, Pair, Vectors


@dataclass(frozen=True, slots=True)
class DataOptions:
    """How many questions are written, and from what."""

    max_questions: int = 1500
    """Questions from templates, over all three splits."""
    max_llm_questions: int = 0
    """Questions by the LLM, over all three splits; 0 asks none."""
    max_minutes: float = 20.0
    """Longest time that the LLM may take."""
    per_chunk: int = 2
    """Most template questions from one chunk."""
    per_statement: int = 6
    """The same for tables of the primary statements, which people ask about most."""
    questions_file: str = ""
    """CSV or JSONL file of the user's own questions, added to those that are written here."""
    max_question_chars: int = 0
    """Own questions that are longer are refused, as retrieval refuses them; 0: of any length."""
    only_own: bool = False
    """Train on no other questions; others validate or test only where own ones are lacking."""
    section_share: float = 0.2
    """Part of ``max_questions`` that asks for prose by its heading's topic."""
    ratio_share: float = 0.15
    """Part of ``max_questions`` that asks for ratios over statement lines."""
    seed: int = 13


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Pairs as saved in ``folder``; ``fingerprint`` is a digest of the pairs."""

    pairs: tuple[Pair, ...]
    dropped: Mapping[str, int]
    """Questions that were written and not kept, by reason."""
    folder: Path
    fingerprint: str


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """How a model is trained; 0 or empty means: chosen from the model and the machine."""

    epochs: int = 1
    batch_size: int = 0
    """0: 32 on a processor; on a GPU 32 to 1024, so that a run has some 50 steps.

    Where its first step does not fit into the memory of a GPU, one process takes a tenth less,
    as often as it must; several processes share it, and do not.
    """
    loss: str = ""
    """Of the questions; empty: MultipleNegativesRankingLoss, or where a GPU cannot hold a batch at
    once CachedMultipleNegativesRankingLoss."""
    learning_rate: float = 0.0
    """0: 5e-5 below 30 million parameters, 3e-5 below 60 million, 2e-5 above."""
    warmup: float = 0.1
    """Part of the steps over which the learning rate rises."""
    max_tokens: int = 256
    """Longer passages are cut in training; serving keeps the model's own limit."""
    dims: tuple[int, ...] = ()
    """Matryoshka dimensions beside the model's own; empty: 512, 256, 128 and 64 below it."""
    merge_weights: tuple[float, ...] = (0.5, 0.75, 1.0)
    """Parts of the trained weights in the average with the base's that validation chooses from."""
    checkpoints: int = 4
    """Checkpoints a run, each judged on validation; a killed run continues from the last."""
    validation_questions: int = 0
    """0: at most 100 on a processor, 500 on a GPU."""
    validation_chunks: int = 0
    """0: at most 300 on a processor, 1500 on a GPU."""
    adapter: bool = False
    """Train a linear map for queries alone, on the vectors that the base gives; documents keep
    theirs. Batch size and learning rate have defaults of their own, and an epoch is many passes.
    """
    patience: int = 3
    """Checkpoints in a row without a better validation score that end training; 0: never."""
    texts_file: str = ""
    """CSV or JSONL file of texts that are trained on as they stand, beside the questions."""
    texts_format: str = "pairs"
    """One of ``formats.FORMATS``."""
    texts_loss: str = ""
    """Loss of these texts; empty: chosen by their format."""
    texts_only: bool = False
    """Train on these texts alone; questions still validate and test."""
    processes: int = 0
    """Processes that train together, on a GPU each where there are GPUs, and part each batch.

    0: those that torchrun started, or else one for every GPU.
    """
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    seed: int = 13


@dataclass(frozen=True, slots=True)
class BaseVectors:
    """How the base encodes, for an adapter: each gives float32 ``(n, dims)``, L2-normalised."""

    questions: Callable[[Sequence[str]], Vectors]
    passages: Callable[[Sequence[Chunk]], Vectors]


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A sentence-transformers model in ``folder``, and what was measured while it was made."""

    folder: Path
    figures: Mapping[str, Any] = field(default_factory=dict)
