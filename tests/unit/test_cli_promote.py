"""``ragloop promote``: what it prints of a candidate that the gate has to judge first."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from eval.compare import compare
from eval.latency import Latency
from rag_service.core.types import GateDecision, Interval
from rag_service.loop.judging import Judgment
from tests.integration.command_line import CommandLine
from tests.unit.eval_cases import RELEASE, scored_run

BEFORE, AFTER = scored_run([0.2, 0.4], "r0001"), scored_run([0.4, 0.4], "r0002")


def judgment(*, promoted: bool) -> Judgment:
    return Judgment(
        before=BEFORE,
        after=AFTER,
        comparison=compare(BEFORE, AFTER, 7),
        latency=Latency(1.0, 1.0, Interval(1.0, 1.0, 1.0), 2, 5, 7),
        decision=GateDecision(promoted, ("because [of it]",)),
    )


@dataclass
class Judging:
    """Services whose judge says ``judged``; r0001 is live."""

    judged: Judgment | None
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    @contextmanager
    def __call__(self, *_: object) -> Iterator[Any]:
        yield SimpleNamespace(
            judge_candidate=self.judge,
            promote=self.promote,
            releases=SimpleNamespace(get=lambda name: replace(RELEASE, release=name)),
            improver=SimpleNamespace(live_release=lambda: "r0001"),
        )

    def judge(self, release: str, dataset: Path | None, split: str, _: object) -> Judgment | None:
        self.asked.append((release, dataset, split))
        return self.judged

    def promote(self, release: str, *_: object) -> Any:
        self.asked.append((release,))
        return replace(RELEASE, release=release)


@pytest.fixture
def ragloop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(tmp_path, {}, monkeypatch, capfd)


@pytest.mark.parametrize("promoted", [True, False])
def test_a_judged_candidate_is_told_with_its_reasons(
    ragloop: CommandLine, monkeypatch: pytest.MonkeyPatch, promoted: bool
) -> None:
    services = Judging(judgment(promoted=promoted))
    monkeypatch.setattr("rag_service.cli.releases.open_services", services)
    outcome = ragloop("promote", "r0002", "--dataset", "own", "--split", "dev", "--json")
    live = "r0002" if promoted else "r0001"
    assert outcome.status == (0 if promoted else 1)
    assert outcome.document["live"] == live
    assert outcome.document["gate"] == {"promoted": promoted, "reasons": ["because [of it]"]}
    assert outcome.document["difference"]["ndcg@10"]["value"] == pytest.approx(0.1)
    assert services.asked == [("r0002", Path("own"), "dev")] + [("r0002",)] * promoted
    shown = ragloop("promote", "r0002").stdout
    assert "because [of it]" in shown
    assert f"{live} is live" in shown


@pytest.mark.parametrize("force", [True, False])
def test_without_a_judgment_the_live_release_is_told(
    ragloop: CommandLine, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    services = Judging(None)
    monkeypatch.setattr("rag_service.cli.releases.open_services", services)
    outcome = ragloop("promote", "r0002", *["--force"] * force, "--json")
    assert outcome.status == 0
    assert outcome.document == {"live": "r0002", "model": "m1", "chunks": 10}
    assert len(services.asked) == (1 if force else 2)
