"""Live experiments from their start to the winner's promotion."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from eval.sequential import ALPHA, WINNING, judge
from rag_service.answering.experiments import Experiments
from rag_service.answering.serving import Serving
from rag_service.core.errors import GateRejected, InvalidRequest, NotFound, RagloopError
from rag_service.core.ids import now
from rag_service.core.protocols import Progress, ReleaseStore, no_progress
from rag_service.core.types import (
    Arm,
    ArmTally,
    Experiment,
    ExperimentKind,
    Interval,
    Release,
    Tally,
)
from rag_service.indexing.promotion import Promoter
from rag_service.indexing.shadow import ShadowIndexer

log = logging.getLogger(__name__)


class Experimenter:
    """Starts and ends experiments, and keeps what they serve up to date."""

    def __init__(
        self,
        experiments: Experiments,
        releases: ReleaseStore,
        serving: Serving,
        indexer: ShadowIndexer,
        promoter: Promoter,
    ) -> None:
        self._experiments = experiments
        self._releases = releases
        self._serving = serving
        self._indexer = indexer
        self._promoter = promoter

    def start(
        self,
        a: str,
        b: str,
        share: float = 0.1,
        kind: ExperimentKind = "split",
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """Let the live release ``a`` and another one be compared by those who ask.

        ``b`` is brought up to date before, and from then on with every document. Gives how the
        experiment stands.

        Raises InvalidRequest if ``a`` is not live, ``b`` cannot be searched, ``share`` is no such
        share or an experiment runs, and ReleaseConflict if the live release moves meanwhile.
        """
        running = self._experiments.running()
        if running is not None:
            raise InvalidRequest(
                f"experiment {running.experiment} runs, and one runs at a time: end it with "
                "`ragloop experiment stop`"
            )
        live, other = self._checked(a, b, share, kind)
        experiment = Experiment(
            experiment=f"x{uuid4().hex[:8]}",
            kind=kind,
            a=a,
            b=b,
            model_a=live.model,
            model_b=other.model,
            share=share,
            started=now(),
        )
        try:
            self._experiments.hold(experiment)
            self._serving.pin(b)
            self._indexer.catch_up(other, progress)
            self._experiments.store.start(experiment)
            # Documents that came before ingestion could know of the experiment.
            self._indexer.catch_up(other, progress)
        except RagloopError as error:
            self._experiments.end(experiment, f"it could not begin: {error.message}")
            raise
        return standing(experiment, Tally())

    def stop(
        self, promote_winner: bool = False, progress: Progress = no_progress
    ) -> dict[str, Any]:
        """End the experiment that runs, and give how it stands.

        With ``promote_winner``, only if a side has won, which is live afterwards: the evidence
        stands in place of the gate. Raises NotFound if none runs, GateRejected if nobody has won.
        """
        experiment = self._experiments.running()
        if experiment is None:
            raise NotFound("no experiment runs; `ragloop experiment start` begins one")
        reason = "stopped"
        if promote_winner:
            evidence = judge(experiment, self._experiments.store.tally(experiment.experiment))
            if evidence.winner is None:
                raise GateRejected(
                    f"experiment {experiment.experiment} has no winner (e-values "
                    f"{experiment.a} {evidence.e_a:.3g}, {experiment.b} {evidence.e_b:.3g}; "
                    f"{WINNING:.0f} wins) and goes on; `ragloop experiment stop` ends it as it is"
                )
            if evidence.winner == "b":
                self._promoter.promote(experiment.b, progress, instead_of=experiment.a)
                reason = f"{experiment.b} won and was promoted"
            else:
                reason = f"{experiment.a} won and stays live"
        self._experiments.end(experiment, reason)
        return next(
            standing(known, self._experiments.store.tally(known.experiment))
            for known in self._experiments.store.all()
            if known.experiment == experiment.experiment
        )

    def keep_up(self, progress: Progress = no_progress) -> None:
        """Bring the release that is not live up to date with the documents.

        An experiment whose release cannot be, ends: ingestion goes on without it. Raises what may
        pass, such as StoreUnavailable.
        """
        experiment = self._experiments.running()
        if experiment is None:
            return
        try:
            self._indexer.catch_up(self._releases.get(experiment.b), progress)
        except RagloopError as error:
            if error.retryable and self._experiments.running() is not None:
                raise
            log.warning("experiment %s ends: %s", experiment.experiment, error.message)
            self._experiments.end(
                experiment, f"{experiment.b} could not be kept up to date: {error.message}"
            )

    def _checked(
        self, a: str, b: str, share: float, kind: ExperimentKind
    ) -> tuple[Release, Release]:
        live, other = self._releases.get(a), self._releases.get(b)
        if live.state != "live":
            raise InvalidRequest(
                f"release {a} is {live.state}: name the live release first, then its rival"
            )
        if other.state not in {"candidate", "retired"}:
            raise InvalidRequest(
                f"release {b} is {other.state}: its rival is a candidate or a retired release"
            )
        if not (0 < share < 1 or (share == 1 and kind == "interleaving")):
            raise InvalidRequest(f"the share is {share}: give a part of the clients such as 0.1")
        return live, other


def standings(experiments: Experiments) -> dict[str, Any]:
    """The experiment that runs and those that ended, the newest first, and how each stands."""
    running, store = experiments.running(), experiments.store
    ended = [experiment for experiment in reversed(store.all()) if experiment.ended]
    return {
        "running": standing(running, store.tally(running.experiment)) if running else None,
        "past": [standing(experiment, store.tally(experiment.experiment)) for experiment in ended],
    }


def standing(experiment: Experiment, tally: Tally) -> dict[str, Any]:
    """An experiment with its counts, the rates of both releases and what they are evidence of."""
    evidence = judge(experiment, tally)
    names: dict[Arm, str] = {"a": experiment.a, "b": experiment.b}

    def arm(name: Arm, model: str, counts: ArmTally, rate: Interval | None, e: float) -> Any:
        return {
            "release": names[name],
            "model": model,
            **asdict(counts),
            "rate": asdict(rate) if rate else None,
            "e_value": e,
        }

    return {
        "experiment": experiment.experiment,
        "kind": experiment.kind,
        "share": experiment.share,
        "a": arm("a", experiment.model_a, tally.a, evidence.rate_a, evidence.e_a),
        "b": arm("b", experiment.model_b, tally.b, evidence.rate_b, evidence.e_b),
        "winner": names[evidence.winner] if evidence.winner else None,
        "outcomes_needed": evidence.more,
        "alpha": ALPHA,
        "winning_e_value": WINNING,
        "started": experiment.started,
        "ended": experiment.ended,
        "reason": experiment.reason,
    }
