"""The gate: whether a candidate may go live, from two runs and what is known of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from eval.compare import HEADLINE, mismatch, paired, paired_probe, probe_mismatch
from eval.latency import Latency
from rag_service.core.types import Difference, GateDecision, Run

_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class GateThresholds:
    """How much proof a candidate needs."""

    min_questions: int = 30
    max_p: float = 0.05
    slice_questions: int = 20
    """Slices of fewer questions are not held against a candidate."""
    slice_loss: float = 0.02
    """NDCG@10 that a slice may lose; more, if the loss is not significant."""
    probe_loss: float = 0.03
    """NDCG@10 that the general probe may lose."""
    latency_ratio: float = 1.10
    """How many times as long a query may take, after before."""
    margin: float = 0.02
    """NDCG@10 that the same model may lose in another index, at worst: by the interval's end."""


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the two runs do not tell."""

    training_documents: tuple[str, ...]
    """Names of the documents that the candidate's model was trained or validated on."""
    leaked_questions: tuple[str, ...]
    """Ids of the questions that stand in the training data of one of the two models."""
    complete: bool
    """Whether the candidate's index holds exactly the chunks that it should."""
    latency: Latency | None
    """Of a query, under the candidate and the release before; None if it was not measured."""
    missing: int = 0
    """Chunks that it lacks."""
    same_model: bool = False
    """Whether both releases have one model, or cuts of one: only the index is another."""
    differing: int = 0
    """Chunks, of those encoded again as a sample, whose vectors in it are others."""
    served: Difference | None = None
    """Of NDCG@10 where a search goes through all stages that the service has."""


class _Finding(NamedTuple):
    """One condition: whether it is met, and in words."""

    met: bool
    words: str


def decide(before: Run, after: Run, thresholds: GateThresholds, facts: GateFacts) -> GateDecision:
    """Whether ``after``'s release may replace ``before``'s.

    It may if both were asked the same questions, enough of them, none on a document that the
    model was trained on; if NDCG@10 rose significantly, with an interval above zero, or, of the
    same model in another index, if that interval is not below the margin; if no large slice fell
    significantly; if it did not get significantly worse where the other stages of a search work
    with it; if its index is complete; if the model did not forget general text; and if a
    query takes about as long. All reasons against are given, not the first alone; a candidate
    that passes gets all the reasons for it. What was not measured is not passed. The same runs,
    thresholds and facts give the same decision.
    """
    findings = [
        *_found(before, after, thresholds, facts),
        *_unseen(after, facts),
        _complete(facts),
        *_slices(before, after, thresholds),
        *_served(facts),
        _general(before, after, thresholds),
        _fast(thresholds, facts),
    ]
    against = tuple(finding.words for finding in findings if not finding.met)
    return GateDecision(
        promoted=not against, reasons=against or tuple(finding.words for finding in findings)
    )


def _found(
    before: Run, after: Run, thresholds: GateThresholds, facts: GateFacts
) -> Iterator[_Finding]:
    if reason := mismatch(before, after):
        yield _Finding(False, f"the two runs are not on the same questions: {reason}")
        return
    if after.questions < thresholds.min_questions:
        yield _Finding(
            False,
            f"too few questions: {after.questions}, and {thresholds.min_questions} are needed "
            "for a proof",
        )
        return
    change = paired(before, after, HEADLINE, after.seed)
    old, new = before.metrics[HEADLINE].value, after.metrics[HEADLINE].value
    figures = f"{old:.3f} to {new:.3f} on {after.questions} questions, {_change(change)}"
    yield (_not_worse if facts.same_model else _better)(change, figures, thresholds)


def _better(change: Difference, figures: str, thresholds: GateThresholds) -> _Finding:
    if change.low > 0 and change.p < thresholds.max_p:
        return _Finding(True, f"{HEADLINE} is better: {figures}")
    verdict = "worse" if change.high < 0 else "not proven better"
    return _Finding(False, f"{HEADLINE} is {verdict}: {figures}")


def _not_worse(change: Difference, figures: str, thresholds: GateThresholds) -> _Finding:
    asked = f"the same model, asked to lose no more than {thresholds.margin:.3f}"
    if change.low >= -thresholds.margin - _ROUNDING:
        return _Finding(True, f"{HEADLINE} is not worse ({asked}): {figures}")
    verdict = "worse" if change.high < 0 else "not proven as good"
    return _Finding(False, f"{HEADLINE} is {verdict} ({asked}): {figures}")


def _unseen(after: Run, facts: GateFacts) -> Iterator[_Finding]:
    asked = {document for documents in after.documents.values() for document in documents}
    leaked = sorted(asked & set(facts.training_documents))
    if not asked:
        yield _Finding(
            False, "it is not known which documents the questions ask about: none is proven unseen"
        )
    elif leaked:
        yield _Finding(
            False,
            f"leak: the model was trained on {len(leaked)} of the documents that it is tested "
            f"on ({_named(leaked)})",
        )
    elif after.trained_on:
        yield _Finding(
            False,
            f"leak: {after.trained_on} questions are about documents that the model's card names "
            "as trained on",
        )
    else:
        yield _Finding(True, f"none of the {len(asked)} documents asked about was trained on")
    if facts.leaked_questions:
        yield _Finding(
            False,
            f"leak: {len(facts.leaked_questions)} of the questions stand in the training data "
            f"({_named(facts.leaked_questions)})",
        )


def _complete(facts: GateFacts) -> _Finding:
    if facts.differing:
        return _Finding(
            False,
            "the candidate's index holds other vectors than its model gives (chunks of a sample: "
            f"{facts.differing}): reindex with --fresh",
        )
    if facts.complete and not facts.missing:
        return _Finding(True, "the candidate's index is complete")
    return _Finding(
        False, f"the candidate's index is not complete (chunks missing: {facts.missing})"
    )


def _slices(before: Run, after: Run, thresholds: GateThresholds) -> Iterator[_Finding]:
    if mismatch(before, after):
        return
    held = {
        name: ids
        for name, ids in after.slice_questions.items()
        if len(ids) >= thresholds.slice_questions
    }
    losses = []
    for name, ids in held.items():
        change = paired(before, after, HEADLINE, after.seed, ids)
        if change.value < -thresholds.slice_loss - _ROUNDING and change.p < thresholds.max_p:
            words = f"{HEADLINE}: {_change(change)} on {len(ids)} questions"
            losses.append(_Finding(False, f"slice {name} got worse on {words}"))
    yield from losses
    if not losses:
        yield _Finding(
            True,
            f"none of {len(held)} slices of {thresholds.slice_questions} or more questions lost "
            f"more than {thresholds.slice_loss:.3f} significantly",
        )


def _served(facts: GateFacts) -> Iterator[_Finding]:
    change = facts.served
    if change is not None:
        lost = change.high < 0
        verdict = "is worse" if lost else "did not get worse"
        yield _Finding(not lost, f"{HEADLINE} with all stages {verdict}: {_change(change)}")


def _general(before: Run, after: Run, thresholds: GateThresholds) -> _Finding:
    if reason := probe_mismatch(before, after):
        return _Finding(False, f"the general probe does not tell what was forgotten: {reason}")
    change = paired_probe(before, after, after.seed)
    words = f"{_change(change)} on {len(after.probe.per_question) if after.probe else 0} questions"
    if change.value < -thresholds.probe_loss - _ROUNDING:
        return _Finding(False, f"general text was forgotten: {HEADLINE} of the probe {words}")
    return _Finding(True, f"general text was kept: {HEADLINE} of the probe {words}")


def _fast(thresholds: GateThresholds, facts: GateFacts) -> _Finding:
    latency = facts.latency
    if latency is None:
        return _Finding(False, "how long a query takes was not measured")
    ratio = latency.ratio
    words = (
        f"{latency.before_ms:.1f} to {latency.after_ms:.1f} ms, {ratio.value:.2f} times "
        f"[{ratio.low:.2f}, {ratio.high:.2f}]"
    )
    if ratio.value > thresholds.latency_ratio + _ROUNDING:
        return _Finding(False, f"a query takes longer: {words}")
    return _Finding(True, f"a query takes about as long: {words}")


def _named(names: Sequence[str]) -> str:
    return f"{', '.join(names[:3])}{', …' if len(names) > 3 else ''}"


def _change(change: Difference) -> str:
    figures = f"{change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}], p = {change.p:.4f}"
    return f"{figures} by documents" if change.by == "documents" else figures
