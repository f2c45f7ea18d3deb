"""The training run itself: sentence-transformers' trainer, set up for retrieval.

Imports the heavy libraries: import this module only where a model is trained.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.model_card import SentenceTransformerModelCardData
from transformers import PrinterCallback, Trainer, TrainerState
from transformers.utils import logging

from finetune.losses import default_loss, make_loss
from finetune.merging import choose_weight
from finetune.options import TrainOptions
from finetune.trainer import (
    ByLength,
    OneStart,
    Patience,
    Report,
    RetrievalTrainer,
    curves,
    is_over,
    scores_by_step,
    training_arguments,
)
from finetune.training_sets import TrainingSet
from finetune.validation import Validation
from rag_service.core.errors import DataError, ModelError
from rag_service.core.protocols import Progress
from rag_service.core.types import Chunk, ModelCard, Pair

_ON_CPU = 32
"""Rows of a batch; also what a cached loss encodes at once."""
_STEPS, _FEWEST, _MOST = 50, 32, 1024
"""On a GPU a batch is as large as leaves a run so many steps, within these limits."""
_TOKENS_PER_GIB = 1024
"""Tokens that a model of 12 × 768 encodes at once, with what its backward pass needs."""


@contextmanager
def without_bars() -> Iterator[None]:
    """The libraries' own progress bars off, and as they were afterwards."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()  # type: ignore[no-untyped-call]


@without_bars()
def fit(
    base: ModelCard,
    base_folder: Path,
    pairs: Sequence[Pair],
    chunks: Mapping[str, Chunk],
    sets: Sequence[TrainingSet],
    options: TrainOptions,
    checkpoints: Path,
    target: Path,
    progress: Progress,
) -> dict[str, Any] | None:
    """Train, choose checkpoint and merge weight by validation, save the result in ``target``.

    Returns what was measured, as plain JSON values. Of several processes that train together the
    first alone goes on behind the last step; the others get None.

    Raises:
        DataError: there is not enough for a batch in each process.
        ModelError: the base cannot be loaded, or training failed.
    """
    gpu = torch.cuda.is_available()
    bfloat16 = use_bfloat16(options.precision, gpu=gpu)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    model = _load(base_folder)
    max_tokens = min(base.max_tokens, options.max_tokens)
    model.max_seq_length = max_tokens
    rate = options.learning_rate or _learning_rate(model)
    rows = sum(one.rows for one in sets)
    wanted = options.batch_size or batch_size_for(rows * options.epochs, gpu=gpu)
    batch = max(1, wanted // processes)
    whole = batch * processes
    if processes > 1:
        _check_rows(sets, whole)
    arguments = training_arguments(
        SentenceTransformerTrainingArguments,
        options,
        checkpoints,
        rate,
        whole,
        gpu=gpu,
        bfloat16=bfloat16,
    )
    model.to(arguments.device)
    first = arguments.process_index == 0
    validation = Validation(base, pairs, chunks, options, gpu=gpu, bfloat16=bfloat16)
    base_score = 0.0
    if first:
        progress("validating", 0, 0)
        base_score = validation.score(model)

    dims = _dims(base.dims, options.dims)
    tokens = tokens_at_once() if gpu else _ON_CPU * max_tokens
    split = gpu and batch * max_tokens > tokens
    names = {one.name: one.loss or default_loss(one.format, split=split) for one in sets}
    losses = {
        name: make_loss(model, loss, dims, base.dims, mini_tokens=tokens, gather=processes > 1)
        for name, loss in names.items()
    }
    with arguments.main_process_first(local=False):
        resumed = last_checkpoint(checkpoints)
    trainer = RetrievalTrainer(
        model=model,
        args=arguments,
        evaluator=validation.evaluator,
        callbacks=[
            Patience(options.patience),
            OneStart(),
            *([Report(progress)] if first else []),
        ],
        **_data(base, sets, losses, model),
    )
    trainer.remove_callback(PrinterCallback)
    state = run_to_end(trainer, resumed, options.patience, base.name, whole)
    if processes > 1:
        arguments.distributed_state.wait_for_everyone()
        torch.distributed.destroy_process_group()
    if not first:
        return None

    steps = scores_by_step(state.log_history)
    best = int(state.best_global_step or state.global_step)
    progress("averaging weights", 0, 0)
    merged = _load(base_folder).to(arguments.device)
    own_tokens = merged.max_seq_length
    merged.max_seq_length = max_tokens
    weight, scores = choose_weight(
        merged,
        _load(checkpoints / f"checkpoint-{best}").state_dict(),
        options.merge_weights,
        validation.score,
        {1.0: steps[best]} if 1.0 in options.merge_weights else {},
    )
    merged.max_seq_length = own_tokens
    merged.prompts = {"query": base.query_prompt, "document": base.document_prompt}
    merged.save_pretrained(str(target), create_model_card=False)
    return {
        "train_pairs": rows,
        "train_rows": {one.name: one.rows for one in sets},
        "validation_questions": validation.questions,
        "validation_chunks": validation.chunks,
        "validation_metric": "ndcg@10",
        "validation_base": base_score,
        "validation_by_step": {str(step): score for step, score in steps.items()},
        "validation_by_weight": {str(part): score for part, score in scores.items()},
        "validation_score": scores[weight],
        "improved": scores[weight] > base_score,
        "best_step": best,
        "steps": state.global_step,
        "steps_planned": state.max_steps,
        "resumed_from": step_of(resumed) if resumed else 0,
        "merge_weight": weight,
        "losses": [entry["loss"] for entry in state.log_history if "loss" in entry],
        "curves": curves(state.log_history, base_score),
        "loss": names,
        "dims": dims,
        "epochs": options.epochs,
        "batch_size": state.train_batch_size or whole,
        "learning_rate": rate,
        "max_tokens": max_tokens,
        "precision": "bfloat16" if bfloat16 else "float32",
        "attention": _attention(model),
        "device": "cuda" if gpu else "cpu",
        "device_name": torch.cuda.get_device_name() if gpu else "",
        "processes": processes,
    }


def use_bfloat16(precision: str, *, gpu: bool) -> bool:
    """Whether ``precision`` (auto, float32 or bfloat16) means bfloat16 on this machine."""
    if precision != "auto":
        return precision == "bfloat16"
    if gpu:
        return bool(torch.cuda.is_bf16_supported())
    # Without these instructions bfloat16 is emulated, and slower than float32.
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def batch_size_for(rows: int, *, gpu: bool) -> int:
    """Rows of a batch where ``rows`` are trained on in all epochs; a power of 2 on a GPU."""
    if not gpu:
        return _ON_CPU
    largest = min(max(rows // _STEPS, _FEWEST), _MOST)
    return int(2 ** (largest.bit_length() - 1))


def _data(
    base: ModelCard,
    sets: Sequence[TrainingSet],
    losses: Mapping[str, torch.nn.Module],
    model: SentenceTransformer,
) -> dict[str, Any]:
    """The trainer's arguments about data. One set goes in by itself: that loads faster."""
    rows: Any = {one.name: Dataset.from_dict(dict(one.columns)) for one in sets}
    prompts: Any = {one.name: one.prompts(base) for one in sets}
    loss: Any = dict(losses)
    if len(sets) == 1:
        rows, prompts, loss = (part[sets[0].name] for part in (rows, prompts, loss))
    return {
        "train_dataset": rows,
        "loss": loss,
        "data_collator": ByLength(preprocess_fn=model.preprocess, prompts=prompts),
    }


def _load(folder: Path) -> SentenceTransformer:
    """The model in float32, whatever it is stored in, without looking at any hub."""
    try:
        return SentenceTransformer(
            str(folder),
            device="cpu",
            local_files_only=True,
            model_kwargs={"dtype": torch.float32, "use_safetensors": True},
            model_card_data=SentenceTransformerModelCardData(
                local_files_only=True, generate_widget_examples=False
            ),
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"the model in {folder} cannot be loaded: {error}") from error


def _check_rows(sets: Sequence[TrainingSet], batch: int) -> None:
    """Several processes leave out what does not fill a batch; something must be left."""
    for one in sets:
        if one.rows < batch:
            raise DataError(
                f"{one.rows} {one.name} do not fill a batch of {batch} for several processes: "
                "choose a smaller batch, or one process"
            )


def _attention(model: SentenceTransformer) -> str:
    """How the model attends: the library takes PyTorch's fused kernels where the model can."""
    inner = model.transformers_model
    return str(inner.config._attn_implementation) if inner is not None else ""


def tokens_at_once() -> int:
    """Tokens that fit into the memory of the GPU at once."""
    gib = torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory / 2**30
    return int(gib * _TOKENS_PER_GIB)


def _learning_rate(model: SentenceTransformer) -> float:
    """Smaller models need larger steps to move within one epoch."""
    millions = sum(weights.numel() for weights in model.parameters()) / 1e6
    return 5e-5 if millions < 30 else 3e-5 if millions < 60 else 2e-5


def _dims(own: int, asked: Sequence[int]) -> list[int]:
    """The largest first; the model's own among them, since whole vectors are served."""
    others = asked or [dim for dim in (512, 256, 128, 64) if dim < own]
    return sorted({own, *others}, reverse=True)


def run_to_end(
    trainer: Trainer, resumed: Path | None, patience: int, name: str, batch: int
) -> TrainerState:
    """The state at the end of the training of ``name``, which goes on from ``resumed``.

    Raises:
        ModelError: it failed, or memory does not suffice for a ``batch``.
    """
    state = state_of(resumed)
    if state is not None and is_over(state, patience):
        return state
    try:
        trainer.train(resume_from_checkpoint=str(resumed) if resumed else None)
    except torch.OutOfMemoryError as error:
        raise ModelError(
            f"memory does not suffice to train {name}: choose a smaller batch with "
            f"--batch-size (it was {batch}): {error}"
        ) from error
    except (RuntimeError, ValueError, OSError) as error:
        if torch.distributed.is_initialized() and isinstance(error, RuntimeError):
            raise  # Another process may be gone, which is told elsewhere.
        raise ModelError(f"training of {name} failed: {error}") from error
    return trainer.state


def state_of(checkpoint: Path | None) -> TrainerState | None:
    if checkpoint is None:
        return None
    state: TrainerState = TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))
    return state


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; the trainer writes its state last, so others are cut off."""
    whole: list[Path] = []
    for checkpoint in folder.glob("checkpoint-*"):
        try:
            json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            shutil.rmtree(checkpoint)
        else:
            whole.append(checkpoint)
    return max(whole, key=step_of, default=None)


def step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
