"""The sequential test: it errs no more often than it says, however often it is looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt
import pytest

from eval.sequential import (
    ALPHA,
    WINNING,
    confidence_sequence,
    judge,
    preference_evidence,
    split_evidence,
)
from rag_service.core.types import ArmTally, Experiment, ExperimentKind, Tally

RUNS = 200
Logs = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def split_runs(
    outcomes: int,
    good: tuple[float, float],
    share: float = 0.1,
    *,
    seed: int,
    answers: tuple[float, float] = (1, 1),
    drift: float = 0.0,
) -> Logs:
    """E-values after each outcome ``(RUNS, outcomes)`` of clients with these chances of a good one.

    ``answers`` are how often clients of a and of b answer at all; ``drift`` moves both chances
    up and down over time.
    """
    rng = np.random.default_rng(seed)
    of_b = share * answers[1] / (share * answers[1] + (1 - share) * answers[0])
    is_b = rng.random((RUNS, outcomes)) < of_b
    chances = np.where(is_b, good[1], good[0]) + drift * np.sin(np.arange(outcomes) / 40)
    is_good = rng.random((RUNS, outcomes)) < chances
    counts = [
        (arm & verdict).cumsum(axis=1) for verdict in (is_good, ~is_good) for arm in (~is_b, is_b)
    ]
    return in_batches(partial(split_evidence, share=share), counts)


def preference_runs(outcomes: int, of_b: float, seed: int) -> Logs:
    is_b = np.random.default_rng(seed).random((RUNS, outcomes)) < of_b
    return in_batches(preference_evidence, [(~is_b).cumsum(axis=1), is_b.cumsum(axis=1)])


def in_batches(evidence: Callable[..., Logs], counts: Sequence[npt.NDArray[np.int64]]) -> Logs:
    """Of all runs, 20 at a time: the grid takes a hundred numbers for each look."""
    parts = [evidence(*(count[i : i + 20] for count in counts)) for i in range(0, RUNS, 20)]
    a, b = (np.concatenate(side) for side in zip(*parts, strict=True))
    return a, b


def winners(logs: Logs) -> tuple[float, float]:
    """Shares of the runs in which a and b have won at some time."""
    won = [(log >= math.log(WINNING)).any(axis=1) for log in logs]
    return float(won[0].mean()), float(won[1].mean())


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("good", [0.5, 0.9])
def test_equal_releases_make_no_winner_in_a_split(share: float, good: float) -> None:
    assert sum(winners(split_runs(300, (good, good), share, seed=1))) <= ALPHA


def test_equal_releases_make_no_winner_in_interleaving() -> None:
    assert sum(winners(preference_runs(1000, 0.5, seed=2))) <= ALPHA


@pytest.mark.parametrize("answers", [(1, 2), (2, 1)])
def test_clients_who_answer_more_often_do_not_make_their_release_win(
    answers: tuple[float, float],
) -> None:
    logs = split_runs(300, (0.8, 0.8), 0.5, seed=3, answers=answers)
    assert sum(winners(logs)) <= ALPHA


def test_verdicts_that_drift_make_no_winner() -> None:
    assert sum(winners(split_runs(300, (0.5, 0.5), seed=4, drift=0.4))) <= ALPHA


def test_a_better_release_is_found_in_a_split() -> None:
    to_a, to_b = winners(split_runs(700, (0.6, 0.75), 0.5, seed=5))
    assert to_b >= 0.8
    assert to_a == 0


def test_a_better_release_is_found_by_interleaving() -> None:
    to_a, to_b = winners(preference_runs(400, 0.6, seed=6))
    assert to_b >= 0.8
    assert to_a == 0


def test_an_e_value_is_at_most_1_on_average_where_nothing_differs() -> None:
    # Sums over every outcome of 12 requests, each with its chance: no sampling.
    wins = np.arange(13)
    chances = np.array([math.comb(12, n) for n in wins]) / 2**12
    for log in preference_evidence(12 - wins, wins):
        assert float(chances @ np.exp(log)) == pytest.approx(1, abs=1e-9)
    # And of 9 good and 7 bad verdicts, whatever the chance that a client is of b.
    good, bad = np.meshgrid(np.arange(10), np.arange(8), indexing="ij")
    ways = np.vectorize(math.comb)(9, good) * np.vectorize(math.comb)(7, bad)
    for of_b in (0.03, 0.1, 0.3, 0.5, 0.8):
        chances = ways * of_b ** (good + bad) * (1 - of_b) ** (16 - good - bad)
        for log in split_evidence(9 - good, good, 7 - bad, bad, share=0.1):
            assert float((chances * np.exp(log)).sum()) <= 1


def test_without_outcomes_nothing_is_said() -> None:
    for kind in ("split", "interleaving"):
        evidence = judge(_experiment(kind), Tally())
        assert (evidence.e_a, evidence.e_b) == pytest.approx((1, 1))
        assert (evidence.winner, evidence.more) == (None, None)
        assert (evidence.rate_a, evidence.rate_b) == (None, None)


def test_the_side_whose_outcomes_are_worse_has_no_evidence() -> None:
    evidence = judge(_experiment("split"), Tally(ArmTally(0, 40, 60), ArmTally(0, 90, 10)))
    assert evidence.winner == "b"
    assert evidence.e_b > WINNING
    assert evidence.e_a <= 1
    assert evidence.rate_b is not None
    assert evidence.rate_b.low < 0.9 < evidence.rate_b.high
    mirrored = judge(_experiment("split"), Tally(ArmTally(0, 90, 10), ArmTally(0, 40, 60)))
    assert mirrored.winner == "a"
    assert mirrored.e_a == pytest.approx(evidence.e_b)


def test_clicks_alone_say_nothing_in_a_split() -> None:
    evidence = judge(_experiment("split"), Tally(ArmTally(0, 50, 0), ArmTally(0, 400, 0)))
    assert evidence.winner is None


def test_what_is_still_needed_is_enough_if_it_comes_as_before() -> None:
    evidence = judge(_experiment("interleaving"), Tally(ArmTally(good=40), ArmTally(good=62)))
    assert evidence.winner is None
    assert evidence.more is not None
    times = 1 + evidence.more / 102
    assert preference_evidence(40 * times, 62 * times)[1] >= math.log(WINNING)
    assert preference_evidence(40 * times * 0.9, 62 * times * 0.9)[1] < math.log(WINNING)


def test_where_no_difference_shows_nothing_is_promised() -> None:
    assert (
        judge(_experiment("interleaving"), Tally(ArmTally(good=50), ArmTally(good=53))).more is None
    )


def test_many_outcomes_overflow_nothing() -> None:
    many = Tally(ArmTally(0, 10**7, 10**6), ArmTally(0, 10**6, 10**7))
    for kind in ("split", "interleaving"):
        evidence = judge(_experiment(kind), many)
        assert evidence.winner == "a"
        assert math.isfinite(evidence.e_a)
        assert evidence.e_b >= 0


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.97])
def test_bounds_of_a_rate_hold_at_all_times_together(rate: float) -> None:
    rng = np.random.default_rng(7)
    missed = 0
    for _ in range(50):
        good = (rng.random(50) < rate).cumsum()
        bounds = [confidence_sequence(int(n), total) for total, n in enumerate(good, 1)]
        missed += any(not low <= rate <= high for low, high in bounds)
    assert missed / 50 <= ALPHA


def test_bounds_of_a_rate_stay_in_range() -> None:
    assert confidence_sequence(0, 5)[0] == 0
    assert confidence_sequence(5, 5)[1] == 1
    low, high = confidence_sequence(600, 1000)
    assert 0.54 < low < 0.6 < high < 0.66
    with pytest.raises(ValueError, match="no outcomes"):
        confidence_sequence(0, 0)


def _experiment(kind: str) -> Experiment:
    kinds: dict[str, ExperimentKind] = {"split": "split", "interleaving": "interleaving"}
    return Experiment("x1", kinds[kind], "r1", "r2", "m1", "m2", 0.5, "2026-01-01T00:00:00Z")
