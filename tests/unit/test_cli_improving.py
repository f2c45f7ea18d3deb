"""The command ``finetune`` over a home whose live release moves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from rag_service.core.settings import Settings
from rag_service.core.types import ModelCard
from rag_service.loop.jobs import Job, JobStore
from tests.integration.command_line import CommandLine


class Improver:
    """Is killed the first time."""

    def __init__(self) -> None:
        self.live = "r0001"
        self.asked: list[str] = []

    def live_release(self) -> str:
        return self.live

    def finetune(self, job: Job, release: str, *_: object) -> ModelCard:
        self.asked.append(release)
        if len(self.asked) == 1:
            raise KeyboardInterrupt
        return ModelCard("m2", "tuned", "", 64, 256, "", "", "2025", "m1")


def test_a_killed_finetune_goes_on_with_the_release_that_it_began_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    improver = Improver()

    @contextmanager
    def opened(settings: Settings) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(settings=settings, jobs=JobStore(tmp_path), improver=improver)

    monkeypatch.setattr("rag_service.cli.improving.open_services", opened)
    ragloop = CommandLine(tmp_path, {}, monkeypatch, capfd)
    assert ragloop("finetune", "--json").status != 0
    improver.live = "r0002"
    outcome = ragloop("finetune", "--json")
    assert outcome.document["model"] == "m2"
    assert improver.asked == ["r0001", "r0001"]
