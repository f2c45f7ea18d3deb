"""Searches over chunks in memory, for tests of what training data is made with."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from finetune.searches import Search, Searches
from rag_service.core.types import Chunk, Hit


def word_searches(chunks: Sequence[Chunk], learnt: Collection[str] = ()) -> Searches:
    """Similarity is the cosine of two texts' words; BM25's part counts rare words more."""
    bags = {chunk.chunk_id: set(_words(chunk.embedded_text)) for chunk in chunks}
    by_id = {chunk.chunk_id: chunk for chunk in chunks}
    held = Counter(word for bag in bags.values() for word in bag)

    def similarity(question: str, chunk_id: str) -> float:
        asked, bag = set(_words(question)), bags[chunk_id]
        return len(asked & bag) / math.sqrt(len(asked) * len(bag))

    def rarity(question: str, chunk_id: str) -> float:
        return sum(1 / held[word] for word in set(_words(question)) & bags[chunk_id])

    def search(score: object) -> Search:
        def found(questions: Sequence[str], k: int) -> list[list[Hit]]:
            return [
                _hits({key: score(question, key) for key in bags}, by_id, k)  # type: ignore[operator]
                for question in questions
            ]

        return found

    def scores(questions: Sequence[str], ids: Sequence[Sequence[str]]) -> list[list[float]]:
        return [
            [similarity(question, key) for key in keys]
            for question, keys in zip(questions, ids, strict=True)
        ]

    return Searches(search(similarity), search(rarity), scores, learnt)


def fixed_searches(
    dense: Mapping[Chunk, float] | None = None,
    text: Sequence[Chunk] = (),
    similarity: Mapping[Chunk, float] | None = None,
    default: float = 0.0,
) -> Searches:
    """Every question finds the same: ``dense`` with these scores, ``text`` in this order.

    ``similarity`` is what the vectors say of chunks that ``dense`` does not find.
    """
    nearest = dict(dense or {})
    known = {c.chunk_id: s for c, s in [*nearest.items(), *dict(similarity or {}).items()]}
    by_vector = [
        Hit(rank, score, chunk) for rank, (chunk, score) in enumerate(nearest.items(), start=1)
    ]
    by_words = [Hit(rank, 1 / rank, chunk) for rank, chunk in enumerate(text, start=1)]
    return Searches(
        lambda questions, k: [by_vector[:k] for _ in questions],
        lambda questions, k: [by_words[:k] for _ in questions],
        lambda questions, ids: [[known.get(key, default) for key in keys] for keys in ids],
    )


def _hits(scores: Mapping[str, float], chunks: Mapping[str, Chunk], k: int) -> list[Hit]:
    best = sorted(scores, key=lambda key: (-scores[key], key))[:k]
    return [Hit(rank, scores[key], chunks[key]) for rank, key in enumerate(best, start=1)]


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
