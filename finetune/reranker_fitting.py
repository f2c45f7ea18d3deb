"""The training run of a cross-encoder: sentence-transformers' trainer, set up for reranking.

Imports the heavy libraries: import this module only where a model is trained.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import torch
from datasets import Dataset
from sentence_transformers import CrossEncoder, CrossEncoderTrainer, CrossEncoderTrainingArguments
from sentence_transformers.cross_encoder.evaluation import CrossEncoderRerankingEvaluator
from sentence_transformers.cross_encoder.losses import LambdaLoss
from sentence_transformers.cross_encoder.model_card import CrossEncoderModelCardData
from torch.utils.data import BatchSampler
from transformers import PrinterCallback

from finetune.fitting import last_checkpoint, run_to_end, step_of, use_bfloat16, without_bars
from finetune.merging import choose_weight
from finetune.options import TrainOptions
from finetune.reranker import Ranking, RerankerBase
from finetune.trainer import (
    AtRandom,
    OneStart,
    Patience,
    Report,
    curves,
    scores_by_step,
    training_arguments,
)
from finetune.validation import METRIC, NAME
from rag_service.core.errors import ModelError
from rag_service.core.protocols import Progress

_ON_CPU, _ON_GPU = 8, 32
"""Questions of a batch, each with all its passages."""
_AT_ONCE = 16
"""Pairs of question and passage that a processor encodes at once; more would mostly pad."""
_RATE = 2e-5
_VALIDATED_ON_CPU, _VALIDATED_ON_GPU = 40, 500
"""Most validation questions: each means twenty passages to read."""


@without_bars()
def fit_reranker(
    base: RerankerBase,
    train: Sequence[Ranking],
    validation: Sequence[Ranking],
    options: TrainOptions,
    checkpoints: Path,
    target: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Train, choose checkpoint and merge weight by validation, save the result in ``target``.

    The loss ranks each question's passages (LambdaLoss), since their order is all that counts.
    Returns what was measured, as plain JSON values. Raises ModelError if the base cannot be
    loaded, or training failed.
    """
    gpu = torch.cuda.is_available()
    bfloat16 = use_bfloat16(options.precision, gpu=gpu)
    model = _load(base.folder)
    own_tokens = model.max_seq_length
    max_tokens = min(own_tokens or options.max_tokens, options.max_tokens)
    batch = options.batch_size or (_ON_GPU if gpu else _ON_CPU)
    rate = options.learning_rate or _RATE
    arguments = training_arguments(
        CrossEncoderTrainingArguments,
        options,
        checkpoints,
        rate,
        batch,
        gpu=gpu,
        bfloat16=bfloat16,
    )

    def prepared(loaded: CrossEncoder) -> CrossEncoder:
        loaded.max_seq_length = max_tokens
        loaded.set_keep_in_fp32_modules(_scoring(loaded))
        return loaded.to(arguments.device)

    prepared(model)
    evaluator = _validation(validation, options, gpu=gpu, bfloat16=bfloat16)
    progress("validating", 0, 0)
    base_score = evaluator(model)[METRIC]
    resumed = last_checkpoint(checkpoints)
    trainer = _Trainer(
        model=model,
        args=arguments,
        train_dataset=_dataset(train),
        loss=LambdaLoss(model, mini_batch_size=0 if gpu else _AT_ONCE),
        evaluator=evaluator,
        callbacks=[Patience(options.patience), OneStart(), Report(progress)],
    )
    trainer.remove_callback(PrinterCallback)
    state = run_to_end(trainer, resumed, options.patience, base.name, batch)

    steps = scores_by_step(state.log_history)
    best = int(state.best_global_step or state.global_step)
    progress("averaging weights", 0, 0)
    merged = prepared(_load(base.folder))
    weight, scores = choose_weight(
        merged,
        _load(checkpoints / f"checkpoint-{best}").state_dict(),
        options.merge_weights,
        lambda candidate: evaluator(candidate)[METRIC],
        {1.0: steps[best]} if 1.0 in options.merge_weights else {},
    )
    merged.max_seq_length = own_tokens
    merged.set_keep_in_fp32_modules([])
    merged.save_pretrained(str(target), create_model_card=False)
    return {
        "train_questions": len(train),
        "train_pairs": sum(len(one.good) + len(one.bad) for one in train),
        "validation_questions": len(evaluator.samples),
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
        "curves": curves(state.log_history, base_score),
        "loss": "LambdaLoss",
        "epochs": options.epochs,
        "batch_size": batch,
        "learning_rate": rate,
        "max_tokens": max_tokens,
        "precision": "bfloat16" if bfloat16 else "float32",
        "device": "cuda" if gpu else "cpu",
    }


class _Trainer(CrossEncoderTrainer):
    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """No generated card: it would look for the base on a hub, and ours replaces it."""

    def get_batch_sampler(self, dataset: Any, *args: Any, **how: Any) -> BatchSampler:
        return AtRandom(dataset, *args, **how)


class _Evaluator(CrossEncoderRerankingEvaluator):
    """Scores in the arithmetic of training, and gives ``METRIC`` alone."""

    def __init__(self, *args: Any, bfloat16: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bfloat16 = bfloat16

    def __call__(self, model: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        with torch.autocast(model.device.type, torch.bfloat16, enabled=self._bfloat16):
            measured = super().__call__(model, *args, **kwargs)
        return {METRIC: float(measured[METRIC])}


def _validation(
    rankings: Sequence[Ranking], options: TrainOptions, *, gpu: bool, bfloat16: bool
) -> _Evaluator:
    most = options.validation_questions or (_VALIDATED_ON_GPU if gpu else _VALIDATED_ON_CPU)
    random = Random(f"validation {options.seed}")
    asked = random.sample(list(rankings), min(len(rankings), most))
    return _Evaluator(
        samples=[
            {"query": one.question, "positive": list(one.good), "negative": list(one.bad)}
            for one in asked
        ],
        name=NAME,
        batch_size=64 if gpu else _AT_ONCE,
        write_csv=False,
        bfloat16=bfloat16,
    )


def _dataset(rankings: Sequence[Ranking]) -> Dataset:
    return Dataset.from_dict(
        {
            "question": [one.question for one in rankings],
            "passages": [[*one.good, *one.bad] for one in rankings],
            "labels": [[1] * len(one.good) + [0] * len(one.bad) for one in rankings],
        }
    )


def _scoring(model: CrossEncoder) -> list[str]:
    """The layer that gives the score: bfloat16 has too few digits to tell good passages apart."""
    return [
        name
        for name, layer in model.named_modules()
        if isinstance(layer, torch.nn.Linear) and layer.out_features == 1
    ]


def _load(folder: Path) -> CrossEncoder:
    """The model in float32, whatever it is stored in, without looking at any hub."""
    try:
        model: CrossEncoder = CrossEncoder(
            str(folder),
            device="cpu",
            local_files_only=True,
            model_kwargs={"dtype": torch.float32, "use_safetensors": True},
            model_card_data=CrossEncoderModelCardData(
                local_files_only=True, generate_widget_examples=False
            ),
        )
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise ModelError(f"the model in {folder} cannot be loaded: {error}") from error
    return model
