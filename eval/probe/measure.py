"""The general probe: what a model still knows of text that is no filing.

Fixed questions of the project's own over short passages about nature, cooking, everyday things,
machines, travel, health, sport and music. Fine-tuning that makes a model forget lowers its NDCG@10.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from eval.exact import StoredVectors
from eval.measures import per_question
from eval.significance import interval
from rag_service.core.protocols import Embedder
from rag_service.core.types import Probe

_FOLDER = Path(__file__).parent
_DEPTH = 10


@dataclass(frozen=True, slots=True)
class ProbeSet:
    """Passages by id, questions by id, and what is relevant to each question."""

    passages: dict[str, str]
    questions: dict[str, str]
    relevant: dict[str, dict[str, int]]
    digest: str


def measure(embedder: Embedder, seed: int) -> Probe:
    """NDCG@10 of ``embedder`` on the probe, by exact search in memory; ``seed`` of the interval."""
    probe = load()
    stored = StoredVectors(
        list(probe.passages), embedder.embed_documents(list(probe.passages.values()))
    )
    found = stored.nearest(embedder.embed_queries(list(probe.questions.values())), _DEPTH)
    # Ranks as scores: equal cosines must not be left to the library to order.
    ranking = {
        question_id: [(passage_id, -float(rank)) for rank, (passage_id, _) in enumerate(hits)]
        for question_id, hits in zip(probe.questions, found, strict=True)
    }
    scores = {
        question_id: figures["ndcg@10"]
        for question_id, figures in per_question(probe.relevant, ranking).items()
    }
    return Probe(
        probe=probe.digest,
        model=embedder.fingerprint,
        questions=len(scores),
        seed=seed,
        ndcg=interval(list(scores.values()), seed),
        per_question=scores,
    )


def load() -> ProbeSet:
    """The probe as it is shipped."""
    texts = {
        name: _FOLDER.joinpath(name).read_text("utf-8")
        for name in ("passages.jsonl", "questions.jsonl")
    }
    passages, questions = (
        [json.loads(line) for line in text.splitlines()] for text in texts.values()
    )
    return ProbeSet(
        passages={row["_id"]: row["text"] for row in passages},
        questions={row["_id"]: row["text"] for row in questions},
        relevant={row["_id"]: dict.fromkeys(row["relevant"], 1) for row in questions},
        digest=hashlib.sha256("\x00".join(texts.values()).encode()).hexdigest()[:12],
    )
