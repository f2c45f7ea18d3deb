"""Training in several processes, on a GPU each where there are GPUs: ``torchrun`` and its workers.

The starting process writes what is to be done into the run's folder; the workers read it, train
together, and the first of them leaves model and figures there. ``torchrun --nproc-per-node 2 -m
finetune FOLDER`` does the workers' part by itself.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from finetune.options import TrainOptions
from finetune.run_folder import RunFolder
from finetune.training_sets import TrainingSet
from rag_service.core.errors import DataError, ModelError, RagloopError
from rag_service.core.files import write_atomically
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Chunk, ModelCard, Pair

_WORK, _FIGURES, _LOG = "work.json", "measured.json", "processes.log"
_LINES = 20
"""Lines of the processes' log that a message quotes."""


@dataclass(frozen=True, slots=True)
class _Work:
    base: ModelCard
    base_folder: Path
    pairs: tuple[Pair, ...]
    chunks: tuple[Chunk, ...]
    sets: tuple[TrainingSet, ...]
    options: TrainOptions


_WORKS = TypeAdapter(_Work)


def fit_together(
    folder: RunFolder,
    lock: int,
    base: ModelCard,
    base_folder: Path,
    pairs: Sequence[Pair],
    chunks: Mapping[str, Chunk],
    sets: Sequence[TrainingSet],
    options: TrainOptions,
    progress: Progress,
) -> dict[str, Any]:
    """What ``fitting.fit`` does, in ``options.processes`` processes.

    Raises:
        ModelError: a process failed; the message ends with what it said.
    """
    validating = tuple(pair for pair in pairs if pair.split == "validation")
    documents = {pair.document for pair in validating}
    work = _Work(
        base,
        base_folder.absolute(),
        validating,
        # A table's cells are many, and nothing here looks at them.
        tuple(replace(c, cells=None) for c in chunks.values() if c.document in documents),
        tuple(sets),
        options,
    )
    (folder.path / _FIGURES).unlink(missing_ok=True)
    (folder.path / _WORK).write_bytes(_WORKS.dump_json(work))
    run_workers(folder.path, lock, options.processes, progress)
    measured: dict[str, Any] = json.loads((folder.path / _FIGURES).read_text(encoding="utf-8"))
    (folder.path / _WORK).unlink()
    (folder.path / _FIGURES).unlink()
    return measured


def work(path: Path) -> int:
    """One worker: 0, or 1 after the reason was told on stdout."""
    first = os.environ.get("RANK", "0") == "0"
    try:
        _fit(RunFolder(path), _tell if first else no_progress)
    except RagloopError as error:
        sys.stdout.write(json.dumps({"error": error.message}) + "\n")
        return 1
    return 0


def _fit(folder: RunFolder, progress: Progress) -> None:
    from finetune.fitting import fit

    try:
        todo = _WORKS.validate_json((folder.path / _WORK).read_bytes())
    except (FileNotFoundError, ValueError) as error:
        raise DataError(f"{folder.path} holds no training to be done: {error}") from error
    measured = fit(
        todo.base,
        todo.base_folder,
        todo.pairs,
        {chunk.chunk_id: chunk for chunk in todo.chunks},
        todo.sets,
        todo.options,
        folder.checkpoints,
        folder.part,
        progress,
    )
    if measured is not None:
        write_atomically(folder.path / _FIGURES, json.dumps(measured))


def run_workers(path: Path, lock: int, processes: int, progress: Progress) -> None:
    """Start the workers and wait for them. Raises ModelError with the reason of one that failed."""
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command = [*torchrun, f"--nproc-per-node={processes}", "-m", "finetune", str(path.absolute())]
    log = path / _LOG
    with (
        log.open("w", encoding="utf-8") as errors,
        # Should this process be killed, the others end at their next word to it. Until then they
        # must hold the folder.
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=errors, text=True, pass_fds=(lock,)
        ) as child,
    ):
        try:
            reason = _listen(child.stdout or (), progress)
        except BaseException:
            child.terminate()
            raise
    if child.returncode:
        last = "\n".join(log.read_text(encoding="utf-8").splitlines()[-_LINES:])
        raise ModelError(f"training in {processes} processes failed: {reason or last} (see {log})")


def _listen(lines: Iterable[str], progress: Progress) -> str:
    """Pass progress on; the reason of a failure, or ``""``. Other lines are the libraries'."""
    reason = ""
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and "progress" in told:
            progress(*told["progress"])
        elif isinstance(told, dict) and "error" in told:
            reason = str(told["error"])
    return reason


def _tell(step: str, done: int, total: int) -> None:
    sys.stdout.write(json.dumps({"progress": [step, done, total]}) + "\n")
    sys.stdout.flush()
