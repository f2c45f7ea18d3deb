from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import pytest

from eval.probe.measure import load, measure
from rag_service.core.types import Vectors
from tests.fakes.models import FakeEmbedder

FINANCE = ("revenue", "fiscal", "10-k", "shareholder", "income", "earnings", "dividend", "audit")


class Graduate(FakeEmbedder):
    """Knows which passage answers the first ``known`` questions; of the others it knows words."""

    def __init__(self, known: int) -> None:
        super().__init__(4096, f"knows-{known}")
        probe = load()
        answers = {q: next(iter(probe.relevant[q])) for q in [*probe.questions][:known]}
        self._topics = {probe.passages[p]: p for p in answers.values()}
        self._topics |= {probe.questions[q]: p for q, p in answers.items()}

    def embed_documents(
        self, texts: Sequence[str], on_done: Callable[[int], None] | None = None
    ) -> Vectors:
        return super().embed_documents([self._topics.get(text, text) for text in texts], on_done)


def test_the_probe_is_whole_and_about_no_filing() -> None:
    probe = load()
    assert len(probe.passages) == 120
    assert 60 <= len(probe.questions) == len(probe.relevant)
    assert all(set(found) <= probe.passages.keys() for found in probe.relevant.values())
    assert len(set(probe.passages.values())) == len(probe.passages)
    assert len(set(probe.questions.values())) == len(probe.questions)
    texts = [*probe.passages.values(), *probe.questions.values()]
    assert not [text for text in texts if any(word in text.lower() for word in FINANCE)]
    # Short enough for any encoder, long enough to be a passage.
    assert all(15 <= len(text.split()) <= 60 for text in probe.passages.values())


def test_questions_do_not_copy_their_passage() -> None:
    probe = load()
    for question_id, question in probe.questions.items():
        words = _words(question)
        for passage_id in probe.relevant[question_id]:
            shared = words & _words(probe.passages[passage_id])
            assert len(shared) <= max(1, len(words) / 2), question


def test_a_model_is_measured_per_question_with_its_interval() -> None:
    got = measure(Graduate(40), seed=7)
    assert (got.model, got.probe, got.seed) == ("knows-40", load().digest, 7)
    assert got.questions == len(got.per_question) == len(load().questions)
    assert 0.4 < got.ndcg.low < got.ndcg.value < got.ndcg.high < 0.8
    assert got.ndcg.value == pytest.approx(sum(got.per_question.values()) / got.questions)
    assert measure(Graduate(40), seed=7) == got


def test_a_model_that_forgot_scores_less() -> None:
    whole, part = (measure(Graduate(known), seed=7) for known in (84, 60))
    assert whole.ndcg.value > 0.98
    assert part.ndcg.value < 0.85
    kept = [*part.per_question.values()][:60]
    assert sum(kept) > 0.98 * 60


def _words(text: str) -> set[str]:
    """The longer words; what is left of the short ones says nothing."""
    return {word for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 5}
