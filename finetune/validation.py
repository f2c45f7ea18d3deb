"""Retrieval quality on the validation documents, by which training is steered."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator
from sentence_transformers.util import cos_sim

from finetune.options import TrainOptions
from rag_service.core.types import Chunk, ModelCard, Pair

NAME = "validation"
METRIC = f"{NAME}_ndcg@10"
MOST_ON_CPU, MOST_ON_GPU = (100, 300), (500, 1500)
"""Most questions and chunks: encoding them must stay short beside the training itself."""


class Validation:
    """NDCG@10 over chunks of the validation documents: all relevant ones, others by chance."""

    def __init__(
        self,
        base: ModelCard,
        pairs: Sequence[Pair],
        chunks: Mapping[str, Chunk],
        options: TrainOptions,
        *,
        gpu: bool,
        bfloat16: bool,
    ) -> None:
        random = Random(f"validation {options.seed}")
        most_questions, most_chunks = MOST_ON_GPU if gpu else MOST_ON_CPU
        asked = [pair for pair in pairs if pair.split == "validation"]
        asked = random.sample(
            asked, min(len(asked), options.validation_questions or most_questions)
        )
        documents = {pair.document for pair in asked}
        here = {cid: chunk for cid, chunk in chunks.items() if chunk.document in documents}
        relevant = {p.question_id: {c for c in p.relevant if c in here} for p in asked}
        kept = sorted(set().union(*relevant.values()))
        others = sorted(here.keys() - set(kept))
        room = max(0, (options.validation_chunks or most_chunks) - len(kept))
        kept += random.sample(others, min(room, len(others)))
        self.questions = len(asked)
        self.chunks = len(kept)
        self.evaluator = _Evaluator(
            queries={pair.question_id: pair.question for pair in asked},
            corpus={chunk_id: here[chunk_id].embedded_text for chunk_id in kept},
            relevant_docs=relevant,
            name=NAME,
            write_csv=False,
            score_functions={"cosine": cos_sim},
            main_score_function="cosine",
            query_prompt=base.query_prompt,
            corpus_prompt=base.document_prompt,
            bfloat16=bfloat16,
        )

    def score(self, model: SentenceTransformer) -> float:
        return float(self.evaluator(model)[METRIC])


class _Evaluator(InformationRetrievalEvaluator):
    """Encodes in the arithmetic of training, scores in float32, and gives ``METRIC`` alone."""

    def __init__(self, *args: Any, bfloat16: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bfloat16 = bfloat16

    def __call__(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        measured = super().__call__(*args, **kwargs)
        return {METRIC: measured[f"{NAME}_cosine_ndcg@10"]}

    def embed_inputs(self, model: SentenceTransformer, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast(model.device.type, torch.bfloat16, enabled=self._bfloat16):
            vectors = super().embed_inputs(model, *args, **kwargs)
        return torch.as_tensor(vectors).float()
