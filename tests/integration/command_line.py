"""Runs `ragloop` in this process, as the script does."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from rag_service.cli.main import main


@dataclass(frozen=True, slots=True)
class Outcome:
    status: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout."""
        document: dict[str, Any] = json.loads(self.stdout)
        return document

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = self.document["error"]
        return error


class CommandLine:
    """A home, and the commands given to it."""

    def __init__(
        self,
        home: Path,
        environment: dict[str, str],
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
    ) -> None:
        self.home = home
        self._environment = {"RAGLOOP_HOME": str(home), "RAGLOOP_LLM": "none"} | environment
        self._monkeypatch = monkeypatch
        self._capfd = capfd

    def __call__(self, *arguments: object, **environment: str) -> Outcome:
        words = [str(argument) for argument in arguments]
        self._capfd.readouterr()
        with self._monkeypatch.context() as patch:
            for name, value in (self._environment | environment).items():
                patch.setenv(name, value)
            patch.setattr("sys.argv", ["ragloop", *words])
            with pytest.raises(SystemExit) as ended:
                main()
        printed = self._capfd.readouterr()
        return Outcome(int(ended.value.code or 0), printed.out, printed.err)
