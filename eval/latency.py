"""How much longer one release takes to answer a query than another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from eval.significance import median_interval
from rag_service.core.types import Interval

Asked = TypeVar("Asked")
Ask = Callable[[str], object]
"""Searches for one question as a request does: encoder, then index."""

ROUNDS = 5
MOST_ROUNDS = 4 * ROUNDS
QUESTIONS = 40


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of a query under two releases, and how they compare.

    ``ratio`` is the median over questions of after / before, each the median of its rounds, with
    its bootstrap interval: a machine that is busy for a while slows both, since they take turns.
    """

    before_ms: float
    after_ms: float
    ratio: Interval
    questions: int
    rounds: int
    seed: int


def measure(
    before: Ask,
    after: Ask,
    questions: Sequence[str],
    seed: int,
    *,
    limit: float,
    clock: Callable[[], float] = perf_counter,
) -> Latency:
    """Ask up to 40 of ``questions``, drawn by ``seed``, of both in turn, 5 to 20 times.

    Asking goes on while ``limit`` lies within the ratio's interval, so that what the machine does
    beside it does not decide on which side of the limit the ratio is.

    Raises:
        ValueError: if there is no question.
    """
    if not questions:
        raise ValueError("no question to ask")
    chosen = np.random.default_rng(seed).permutation(len(questions))[:QUESTIONS]
    asked = [questions[place] for place in chosen]
    sides = (before, after)
    for ask in sides:  # what a first query loads is not what a query takes
        ask(asked[0])
    seconds = np.empty((2, len(asked), MOST_ROUNDS))
    for turn in range(MOST_ROUNDS):
        seconds[:, :, turn] = in_turn(sides, asked, turn, clock)
        rounds = turn + 1
        if rounds % ROUNDS:
            continue
        typical = np.median(seconds[:, :, :rounds], axis=2)
        ratio = median_interval(list(typical[1] / typical[0]), seed)
        if not ratio.low <= limit <= ratio.high:
            break
    middle = np.median(typical, axis=1) * 1000
    return Latency(
        before_ms=round(float(middle[0]), 3),
        after_ms=round(float(middle[1]), 3),
        ratio=ratio,
        questions=len(asked),
        rounds=rounds,
        seed=seed,
    )


def in_turn(
    sides: Sequence[Callable[[Asked], object]],
    asked: Sequence[Asked],
    turn: int,
    clock: Callable[[], float] = perf_counter,
) -> npt.NDArray[np.float64]:
    """Seconds ``(sides, asked)`` of asking each side for each, another side first every time."""
    seconds = np.empty((len(sides), len(asked)))
    for place, one in enumerate(asked):
        for offset in range(len(sides)):
            side = (turn + place + 1 + offset) % len(sides)
            start = clock()
            sides[side](one)
            seconds[side, place] = clock() - start
    return seconds


def load_latency(raw: Mapping[str, Any]) -> Latency:
    """A latency as ``dataclasses.asdict`` gave it."""
    return Latency(**{**raw, "ratio": Interval(**raw["ratio"])})
