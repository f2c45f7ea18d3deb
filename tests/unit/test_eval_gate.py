from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from eval.compare import paired
from eval.gate import GateFacts, GateThresholds, decide
from eval.latency import Latency
from rag_service.core.types import Difference, Interval, Run
from tests.unit.eval_cases import PROBE, probed, scored_run

LATENCY = Latency(10.0, 10.2, Interval(1.02, 0.99, 1.06), questions=40, rounds=5, seed=7)
FACTS = GateFacts(
    training_documents=("Train.pdf", "Validation.pdf"),
    leaked_questions=(),
    complete=True,
    latency=LATENCY,
)
THRESHOLDS = GateThresholds()


def runs(
    gain: float,
    questions: int = 120,
    slices: dict[str, range] | None = None,
    probe: Sequence[float] = PROBE,
    documents: Sequence[str] = ("Test.pdf", "Other.pdf"),
) -> tuple[Run, Run]:
    rng = np.random.default_rng(11)
    before = rng.uniform(0.2, 0.6, questions)
    after = before + rng.normal(gain, 0.1, questions)
    return (
        scored_run(list(before), "r1", slices, documents=documents),
        scored_run(list(after), "r2", slices, documents=documents, probe=probe),
    )


def slower(value: float, low: float, high: float) -> GateFacts:
    return replace(FACTS, latency=replace(LATENCY, ratio=Interval(value, low, high)))


def test_a_proven_gain_goes_live_and_says_why() -> None:
    before, after = runs(0.1)
    decision = decide(before, after, THRESHOLDS, FACTS)
    assert decision.promoted
    better, unseen, complete, slices, general, latency = decision.reasons
    old, new = before.metrics["ndcg@10"].value, after.metrics["ndcg@10"].value
    assert f"ndcg@10 is better: {old:.3f} to {new:.3f} on 120 questions" in better
    assert f"{new - old:+.3f} [+" in better
    assert "p = 0.0002" in better
    assert unseen == "none of the 2 documents asked about was trained on"
    assert complete == "the candidate's index is complete"
    assert slices.startswith("none of 0 slices of 20 or more questions lost more than 0.020")
    assert general.startswith("general text was kept: ndcg@10 of the probe +0.000")
    assert latency == "a query takes about as long: 10.0 to 10.2 ms, 1.02 times [0.99, 1.06]"
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


def test_a_gain_on_one_of_many_documents_is_no_proof() -> None:
    documents = [f"D{i}.pdf" for i in range(12)]
    before, _ = runs(0.0, documents=documents)
    old = [figures["ndcg@10"] for figures in before.per_question.values()]
    lifted = [score + (0.35 if i % 12 == 0 else 0.0) for i, score in enumerate(old)]
    after = scored_run(lifted, "r2", documents=documents)
    decision = decide(before, after, THRESHOLDS, FACTS)
    assert not decision.promoted
    assert "not proven better" in decision.reasons[0]
    assert "by documents" in decision.reasons[0]
    apart = paired(replace(before, documents={}), replace(after, documents={}), "ndcg@10", 7)
    assert apart.p < 0.01  # question by question it would look certain
    assert decide(*runs(0.1, documents=documents), THRESHOLDS, FACTS).promoted


def test_a_planted_leak_is_found() -> None:
    leaked = replace(FACTS, training_documents=("Train.pdf", "Test.pdf"))
    decision = decide(*runs(0.1), THRESHOLDS, leaked)
    assert not decision.promoted
    assert decision.reasons == (
        "leak: the model was trained on 1 of the documents that it is tested on (Test.pdf)",
    )


def test_a_test_question_among_the_training_pairs_is_found() -> None:
    decision = decide(*runs(0.1), THRESHOLDS, replace(FACTS, leaked_questions=("q7",)))
    assert decision.reasons == ("leak: 1 of the questions stand in the training data (q7)",)


def test_a_leak_that_only_the_models_card_tells_is_found() -> None:
    before, after = runs(0.1)
    decision = decide(before, replace(after, trained_on=12), THRESHOLDS, FACTS)
    assert not decision.promoted
    assert decision.reasons[0].startswith("leak: 12 questions are about documents that")


def test_unknown_test_documents_are_not_taken_for_unseen() -> None:
    decision = decide(*runs(0.1, documents=()), THRESHOLDS, FACTS)
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


def test_an_index_of_other_vectors_stays_out() -> None:
    decision = decide(*runs(0.1), THRESHOLDS, replace(FACTS, complete=False, differing=2))
    assert not decision.promoted
    (reason,) = decision.reasons
    assert "other vectors" in reason
    assert "--fresh" in reason


def test_a_model_that_forgot_general_text_stays_out() -> None:
    forgot = [score * 0.9 for score in PROBE]
    decision = decide(*runs(0.1, probe=forgot), THRESHOLDS, FACTS)
    assert not decision.promoted
    (reason,) = decision.reasons
    assert reason.startswith("general text was forgotten: ndcg@10 of the probe -0.078")
    assert reason.endswith("on 40 questions")


def test_a_small_loss_on_general_text_is_no_reason() -> None:
    for loss in (0.03, 0.01, -0.05):
        probe = [score - loss for score in PROBE]
        assert decide(*runs(0.1, probe=probe), THRESHOLDS, FACTS).promoted, loss


def test_a_general_probe_that_was_not_measured_or_changed_proves_nothing() -> None:
    before, after = runs(0.1)
    for other, why in ((None, "not measured"), (probed(PROBE, "p2"), "its questions changed")):
        decision = decide(before, replace(after, probe=other), THRESHOLDS, FACTS)
        assert not decision.promoted
        assert why in decision.reasons[0]


def test_a_slower_candidate_stays_out() -> None:
    decision = decide(*runs(0.1), THRESHOLDS, slower(1.25, 1.19, 1.31))
    assert not decision.promoted
    (reason,) = decision.reasons
    assert reason.startswith("a query takes longer: 10.0 to 10.2 ms, 1.25 times [1.19, 1.31]")


@pytest.mark.parametrize(
    ("ratio", "promoted"),
    [
        ((1.25, 1.02, 1.6), False),
        ((1.11, 1.09, 1.12), False),
        ((1.10, 1.05, 1.2), True),
        ((1.02, 0.8, 1.3), True),
        ((0.6, 0.55, 0.7), True),
    ],
)
def test_a_query_may_take_a_tenth_longer(ratio: tuple[float, float, float], promoted: bool) -> None:
    assert decide(*runs(0.1), THRESHOLDS, slower(*ratio)).promoted is promoted


def test_a_latency_that_was_not_measured_proves_nothing() -> None:
    decision = decide(*runs(0.1), THRESHOLDS, replace(FACTS, latency=None))
    assert decision.reasons == ("how long a query takes was not measured",)


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
        replace(after, judgments="else"),
        replace(after, per_question={**after.per_question, "new": {"ndcg@10": 1.0, "map": 1.0}}),
    ):
        decision = decide(before, other, THRESHOLDS, FACTS)
        assert not decision.promoted
        assert decision.reasons[0].startswith("the two runs are not on the same questions: ")


def test_every_reason_against_is_given() -> None:
    facts = replace(
        slower(1.5, 1.4, 1.6),
        training_documents=("Test.pdf",),
        leaked_questions=("q1",),
        complete=False,
        missing=1,
    )
    slices = {"company=Alpha": range(60)}
    reasons = decide(*runs(-0.1, slices=slices, probe=[0.0] * 40), THRESHOLDS, facts).reasons
    words = ("worse", "trained on 1", "q1", "complete", "Alpha", "forgotten", "longer")
    for word, reason in zip(words, reasons, strict=True):
        assert word in reason


SAME = replace(FACTS, same_model=True)


@pytest.mark.parametrize("facts", [FACTS, SAME])
def test_the_same_scores_pass_only_where_the_model_is_the_same(facts: GateFacts) -> None:
    before, _ = runs(0.0)
    after = scored_run([score["ndcg@10"] for score in before.per_question.values()], "r2")
    decision = decide(before, after, THRESHOLDS, facts)
    assert decision.promoted is facts.same_model
    assert ("the same model, asked to lose no more than 0.020" in decision.reasons[0]) is (
        facts.same_model
    )


def lost(share: float, questions: int = 400) -> tuple[Run, Run]:
    """Every tenth question loses ten times ``share``."""
    before, _ = runs(0.0, questions)
    scores = [score["ndcg@10"] for score in before.per_question.values()]
    after = [s - 10 * share * (i % 10 == 0) for i, s in enumerate(scores)]
    return before, scored_run(after, "r2")


@pytest.mark.parametrize(("share", "promoted"), [(0.0, True), (0.01, True), (0.018, False)])
def test_the_same_model_may_lose_what_is_surely_little(share: float, promoted: bool) -> None:
    decision = decide(*lost(share), THRESHOLDS, SAME)
    assert decision.promoted is promoted
    assert decision.promoted or decision.reasons[0].startswith("ndcg@10 is worse (the same model")


def test_a_loss_that_may_be_large_is_refused_though_it_is_not_proven() -> None:
    before, _ = runs(0.0, 30)
    scores = [score["ndcg@10"] for score in before.per_question.values()]
    after = [s + (0.2 if i % 2 else -0.2) for i, s in enumerate(scores)]
    (reason,) = decide(before, scored_run(after, "r2"), THRESHOLDS, SAME).reasons
    assert reason.startswith("ndcg@10 is not proven as good (the same model, asked")
    assert decide(before, scored_run(after, "r2"), GateThresholds(margin=0.2), SAME).promoted


def test_of_the_same_model_all_else_is_asked_as_of_any_other() -> None:
    before, _ = runs(0.0)
    slices = {"company=Alpha": range(20)}
    scores = [score["ndcg@10"] for score in before.per_question.values()]
    before = scored_run(scores, "r1", slices)
    after = scored_run(
        [s - 0.1 if i < 20 else s + 0.05 for i, s in enumerate(scores)],
        "r2",
        slices,
        probe=[score * 0.9 for score in PROBE],
    )
    facts = replace(slower(1.25, 1.2, 1.3), same_model=True, complete=False, missing=1)
    words = ("complete", "Alpha", "forgotten", "longer")
    for word, reason in zip(words, decide(before, after, THRESHOLDS, facts).reasons, strict=True):
        assert word in reason
    few = scored_run(scores[:29], "r1"), scored_run(scores[:29], "r2")
    (reason,) = decide(*few, THRESHOLDS, SAME).reasons
    assert reason.startswith("too few questions: 29")


def test_what_gets_worse_with_all_stages_is_refused() -> None:
    before, after = runs(0.1)
    worse = replace(FACTS, served=Difference(-0.04, -0.07, -0.01, 0.01))
    decision = decide(before, after, THRESHOLDS, worse)
    assert not decision.promoted
    assert decision.reasons == (
        "ndcg@10 with all stages is worse: -0.040 [-0.070, -0.010], p = 0.0100",
    )
    unproven = replace(FACTS, served=Difference(-0.01, -0.03, 0.01, 0.4))
    passed = decide(before, after, THRESHOLDS, unproven)
    assert passed.promoted
    assert any("with all stages did not get worse: -0.010" in reason for reason in passed.reasons)


def test_runs_of_other_stages_are_not_compared() -> None:
    before, after = runs(0.1)
    decision = decide(before, replace(after, stages=("text", "vectors")), THRESHOLDS, FACTS)
    assert not decision.promoted
    assert "one searched by vectors, the other by text, vectors" in decision.reasons[0]
