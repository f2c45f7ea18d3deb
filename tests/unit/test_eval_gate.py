from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from eval.gate import GateFacts, GateThresholds, decide
from rag_service.core.types import Run
from tests.unit.eval_cases import scored_run

FACTS = GateFacts(
    training_documents={"Train.pdf", "Validation.pdf"},
    test_documents={"Test.pdf", "Other.pdf"},
    complete=True,
)
THRESHOLDS = GateThresholds()


def runs(
    gain: float, questions: int = 120, slices: dict[str, range] | None = None
) -> tuple[Run, Run]:
    rng = np.random.default_rng(11)
    before = rng.uniform(0.2, 0.6, questions)
    after = before + rng.normal(gain, 0.1, questions)
    return (
        scored_run(list(before), "r1", slices),
        scored_run(list(after), "r2", slices),
    )


def test_a_proven_gain_goes_live_and_says_why() -> None:
    before, after = runs(0.1)
    decision = decide(before, after, THRESHOLDS, FACTS)
    assert decision.promoted
    first, *others = decision.reasons
    old, new = before.metrics["ndcg@10"].value, after.metrics["ndcg@10"].value
    assert f"ndcg@10 is better: {old:.3f} to {new:.3f} on 120 questions" in first
    assert f"{new - old:+.3f} [+" in first
    assert "p = 0.0002" in first
    assert "none of the 2 documents asked about was trained on" in others
    assert decision == decide(before, after, THRESHOLDS, FACTS)


@pytest.mark.parametrize(
    ("gain", "verdict"), [(-0.1, "worse"), (0.0, "not proven better"), (0.005, "not proven better")]
)
def test_worse_or_unproven_stays_out(gain: float, verdict: str) -> None:
    decision = decide(*runs(gain), THRESHOLDS, FACTS)
    assert not decision.promoted
    (reason,) = decision.reasons
    assert f"ndcg@10 is {verdict}: " in reason
    assert "p = " in reason


def test_an_interval_above_zero_without_a_small_p_is_no_proof() -> None:
    before, after = runs(0.1)
    decision = decide(before, after, GateThresholds(max_p=0.0001), FACTS)
    assert not decision.promoted
    assert "not proven better" in decision.reasons[0]


def test_a_gain_on_ten_questions_is_no_proof() -> None:
    decision = decide(*runs(0.3, questions=10), THRESHOLDS, FACTS)
    assert not decision.promoted
    assert decision.reasons == ("too few questions: 10, and 30 are needed for a proof",)
    assert not decide(*runs(0.3, questions=29), THRESHOLDS, FACTS).promoted
    assert decide(*runs(0.3, questions=30), THRESHOLDS, FACTS).promoted


def test_a_planted_leak_is_found() -> None:
    leaked = replace(FACTS, training_documents={"Train.pdf", "Test.pdf"})
    decision = decide(*runs(0.1), THRESHOLDS, leaked)
    assert not decision.promoted
    assert decision.reasons == (
        "leak: the model was trained on 1 of the documents that it is tested on (Test.pdf)",
    )


def test_unknown_test_documents_are_not_taken_for_unseen() -> None:
    decision = decide(*runs(0.1), THRESHOLDS, replace(FACTS, test_documents=()))
    assert not decision.promoted
    assert "not known which documents" in decision.reasons[0]


@pytest.mark.parametrize(
    "facts", [replace(FACTS, complete=False), replace(FACTS, complete=False, missing=3)]
)
def test_an_incomplete_index_stays_out(facts: GateFacts) -> None:
    decision = decide(*runs(0.1), THRESHOLDS, facts)
    assert not decision.promoted
    assert decision.reasons == (
        f"the candidate's index is not complete (chunks missing: {facts.missing})",
    )


def sliced(size: int, loss: float) -> tuple[Run, Run]:
    slices = {"company=Alpha": range(size), "company=Beta": range(size, 120)}
    before, after = runs(0.15, slices=slices)
    scores = [
        before.per_question[key]["ndcg@10"] - loss * (0.9 + 0.2 * (i % 2))
        if i < size
        else figures["ndcg@10"]
        for i, (key, figures) in enumerate(after.per_question.items())
    ]
    return before, scored_run(scores, "r2", slices)


def test_a_slice_that_got_worse_keeps_a_better_candidate_out() -> None:
    decision = decide(*sliced(20, 0.1), THRESHOLDS, FACTS)
    assert not decision.promoted
    (reason,) = decision.reasons
    assert "slice company=Alpha got worse on ndcg@10: -0.100" in reason
    assert "on 20 questions" in reason


@pytest.mark.parametrize(("size", "loss"), [(19, 0.1), (20, 0.015)])
def test_a_small_slice_or_a_small_loss_is_no_reason(size: int, loss: float) -> None:
    assert decide(*sliced(size, loss), THRESHOLDS, FACTS).promoted


def test_a_slice_that_lost_by_chance_is_no_reason() -> None:
    slices = {"company=Alpha": range(20)}
    before, after = runs(0.2, slices=slices)
    scores = [figures["ndcg@10"] for figures in after.per_question.values()]
    for i in range(20):
        old = before.per_question[f"q{i}"]["ndcg@10"]
        scores[i] = old + (0.15 if i % 2 else -0.25)
    decision = decide(before, scored_run(scores, "r2", slices), THRESHOLDS, FACTS)
    assert decision.promoted


def test_runs_on_different_questions_prove_nothing() -> None:
    before, after = runs(0.1)
    for other in (
        replace(after, question_set="else"),
        replace(after, split="dev"),
        replace(after, per_question={**after.per_question, "new": {"ndcg@10": 1.0, "map": 1.0}}),
    ):
        decision = decide(before, other, THRESHOLDS, FACTS)
        assert not decision.promoted
        assert decision.reasons[0].startswith("the two runs are not on the same questions: ")


def test_every_reason_against_is_given() -> None:
    facts = replace(FACTS, training_documents={"Test.pdf"}, complete=False, missing=1)
    reasons = decide(*runs(-0.1), THRESHOLDS, facts).reasons
    assert len(reasons) == 3
    assert "worse" in reasons[0]
    assert "leak" in reasons[1]
    assert "not complete" in reasons[2]
