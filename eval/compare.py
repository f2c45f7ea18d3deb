"""Two runs on the same questions, compared question by question."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from eval.significance import difference
from rag_service.core.errors import DataError
from rag_service.core.types import Difference, Run

HEADLINE = "ndcg@10"
"""The measure that decides."""

_MOST_MOVED = 10


@dataclass(frozen=True, slots=True)
class Move:
    """A question whose NDCG@10 differs between two runs."""

    question_id: str
    a: float
    b: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Release ``b`` against release ``a``: ``difference`` is b − a by measure.

    ``won`` and ``lost`` are the questions whose NDCG@10 rose and fell most, the most first.
    ``probe`` is that of the general probe, where both runs measured it.
    """

    a: str
    b: str
    question_set: str
    split: str
    questions: int
    seed: int
    difference: Mapping[str, Difference]
    won: tuple[Move, ...]
    lost: tuple[Move, ...]
    probe: Difference | None = None

    def as_dict(self) -> dict[str, Any]:
        """What ``ragloop compare A B --dataset DIR --json`` prints."""
        return {
            "a": self.a,
            "b": self.b,
            "question_set": self.question_set,
            "split": self.split,
            "questions": self.questions,
            "seed": self.seed,
            "difference": {name: asdict(figure) for name, figure in self.difference.items()},
            "moved": {
                "won": [asdict(move) for move in self.won],
                "lost": [asdict(move) for move in self.lost],
            },
            "probe": asdict(self.probe) if self.probe else None,
        }


def compare(a: Run, b: Run, seed: int) -> Comparison:
    """Paired differences b − a of every measure.

    Raises:
        DataError: if the runs are not on the same questions.
    """
    if reason := mismatch(a, b):
        raise DataError(f"runs {a.run_id} and {b.run_id} cannot be compared: {reason}")
    moves = [
        Move(key, a.per_question[key][HEADLINE], b.per_question[key][HEADLINE])
        for key in a.per_question
    ]
    moves.sort(key=lambda move: (move.a - move.b, move.question_id))
    return Comparison(
        a=a.release,
        b=b.release,
        question_set=a.question_set,
        split=a.split,
        questions=a.questions,
        seed=seed,
        difference={name: paired(a, b, name, seed) for name in a.metrics},
        won=tuple(move for move in moves[:_MOST_MOVED] if move.b > move.a),
        lost=tuple(move for move in reversed(moves[-_MOST_MOVED:]) if move.b < move.a),
        probe=None if probe_mismatch(a, b) else paired_probe(a, b, seed),
    )


def mismatch(a: Run, b: Run) -> str:
    """Why two runs cannot be compared, or ``""``."""
    if (a.question_set, a.split) != (b.question_set, b.split):
        return f"one is on {a.question_set}/{a.split}, the other on {b.question_set}/{b.split}"
    if a.per_question.keys() != b.per_question.keys():
        only_a = len(a.per_question.keys() - b.per_question.keys())
        only_b = len(b.per_question.keys() - a.per_question.keys())
        return f"{only_a} questions stand in the first alone and {only_b} in the second alone"
    if a.judgments != b.judgments:
        return "what is relevant to their questions was judged anew between them"
    if a.stages != b.stages:
        return f"one searched by {', '.join(a.stages)}, the other by {', '.join(b.stages)}"
    if a.metrics.keys() != b.metrics.keys():
        return "they hold different measures"
    return ""


def probe_mismatch(a: Run, b: Run) -> str:
    """Why two runs' general probes cannot be compared, or ``""``."""
    if a.probe is None or b.probe is None:
        return "it was not measured"
    if a.probe.probe != b.probe.probe:
        return "its questions changed between the two runs"
    return ""


def paired(
    a: Run, b: Run, measure: str, seed: int, question_ids: Iterable[str] | None = None
) -> Difference:
    """Difference b − a of one measure over all questions, or over ``question_ids``."""
    keys = list(a.per_question if question_ids is None else question_ids)
    known = all(b.documents.get(key) for key in keys)
    return difference(
        [a.per_question[key][measure] for key in keys],
        [b.per_question[key][measure] for key in keys],
        seed,
        [b.documents[key][0] for key in keys] if known else None,
    )


def paired_probe(a: Run, b: Run, seed: int) -> Difference:
    """Difference b − a on the general probe. Raises DataError if there is none to compare."""
    if a.probe is None or b.probe is None or a.probe.probe != b.probe.probe:
        raise DataError(f"general probes of {a.run_id} and {b.run_id}: {probe_mismatch(a, b)}")
    old, new = a.probe.per_question, b.probe.per_question
    return difference(list(old.values()), [new[key] for key in old], seed)
