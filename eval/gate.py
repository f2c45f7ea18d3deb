"""The gate: whether a candidate may go live, from two runs and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from eval.compare import HEADLINE, mismatch, paired
from rag_service.core.types import Difference, GateDecision, Run


@dataclass(frozen=True, slots=True)
class GateThresholds:
    """How much proof a candidate needs."""

    min_questions: int = 30
    max_p: float = 0.05
    slice_questions: int = 20
    """Slices of fewer questions are not held against a candidate."""
    slice_loss: float = 0.02
    """NDCG@10 that a slice may lose, if the loss is significant."""


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the two runs do not tell."""

    training_documents: Collection[str]
    """Names of the documents that the candidate's model was trained or validated on."""
    test_documents: Collection[str]
    """Names of the documents that the question set asks about."""
    complete: bool
    """Whether the candidate's index holds exactly the chunks that it should."""
    missing: int = 0
    """Chunks that it lacks."""


def decide(before: Run, after: Run, thresholds: GateThresholds, facts: GateFacts) -> GateDecision:
    """Whether ``after``'s release may replace ``before``'s.

    It may if both were asked the same questions, enough of them, none on a document that the
    model was trained on; if NDCG@10 rose significantly, with an interval above zero; if no large
    slice fell significantly; and if its index is complete. All reasons are given, not the first
    alone. The same runs, thresholds and facts give the same decision.
    """
    refusals = [*_leaks(facts), *_gaps(facts)]
    proofs = [
        f"none of the {len(set(facts.test_documents))} documents asked about was trained on",
        "the candidate's index is complete",
    ]
    if reason := mismatch(before, after):
        refusals.insert(0, f"the two runs are not on the same questions: {reason}")
    elif after.questions < thresholds.min_questions:
        refusals.insert(
            0,
            f"too few questions: {after.questions}, and {thresholds.min_questions} are needed "
            "for a proof",
        )
    else:
        change = paired(before, after, HEADLINE, after.seed)
        figures = _figures(before, after, change)
        if change.low > 0 and change.p < thresholds.max_p:
            proofs.insert(0, f"{HEADLINE} is better: {figures}")
        else:
            verdict = "worse" if change.high < 0 else "not proven better"
            refusals.insert(0, f"{HEADLINE} is {verdict}: {figures}")
        refusals += _losses(before, after, thresholds)
        proofs.append(
            f"no slice of {thresholds.slice_questions} or more questions lost more than "
            f"{thresholds.slice_loss:.3f} significantly"
        )
    return GateDecision(promoted=not refusals, reasons=tuple(refusals or proofs))


def _leaks(facts: GateFacts) -> Iterator[str]:
    if not facts.test_documents:
        yield "it is not known which documents the questions ask about, so none is proven unseen"
    if leaked := sorted(set(facts.training_documents) & set(facts.test_documents)):
        yield (
            f"leak: the model was trained on {len(leaked)} of the documents that it is tested "
            f"on ({', '.join(leaked[:3])}{', …' if len(leaked) > 3 else ''})"
        )


def _gaps(facts: GateFacts) -> Iterator[str]:
    if not facts.complete or facts.missing:
        yield f"the candidate's index is not complete (chunks missing: {facts.missing})"


def _losses(before: Run, after: Run, thresholds: GateThresholds) -> Iterator[str]:
    for name, ids in after.slice_questions.items():
        if len(ids) < thresholds.slice_questions:
            continue
        change = paired(before, after, HEADLINE, after.seed, ids)
        if change.value < -thresholds.slice_loss and change.p < thresholds.max_p:
            yield f"slice {name} got worse on {HEADLINE}: {_change(change)} on {len(ids)} questions"


def _figures(before: Run, after: Run, change: Difference) -> str:
    old, new = before.metrics[HEADLINE].value, after.metrics[HEADLINE].value
    return f"{old:.3f} to {new:.3f} on {after.questions} questions, {_change(change)}"


def _change(change: Difference) -> str:
    return f"{change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}], p = {change.p:.4f}"
