"""Training in several processes, on a GPU each where there are GPUs: ``torchrun`` and its workers.

The starting process writes what is to be done into the run's folder; the workers read it, train
together, and the first of them leaves model and figures there. Where torchrun started the command
itself, its own processes are the workers, and the starting one is the first of them.
"""

import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from finetune import crew
from finetune.options import TrainOptions
from finetune.run_folder import RunFolder
from finetune.training_sets import TrainingSet
from rag_service.core.errors import DataError, ModelError, RagloopError, TrainingInterrupted
from rag_service.core.files import write_atomically
from rag_service.core.protocols import Progress, no_progress
from rag_service.core.types import Chunk, ModelCard, Pair

_WORK, _FIGURES, _LOG = "work.json", "measured.json", "processes.log"
_TRAINERS = "accelerate|sentence_transformers"
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
        TrainingInterrupted: a process is gone.
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
    write_atomically(folder.path / _WORK, _WORKS.dump_json(work).decode())
    if crew.size() > 1:
        crew.call(folder.path)
        train_along(folder.path, progress)
    else:
        run_workers(folder.path, lock, options.processes, progress)
    measured: dict[str, Any] = json.loads((folder.path / _FIGURES).read_text(encoding="utf-8"))
    (folder.path / _WORK).unlink()
    (folder.path / _FIGURES).unlink()
    return measured


def work(path: Path) -> int:
    """One worker: 0, or 1 after the reason was told on stdout."""
    first = os.environ.get("RANK", "0") == "0"
    try:
        train_along(path, _tell if first else no_progress)
    except RagloopError as error:
        sys.stdout.write(json.dumps({"error": error.as_dict()}) + "\n")
        return 1
    return 0


def train_along(path: Path, progress: Progress = no_progress) -> None:
    """The part of one process in the training that is written down in a run's folder.

    Raises:
        DataError: nothing is.
        TrainingInterrupted: another process is gone.
        ModelError: it failed.
    """
    from finetune.fitting import fit

    folder = RunFolder(path)
    try:
        todo = _WORKS.validate_json((folder.path / _WORK).read_bytes())
    except (FileNotFoundError, ValueError) as error:
        raise DataError(f"{folder.path} holds no training to be done: {error}") from error
    try:
        with warnings.catch_warnings():
            # What torch says to the libraries that train, once for every line of theirs.
            warnings.filterwarnings("ignore", category=FutureWarning, module=_TRAINERS)
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
    except RuntimeError as error:
        if not _tells_of_a_loss(error):
            raise ModelError(f"training of {todo.base.name} failed: {error}") from error
        raise TrainingInterrupted(
            f"a process that trained {todo.base.name} is gone, and the same command goes on from "
            f"the last checkpoint: {str(error).partition('. ')[0]}"
        ) from error
    finally:
        _part()
    if measured is not None:
        write_atomically(folder.path / _FIGURES, json.dumps(measured))


_LOST = re.compile(r"closed|reset|refused|timed out|timeout|broken pipe|peer", re.IGNORECASE)
"""What Gloo says of a connection that is no more."""
_OWN = re.compile("invalid usage|out of memory|unhandled cuda", re.IGNORECASE)
"""What NCCL says of faults of the process itself."""


def _tells_of_a_loss(error: RuntimeError) -> bool:
    """Whether it is about the connection to another process: NCCL's and the store's errors have
    types of their own, those of Gloo name it."""
    from torch.distributed import DistError

    said = str(error)
    if isinstance(error, DistError):
        return not _OWN.search(said)
    return "gloo" in said.lower() and bool(_LOST.search(said))


def _part() -> None:
    """End the group of processes: one that still belongs to it may wait for ever at its end."""
    from torch import distributed

    if distributed.is_initialized():
        distributed.destroy_process_group()


def run_workers(path: Path, lock: int, processes: int, progress: Progress) -> None:
    """Start the workers and wait for them. Raises as `fit_together`."""
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
            error = _listen(child.stdout or (), progress)
        except BaseException:
            child.terminate()
            raise
    if child.returncode:
        last = "\n".join(log.read_text(encoding="utf-8").splitlines()[-_LINES:])
        kind = ModelError if error and not error["retryable"] else TrainingInterrupted
        reason = error["message"] if error else last
        raise kind(f"training in {processes} processes failed: {reason} (see {log})")


def _listen(lines: Iterable[str], progress: Progress) -> dict[str, Any]:
    """Pass progress on; a failure as it was told, or nothing. Other lines are the libraries'."""
    error: dict[str, Any] = {}
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and "progress" in told:
            progress(*told["progress"])
        elif isinstance(told, dict) and "error" in told and error.get("retryable", True):
            # That another process is gone says less than why it went.
            error = told["error"]
    return error


def _tell(step: str, done: int, total: int) -> None:
    sys.stdout.write(json.dumps({"progress": [step, done, total]}) + "\n")
    sys.stdout.flush()
