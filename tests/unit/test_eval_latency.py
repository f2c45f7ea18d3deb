from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import numpy as np
import pytest

from eval.latency import QUESTIONS, Latency, load_latency, measure
from rag_service.core.types import Interval

LIMIT = 1.10
TEXTS = [f"question {i}" for i in range(60)]


class Machine:
    """A clock that queries move on; ``busy`` adds seconds that no release is to blame for."""

    def __init__(self, busy: Callable[[int], float] = lambda query: 0.0) -> None:
        self.now = 0.0
        self.asked: list[tuple[str, str]] = []
        self._busy = busy

    def query(self, release: str, seconds: float) -> Callable[[str], None]:
        def ask(question: str) -> None:
            self.asked.append((release, question))
            self.now += seconds * (1 + len(question) % 3) + self._busy(len(self.asked))

        return ask

    def measured(self, before: float, after: float, texts: list[str] = TEXTS) -> Latency:
        ask = self.query("before", before), self.query("after", after)
        return measure(*ask, texts, seed=7, limit=LIMIT, clock=lambda: self.now)


def test_a_slower_release_is_seen_as_slower() -> None:
    got = Machine().measured(0.010, 0.0125)
    assert [got.ratio.value, got.ratio.low] == pytest.approx([1.25, 1.25])
    assert got.after_ms == pytest.approx(1.25 * got.before_ms)
    assert (got.questions, got.rounds, got.seed) == (QUESTIONS, 5, 7)


def test_a_busy_machine_slows_both() -> None:
    noise = np.random.default_rng(1).exponential(0.004, 1000)
    bursts = Machine(lambda query: 0.1 if 100 < query < 180 else float(noise[query]))
    got = bursts.measured(0.010, 0.010)
    assert got.ratio.low < 1.0 < got.ratio.high
    assert got.ratio.high < LIMIT
    assert got.rounds == 5


@pytest.mark.parametrize("seed", range(20))
def test_a_release_is_not_slower_than_itself_however_uneven_the_machine(seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = rng.lognormal(-5, 1.0, 2000) + rng.binomial(1, 0.05, 2000) * 0.1
    got = Machine(lambda query: float(noise[query])).measured(0.005, 0.005)
    assert got.ratio.value < 1.05


def test_what_is_in_doubt_is_measured_longer() -> None:
    noise = np.random.default_rng(3).exponential(0.01, 2000)
    rounds = []
    for after in (0.0112, 0.012, 0.016):
        machine = Machine(lambda query: float(noise[query]))
        got = machine.measured(0.010, after)
        assert got.rounds == 20 or not got.ratio.low <= LIMIT <= got.ratio.high
        assert len(machine.asked) == 2 + 2 * QUESTIONS * got.rounds
        rounds.append(got.rounds)
    assert rounds == [20, 10, 5]


def test_both_are_asked_the_same_in_turn_and_neither_always_first() -> None:
    machine = Machine()
    machine.measured(0.01, 0.01, TEXTS[:3])
    asked = machine.asked[2:]  # what comes first is not measured
    pairs = [asked[i : i + 2] for i in range(0, len(asked), 2)]
    assert len(pairs) == 3 * 5
    assert all(a[1] == b[1] and {a[0], b[0]} == {"before", "after"} for a, b in pairs)
    assert {pair[0][0] for pair in pairs} == {"before", "after"}


def test_it_comes_back_from_json_and_needs_a_question() -> None:
    latency = Latency(1.0, 2.0, Interval(2.0, 1.9, 2.1), 3, 5, 7)
    assert load_latency(asdict(latency)) == latency
    with pytest.raises(ValueError, match="no question"):
        Machine().measured(0.01, 0.01, [])
