"""Every run with its questions, and every gate decision, kept as one JSON file each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from eval.gate import GateFacts, GateThresholds
from rag_service.core.errors import DataError, NotFound
from rag_service.core.files import write_atomically
from rag_service.core.ids import now
from rag_service.core.types import GateDecision, QuestionSet, Run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """A gate decision with all that it was made from: the ids of the runs, and what was known."""

    before: str
    after: str
    decision: GateDecision
    created: str
    thresholds: GateThresholds | None = None
    facts: GateFacts | None = None


class History:
    """Runs under ``folder/runs``, their questions under ``questions``, decisions beside them."""

    def __init__(self, folder: Path) -> None:
        self._runs = folder / "runs"
        self._questions = folder / "questions"
        self._decisions = folder / "decisions"
        self._run = TypeAdapter(Run)
        self._asked = TypeAdapter(QuestionSet)
        self._decision = TypeAdapter(KeptDecision)

    def add(self, run: Run, asked: QuestionSet | None = None) -> Path:
        """Keep a run, and what it ``asked``. Raises DataError if one of its id is kept already."""
        path = self._runs / f"{run.run_id}.json"
        if path.exists():
            raise DataError(f"{path} exists: a run is never replaced")
        if asked is not None:
            questions = self._asked.dump_json(asked, indent=1).decode()
            write_atomically(self._questions / path.name, questions)
        write_atomically(path, self._run.dump_json(run, indent=1).decode())
        return path

    def all(self) -> list[Run]:
        """Oldest first. Raises DataError naming a file that is not a run."""
        runs = [_read(path, self._run) for path in self._runs.glob("*.json")]
        return sorted(runs, key=lambda run: (run.created, run.run_id))

    def run_ids(self) -> set[str]:
        """Of all runs, without reading them."""
        return {path.stem for path in self._runs.glob("*.json")}

    def get(self, run_id: str) -> Run:
        """Raises NotFound, and DataError if its file is not a run."""
        paths = {path.stem: path for path in self._runs.glob("*.json")}
        if run_id not in paths:
            raise NotFound(f"no run {run_id} is kept in {self._runs}")
        return _read(paths[run_id], self._run)

    def questions(self, run_id: str) -> QuestionSet | None:
        """What a run asked, None if that was not kept with it."""
        paths = {path.stem: path for path in self._questions.glob("*.json")}
        return _read(paths[run_id], self._asked) if run_id in paths else None

    def latest(self, release: str, question_set: str, split: str) -> Run | None:
        """The newest run of a release on a split, if there is one."""
        wanted = (release, question_set, split)
        runs = [run for run in self.all() if (run.release, run.question_set, run.split) == wanted]
        return runs[-1] if runs else None

    def add_decision(
        self,
        before: Run,
        after: Run,
        decision: GateDecision,
        thresholds: GateThresholds | None = None,
        facts: GateFacts | None = None,
    ) -> Path:
        """Keep a gate decision; the same one on the same runs is kept once."""
        content = "\x00".join((str(decision.promoted), *decision.reasons))
        digest = hashlib.sha256(content.encode()).hexdigest()[:8]
        path = self._decisions / f"{before.run_id}_{after.run_id}_{digest}.json"
        if not path.exists():
            kept = KeptDecision(before.run_id, after.run_id, decision, now(), thresholds, facts)
            write_atomically(path, self._decision.dump_json(kept, indent=1).decode())
        return path

    def decisions(self) -> list[KeptDecision]:
        """Oldest first. Raises DataError naming a file that is not a decision."""
        kept = [_read(path, self._decision) for path in self._decisions.glob("*.json")]
        return sorted(kept, key=lambda decision: (decision.created, decision.after))


def _read(path: Path, adapter: TypeAdapter[T]) -> T:
    try:
        return adapter.validate_json(path.read_bytes())
    except ValidationError as error:
        raise DataError(f"{path} is not what was kept there: {error}") from error
