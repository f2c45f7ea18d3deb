"""A linear map for queries alone: the cheap way to tune a model, which needs no new index.

Documents keep the base's vectors, so that these are computed once, and training is a matter of
seconds. Imports the heavy libraries: import this module only where a model is trained.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers.base.modules import Dense, Normalize, Router
from torch.nn import functional

from finetune.options import BaseVectors, TrainOptions
from finetune.validation import Validation
from rag_service.core.errors import ModelError
from rag_service.core.protocols import Progress
from rag_service.core.types import Chunk, ModelCard, Pair

_SCALE = 20.0
"""Factor of the cosine in the loss, as in MultipleNegativesRankingLoss."""
_BATCH = 1024
_LEARNING_RATE = 5e-4
_WEIGHT_DECAY = 10.0
_PASSES = 60
"""Passes over the pairs that one epoch stands for: they cost nothing beside the encoding."""
_CHECKPOINT = 8
"""Passes that stand for one checkpoint, in which patience is counted."""
_DEPTH = 10


def fit_adapter(
    base: ModelCard,
    base_folder: Path,
    vectors: BaseVectors,
    pairs: Sequence[Pair],
    chunks: Mapping[str, Chunk],
    negatives: Mapping[str, Sequence[str]] | None,
    options: TrainOptions,
    target: Path,
    progress: Progress,
) -> dict[str, Any]:
    """Train the map, choose pass and strength by validation, save base and map in ``target``.

    Returns what was measured, as plain JSON values, under the names that ``fitting.fit`` uses.

    Raises:
        ModelError: the base has an adapter already, or its files cannot be copied.
    """
    if base.documents_like:
        raise ModelError(
            f"{base.name} has a query adapter already: train one from {base.documents_like}"
        )
    training = [pair for pair in pairs if pair.split == "train"]
    progress("encoding", 0, 0)
    examples = _Examples(training, chunks, negatives, vectors)
    validation = _Validation(base, pairs, chunks, options, vectors)
    run = _Run(examples, validation, base.dims, options)
    run.train(progress)
    strengths = {part: validation.score(run.matrix(part)) for part in sorted(options.merge_weights)}
    # Of equal scores the one nearer to the base wins.
    best = max(strengths, key=lambda part: strengths[part])
    save_adapted(base, base_folder, run.matrix(best), target)
    return {
        "adapter": True,
        "train_pairs": len(training),
        "validation_questions": validation.questions,
        "validation_chunks": validation.chunks,
        "validation_metric": f"ndcg@{_DEPTH}",
        "validation_base": run.scores[0],
        "validation_by_step": {str(step): score for step, score in run.scores.items() if step},
        "validation_by_weight": {str(part): score for part, score in strengths.items()},
        "validation_score": strengths[best],
        "improved": strengths[best] > run.scores[0],
        "best_step": run.best_step,
        "steps": run.steps,
        "steps_planned": run.planned,
        "resumed_from": 0,
        "merge_weight": best,
        "losses": [entry["loss"] for entry in run.log],
        "curves": {
            "training": run.log,
            "validation": [{"step": step, "score": score} for step, score in run.scores.items()],
        },
        "loss": "in-batch cross-entropy of a linear map",
        "dims": [base.dims],
        "epochs": options.epochs,
        "batch_size": run.batch,
        "learning_rate": run.rate,
        "max_tokens": base.max_tokens,
        "precision": "float32",
        "device": "cpu",
    }


def save_adapted(base: ModelCard, base_folder: Path, matrix: torch.Tensor, target: Path) -> None:
    """The base's files as they are, and behind its modules one that only queries pass through.

    ``matrix`` ``(dims, dims)`` is multiplied with a query's vector.
    """
    listing = target / "modules.json"
    try:
        shutil.copytree(
            base_folder, target, ignore=shutil.ignore_patterns("README.md", "ragloop.json")
        )
        modules = json.loads(listing.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"the model in {base_folder} cannot be copied: {error}") from error
    linear = Dense(
        base.dims, base.dims, bias=False, activation_function=None, init_weight=matrix.contiguous()
    )
    router = Router({"query": [linear, Normalize()], "document": []}, default_route="document")
    place = f"{len(modules)}_Router"
    (target / place).mkdir()
    router.save(str(target / place))
    kind = f"{Router.__module__}.{Router.__qualname__}"
    modules.append({"idx": len(modules), "name": str(len(modules)), "path": place, "type": kind})
    listing.write_text(json.dumps(modules, indent=2), encoding="utf-8")
    config = target / "config_sentence_transformers.json"
    saved = json.loads(config.read_text(encoding="utf-8")) if config.exists() else {}
    saved["prompts"] = {"query": base.query_prompt, "document": base.document_prompt}
    config.write_text(json.dumps(saved, indent=2), encoding="utf-8")


class _Examples:
    """Vectors of the training questions, and of all passages that they are trained against."""

    def __init__(
        self,
        training: Sequence[Pair],
        chunks: Mapping[str, Chunk],
        negatives: Mapping[str, Sequence[str]] | None,
        vectors: BaseVectors,
    ) -> None:
        hard = negatives or {}
        self._positives = [pair.chunk_id for pair in training]
        self._negatives = [hard.get(pair.question_id, ()) for pair in training]
        self._relevant = [set(pair.relevant) - {pair.chunk_id} for pair in training]
        used = dict.fromkeys(self._positives)
        used |= dict.fromkeys(chunk_id for ids in self._negatives for chunk_id in ids)
        self._place = {chunk_id: place for place, chunk_id in enumerate(used)}
        self._questions = torch.from_numpy(vectors.questions([p.question for p in training]))
        self._passages = torch.from_numpy(vectors.passages([chunks[c] for c in used]))

    def __len__(self) -> int:
        return len(self._positives)

    def loss(self, change: torch.Tensor, batch: Sequence[int]) -> torch.Tensor:
        """Cross-entropy of each question's passage among those of the batch (InfoNCE).

        Other passages that answer a question as well are left out of its sum.
        """
        ids = dict.fromkeys(self._positives[i] for i in batch)
        ids |= dict.fromkeys(chunk_id for i in batch for chunk_id in self._negatives[i])
        columns = {chunk_id: column for column, chunk_id in enumerate(ids)}
        also_right = torch.zeros(len(batch), len(columns), dtype=torch.bool)
        for row, i in enumerate(batch):
            for chunk_id in self._relevant[i] & columns.keys():
                also_right[row, columns[chunk_id]] = True
        questions = self._questions[list(batch)]
        adapted = functional.normalize(questions + questions @ change.T, dim=1)
        passages = self._passages[[self._place[chunk_id] for chunk_id in columns]]
        logits = (_SCALE * adapted @ passages.T).masked_fill(also_right, -torch.inf)
        answers = torch.tensor([columns[self._positives[i]] for i in batch])
        return functional.cross_entropy(logits, answers)


class _Validation:
    """NDCG@10 of a map over the questions and passages that ``Validation`` draws."""

    def __init__(
        self,
        base: ModelCard,
        pairs: Sequence[Pair],
        chunks: Mapping[str, Chunk],
        options: TrainOptions,
        vectors: BaseVectors,
    ) -> None:
        # As many as on a GPU: nothing is encoded more than once.
        drawn = Validation(base, pairs, chunks, options, gpu=True, bfloat16=False).evaluator
        self.questions, self.chunks = len(drawn.queries), len(drawn.corpus_ids)
        self._questions = vectors.questions([str(question) for question in drawn.queries])
        self._passages = vectors.passages([chunks[chunk_id] for chunk_id in drawn.corpus_ids])
        self._relevant = np.array(
            [
                [chunk_id in drawn.relevant_docs[question] for chunk_id in drawn.corpus_ids]
                for question in drawn.queries_ids
            ],
            dtype=bool,
        )
        self._discounts = 1 / np.log2(np.arange(2, _DEPTH + 2))

    def score(self, matrix: torch.Tensor) -> float:
        """Mean NDCG@10 with binary gains; lengths of queries change no rank."""
        adapted = self._questions @ matrix.numpy().T
        ranked = np.argsort(-(adapted @ self._passages.T), axis=1, kind="stable")[:, :_DEPTH]
        gains = np.take_along_axis(self._relevant, ranked, axis=1)
        ideal = np.cumsum(self._discounts)[np.minimum(self._relevant.sum(axis=1), _DEPTH) - 1]
        return float(np.mean(gains @ self._discounts[: gains.shape[1]] / ideal))


class _Run:
    """Trains the difference to the identity, which weight decay pulls towards none.

    ``scores`` are by step, the base's at 0; ``log`` has an entry a pass.
    """

    def __init__(
        self, examples: _Examples, validation: _Validation, dims: int, options: TrainOptions
    ) -> None:
        self.batch = options.batch_size or _BATCH
        self.rate = options.learning_rate or _LEARNING_RATE
        self._passes = _PASSES * options.epochs
        self._each = -(-len(examples) // self.batch)
        self.planned = self._passes * self._each
        self.steps = self.best_step = 0
        self.log: list[dict[str, float]] = []
        self._examples = examples
        self._validation = validation
        self._warmup = max(1, round(options.warmup * self.planned))
        self._patience = _CHECKPOINT * options.patience or self._passes
        self._random = torch.Generator().manual_seed(options.seed)
        self._identity, self._best = torch.eye(dims), torch.zeros(dims, dims)
        self.scores = {0: validation.score(self._identity)}

    def matrix(self, part: float) -> torch.Tensor:
        """``(1 − part) · I + part · W`` with the map W of the best pass."""
        return self._identity + part * self._best

    def train(self, progress: Progress) -> None:
        """Pass after pass until validation has not been better for some time."""
        change = torch.zeros_like(self._best, requires_grad=True)
        optimizer = torch.optim.AdamW([change], lr=self.rate, weight_decay=_WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, self._share)
        highest = -1.0
        for done in range(1, self._passes + 1):
            rate, losses = float(schedule.get_last_lr()[0]), []
            order = torch.randperm(len(self._examples), generator=self._random).tolist()
            for start in range(0, len(order), self.batch):
                loss = self._examples.loss(change, order[start : start + self.batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
                losses.append(loss.item())
            self.steps += len(losses)
            mean = sum(losses) / len(losses)
            self.log.append({"step": self.steps, "loss": mean, "learning_rate": rate})
            trained = change.detach().clone()
            score = self.scores[self.steps] = self._validation.score(self._identity + trained)
            if score > highest:
                highest, self.best_step, self._best = score, self.steps, trained
            progress("training", done, self._passes)
            if self.steps - self.best_step >= self._patience * self._each:
                break
        progress("training", self._passes, self._passes)

    def _share(self, step: int) -> float:
        """Part of the learning rate at a step: a rise, then half a cosine down to 0."""
        if step < self._warmup:
            return (step + 1) / self._warmup
        gone = (step - self._warmup) / max(1, self.planned - self._warmup)
        return float(0.5 * (1 + np.cos(np.pi * gone)))
