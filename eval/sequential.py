"""Has one side of a live experiment won? A test that holds however often it is looked at.

An e-process is, in a test by betting, the wealth of who bets against "neither side is better": if
that is true it reaches ``1/x`` at any time with probability at most ``x`` (Ville's inequality), so
that stopping as soon as it is high is no cheating. Each side has one of its own and wins at
``2 / ALPHA``, so that together they err with probability at most ``ALPHA``. See Ramdas, Grünwald,
Vovk and Shafer, "Game-theoretic statistics and safe anytime-valid inference", Statistical Science
38(4), 2023; Johari, Koomen, Pekelis and Walsh, "Always valid inference", Operations Research
70(3), 2022.

Everything is computed from counts. Priors only say which effects are found soonest; sums over a
fixed grid are mixtures in their own right, so that nothing about the error is approximate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from rag_service.core.types import Arm, Experiment, Interval, Tally

ALPHA = 0.05
"""Chance of a winner, at any time, where neither release is better."""
WINNING = 2 / ALPHA
"""The e-value at which a side has won."""

_EFFECT_SCALE = 0.7
"""Of the half-normal prior on the log odds ratio between good and bad verdicts."""
_ACTIVITY_SCALE = 0.2
"""Of the normal prior on how far b's log odds among all verdicts are from its share."""
_PREFERENCE_SCALE = 0.4
"""Of the half-normal prior on the log odds of one team's being preferred."""
_LARGEST = 3.0
_NODES = 101

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the outcomes so far say. ``e_a`` and ``e_b`` are e-values; 1 says nothing."""

    e_a: float
    e_b: float
    rate_a: Interval | None
    """Share of good verdicts under a, or of the requests in which a's hit was used first."""
    rate_b: Interval | None
    winner: Arm | None
    more: int | None
    """Outcomes that are still needed if they come as they did; None where that is a guess."""


def judge(experiment: Experiment, tally: Tally) -> Evidence:
    """What the outcomes of an experiment say by now."""
    a, b = tally.a, tally.b
    if experiment.kind == "interleaving":
        counts = np.array([a.good, b.good], dtype=np.float64)
        uses = a.good + b.good
        rates = _rate(a.good, uses, "requests"), _rate(b.good, uses, "requests")
    else:
        counts = np.array([a.good, b.good, a.bad, b.bad], dtype=np.float64)
        rates = _rate(a.good, a.good + a.bad, "clients"), _rate(b.good, b.good + b.bad, "clients")

    def evidence(at: _Floats) -> tuple[_Floats, _Floats]:
        if experiment.kind == "interleaving":
            return preference_evidence(at[..., 0], at[..., 1])
        return split_evidence(*np.moveaxis(at, -1, 0), share=experiment.share)

    log_a, log_b = (float(log) for log in evidence(counts))
    highest = max(log_a, log_b)
    winner: Arm | None = None
    if highest >= np.log(WINNING):
        winner = "a" if log_a > log_b else "b"
    more = None
    # Below 1 no difference explains the outcomes better than some does: nothing to go on from.
    if winner is None and highest >= 0:
        times = np.geomspace(1, 100, 500)
        logs = evidence(times[:, np.newaxis] * counts)[0 if log_a > log_b else 1]
        if (enough := logs >= np.log(WINNING)).any():
            more = int(np.ceil((times[enough.argmax()] - 1) * counts.sum()))
    return Evidence(_value(log_a), _value(log_b), *rates, winner, more)


def split_evidence(
    good_a: npt.ArrayLike,
    good_b: npt.ArrayLike,
    bad_a: npt.ArrayLike,
    bad_b: npt.ArrayLike,
    *,
    share: float,
) -> tuple[_Floats, _Floats]:
    """Logarithms of the e-values for a and for b, where each client saw one release.

    The counts are of clients, by their first verdict; all have one shape, and so have the results.

    The null hypothesis: in whatever order verdicts come and however the rate of good ones drifts,
    a client that gives one is of b with the same probability, whether it is good or bad. That this
    probability is the share of b is not assumed: clients of b may answer more often or less, and
    with the share taken for it that alone would make a winner. It is unknown, so each e-process
    divides by the largest likelihood that it can give (universal inference: Wasserman, Ramdas and
    Balakrishnan, PNAS 117(29), 2020).

    The alternative for b: log odds of b among good verdicts are higher than among bad ones by a
    log odds ratio with a half-normal prior. A side whose outcomes are the worse has an e-value of
    at most 1, so that the bound on errors holds as well where the other one is better.
    """
    good_a, good_b, bad_a, bad_b = (
        np.asarray(n, dtype=np.float64) for n in (good_a, good_b, bad_a, bad_b)
    )
    of_a, of_b = good_a + bad_a, good_b + bad_b
    largest = _largest_log_likelihood(of_a, of_b)
    nodes, better = _split_prior()
    log_odds = np.log(share) - np.log1p(-share) + nodes
    good = _log_likelihood(log_odds, good_a, good_b)
    bad = _log_likelihood(log_odds, bad_a, bad_b)
    high_good, high_bad = good.max(axis=-1), bad.max(axis=-1)
    good, bad = np.exp(good - high_good[..., np.newaxis]), np.exp(bad - high_bad[..., np.newaxis])
    scale = high_good + high_bad - largest
    for_b = _log(((good @ better) * bad).sum(axis=-1)) + scale
    for_a = _log(((good @ better.T) * bad).sum(axis=-1)) + scale
    return for_a, for_b


def preference_evidence(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[_Floats, _Floats]:
    """Logarithms of the e-values for a and for b, of requests with interleaved lists.

    The counts are of requests in which a hit of that team was used first; arrays of one shape.

    The null hypothesis: given all that came before, either team is used first with probability
    1/2, since a coin that nobody sees gives the teams their hits. The alternative for a side: its
    log odds have a half-normal prior.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    log_odds, weights = _preference_prior()
    even = -np.log(2) * (a + b)

    def mixed(worse: _Floats, better: _Floats) -> _Floats:
        logs = _log_likelihood(log_odds, worse, better)
        high = logs.max(axis=-1)
        mixture = np.exp(logs - high[..., np.newaxis]) @ weights
        return np.asarray(_log(mixture) + high - even)

    return mixed(b, a), mixed(a, b)


def confidence_sequence(good: int, total: int) -> tuple[float, float]:
    """95 % bounds of a rate that hold at all times together, however often they are looked at.

    The rates against which a bet that mixes all rates by Jeffreys' prior has not made 1 / 0.05
    (Robbins, "Statistical methods related to the law of the iterated logarithm", 1970). Raises
    ValueError without an outcome.
    """
    from scipy.optimize import brentq
    from scipy.special import betaln, xlog1py, xlogy

    if total < 1:
        raise ValueError("a rate of no outcomes")
    mixed = betaln(good + 0.5, total - good + 0.5) - betaln(0.5, 0.5)

    def room(rate: float) -> float:
        given = xlogy(good, rate) + xlog1py(total - good, -rate)
        return float(given - mixed - np.log(ALPHA))

    seen, edge = good / total, 1e-12
    low = brentq(room, edge, seen) if good and room(edge) < 0 else 0.0
    high = brentq(room, seen, 1 - edge) if good < total and room(1 - edge) < 0 else 1.0
    return float(low), float(high)


def _rate(good: int, total: int, by: str) -> Interval | None:
    return Interval(good / total, *confidence_sequence(good, total), by) if total else None


def _log_likelihood(log_odds: _Floats, of_a: _Floats, of_b: _Floats) -> _Floats:
    """Of outcomes ``(...,)`` of which each is b's with these log odds ``(n,)``: ``(..., n)``."""
    is_b, is_a = -np.logaddexp(0, -log_odds), -np.logaddexp(0, log_odds)
    return of_b[..., np.newaxis] * is_b + of_a[..., np.newaxis] * is_a


def _largest_log_likelihood(of_a: _Floats, of_b: _Floats) -> _Floats:
    from scipy.special import xlogy

    total = np.maximum(of_a + of_b, 1)
    return np.asarray(xlogy(of_a, of_a / total) + xlogy(of_b, of_b / total))


def _grid() -> tuple[_Floats, _Floats]:
    """Nodes and the widths they stand for: dense near 0, where many outcomes can tell apart."""
    nodes = _LARGEST * np.sinh(4 * np.linspace(-1, 1, _NODES)) / np.sinh(4)
    return nodes, np.gradient(nodes)


@cache
def _split_prior() -> tuple[_Floats, _Floats]:
    """Nodes for the log odds among good verdicts and among bad, with the weight of each pair."""
    nodes, width = _grid()
    good, bad = nodes[:, np.newaxis], nodes[np.newaxis, :]
    effect, activity = good - bad, (good + bad) / 2
    weights = np.exp(-((effect / _EFFECT_SCALE) ** 2 + (activity / _ACTIVITY_SCALE) ** 2) / 2)
    weights = np.where(effect > 0, weights * width[:, np.newaxis] * width, 0)
    return nodes, weights / weights.sum()


@cache
def _preference_prior() -> tuple[_Floats, _Floats]:
    nodes, width = _grid()
    weights = np.where(nodes > 0, np.exp(-((nodes / _PREFERENCE_SCALE) ** 2) / 2) * width, 0)
    return nodes, weights / weights.sum()


def _log(values: _Floats) -> _Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))


def _value(log: float) -> float:
    return float(np.exp(np.clip(log, -690, 690)))
