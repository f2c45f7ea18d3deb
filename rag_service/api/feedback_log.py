"""Readers' verdicts on answers, one JSON line each."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from rag_service.core.errors import ConfigError
from rag_service.core.ids import now


class FeedbackLog:
    """Appends to ``path``; each line is one write, so that processes do not mix theirs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, feedback: Mapping[str, object]) -> None:
        """Add one line with the time. Raises ConfigError if the file cannot be written."""
        line = json.dumps({"at": now(), **feedback}).encode() + b"\n"
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(file, line)
            finally:
                os.close(file)
        except OSError as error:
            raise ConfigError(
                f"feedback cannot be stored in {self._path}: {error.strerror}; "
                "set RAGLOOP_HOME to a folder that can be written"
            ) from error
