"""What a report tells, as data: figures and passages, without markup."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from eval.compare import (
    HEADLINE,
    Comparison,
    Move,
    compare,
    mismatch,
    paired,
    paired_probe,
    probe_mismatch,
)
from eval.history import KeptDecision
from eval.latency import Latency
from eval.significance import interval
from eval.slices import MIN_QUESTIONS
from rag_service.core.types import (
    Chunk,
    Difference,
    Interval,
    ModelCard,
    Question,
    Release,
    Run,
)


@dataclass(frozen=True, slots=True)
class SliceChange:
    """A group of questions, before and after."""

    name: str
    questions: int
    before: Interval
    after: Interval
    difference: Difference


@dataclass(frozen=True, slots=True)
class Found:
    """A ranked or judged corpus-id with the chunk to show for it, if that is still stored.

    ``others`` counts the chunks of a page beside the one that is shown.
    """

    corpus_id: str
    chunk: Chunk | None = None
    others: int = 0


@dataclass(frozen=True, slots=True)
class MovedQuestion:
    """A question whose place in the ranking changed; a rank of 0 means that it was not found."""

    move: Move
    question: Question
    rank_before: int
    rank_after: int
    expected: str
    """Corpus-id of its best-ranked relevant passage."""
    first_before: str
    first_after: str


@dataclass(frozen=True, slots=True)
class Compared:
    """Two runs, before and after, with the difference of NDCG@10 and what the gate said of them."""

    before: Run
    after: Run
    difference: Difference | None
    """None where the runs are not on the same questions."""
    promoted: bool | None = None
    """What the gate said; None if it did not judge these two."""
    reasons: tuple[str, ...] = ()
    decided: str = ""
    """When the gate judged."""
    probe: Difference | None = None
    """Of NDCG@10 on general text; None where the runs did not measure it."""
    latency: Latency | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """Two runs on the same questions in every detail."""

    before: Run
    after: Run
    comparison: Comparison
    slices: tuple[SliceChange, ...]
    won: tuple[MovedQuestion, ...]
    lost: tuple[MovedQuestion, ...]


@dataclass(frozen=True, slots=True)
class SetFacts:
    """One split of a question set: the newest run of each release in order of time, and a change.

    ``runs`` counts all that are kept.
    """

    question_set: str
    split: str
    points: tuple[Run, ...]
    runs: int
    compared: Compared | None
    change: Change | None
    """Of the sets that come first; of the others the headline alone is compared."""

    @property
    def name(self) -> str:
        return f"{self.question_set}/{self.split}"


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows. Question sets come in the order in which they matter."""

    made: str
    live: Release | None
    releases: tuple[Release, ...]
    models: tuple[ModelCard, ...]
    sets: tuple[SetFacts, ...]
    decisions: tuple[Compared, ...]
    found: Mapping[tuple[str, str], Mapping[str, Found]]
    """By ids of the run after and of a moved question, what to show for its corpus-ids."""
    jobs: tuple[Mapping[str, Any], ...] = ()
    """Journals of the jobs that trained or measured."""
    versions: Mapping[str, str] = field(default_factory=dict)
    only: str = ""
    """Name of the question set that the report was restricted to."""


def newest_of_each(runs: Iterable[Run], since: Mapping[tuple[str, str], str]) -> tuple[Run, ...]:
    """The newest run of each release, in the order in which releases were made.

    A release is told by its name and its model: names start anew on an emptied Redis. ``since``
    says when one was made; one that it lacks counts from its first run.
    """
    newest: dict[tuple[str, str], Run] = {}
    made = dict(since)
    for run in runs:
        key = run.release, run.model
        made.setdefault(key, run.created)
        newest[key] = run
    return tuple(newest[key] for key in sorted(newest, key=lambda key: (made[key], key)))


def compared(before: Run, after: Run, kept: KeptDecision | None = None) -> Compared:
    """Two runs with their difference, if they are on the same questions."""
    same = not mismatch(before, after)
    difference = paired(before, after, HEADLINE, after.seed) if same else None
    if kept is None:
        return Compared(before, after, difference)
    said, known = kept.decision, kept.facts
    return Compared(
        before,
        after,
        difference,
        said.promoted,
        said.reasons,
        kept.created,
        None if probe_mismatch(before, after) else paired_probe(before, after, after.seed),
        known.latency if known else None,
    )


def runs_to_compare(
    runs: Sequence[Run], newest: Sequence[Run], decisions: Sequence[Compared]
) -> Compared | None:
    """Before and after on one split: what the gate judged last, or what stands nearest to it.

    Where the gate judged no run of the split, its last two releases are compared, else the last
    two that were measured. None where there are no two runs on the same questions.
    """
    ids = {run.run_id for run in runs}
    for decision in reversed(decisions):
        if decision.after.run_id in ids and not mismatch(decision.before, decision.after):
            return decision
    by_release = {(run.release, run.model): run for run in newest}
    pairs: list[tuple[Run | None, Run | None]] = []
    if decisions:
        last = decisions[-1]
        pairs.append(
            (
                by_release.get((last.before.release, last.before.model)),
                by_release.get((last.after.release, last.after.model)),
            )
        )
    if len(newest) > 1:
        pairs.append((newest[-2], newest[-1]))
    for before, after in pairs:
        if before and after and not mismatch(before, after):
            return compared(before, after)
    return None


def change(before: Run, after: Run, questions: Mapping[str, Question]) -> Change:
    """The comparison with its slices and the questions that moved most."""
    comparison = compare(before, after, after.seed)
    return Change(
        before=before,
        after=after,
        comparison=comparison,
        slices=tuple(_slices(before, after)),
        won=tuple(_moved(move, before, after, questions) for move in comparison.won),
        lost=tuple(_moved(move, before, after, questions) for move in comparison.lost),
    )


def rank_of(ranking: Sequence[tuple[str, float]], wanted: Iterable[str]) -> int:
    """Rank from 1 of the first of ``wanted`` in a ranking, 0 if none is in it."""
    relevant = set(wanted)
    return next((i for i, (key, _) in enumerate(ranking, 1) if key in relevant), 0)


def _slices(before: Run, after: Run) -> Iterable[SliceChange]:
    for name, ids in {**before.slice_questions, **after.slice_questions}.items():
        if len(ids) < MIN_QUESTIONS:
            continue
        yield SliceChange(
            name=name,
            questions=len(ids),
            before=_figure(before, ids, after.seed),
            after=_figure(after, ids, after.seed),
            difference=paired(before, after, HEADLINE, after.seed, ids),
        )


def _figure(run: Run, ids: Sequence[str], seed: int) -> Interval:
    known = all(run.documents.get(key) for key in ids)
    return interval(
        [run.per_question[key][HEADLINE] for key in ids],
        seed,
        [run.documents[key][0] for key in ids] if known else None,
    )


def _moved(move: Move, before: Run, after: Run, questions: Mapping[str, Question]) -> MovedQuestion:
    key = move.question_id
    question = questions.get(key) or Question(key, "", {})
    old, new = before.ranking.get(key, ()), after.ranking.get(key, ())
    ranks = rank_of(old, question.relevant), rank_of(new, question.relevant)
    better, rank = (new, ranks[1]) if move.b > move.a else (old, ranks[0])
    judged = next(iter(question.relevant), "")
    return MovedQuestion(
        move=move,
        question=question,
        rank_before=ranks[0],
        rank_after=ranks[1],
        expected=better[rank - 1][0] if rank else judged,
        first_before=old[0][0] if old else "",
        first_after=new[0][0] if new else "",
    )
