"""What one machine takes for filings, as it was measured there: raw figures, kept as JSON."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from rag_service.core.errors import ConfigError, NotFound
from rag_service.core.files import write_atomically
from rag_service.core.settings import Settings
from rag_service.core.types import ModelCard

FILE = "rates.json"
Parts = tuple[tuple[float, float], ...]
"""``(how many, what they took)`` of each part that was measured by itself."""


class _Measured(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sizes(_Measured):
    """Of one filing."""

    pages: int
    chunks: int
    bytes: int


class Fill(_Measured):
    """Chunks that were added to an index and to the chunk store, and what they took."""

    chunks: int
    index_bytes: int
    store_bytes: int
    seconds: float
    """Of writing them into the index."""


class RedisFile(_Measured):
    """The append-only file of all `Fill`s together, each time just rewritten."""

    index_bytes: int
    store_bytes: int
    grows_percent: int
    """By so much beyond its last size, and to ``least_bytes``, it grows until it is rewritten."""
    least_bytes: int


class Training(_Measured):
    """One small training."""

    documents: int
    chunks: int
    pairs: int
    """Questions of all splits, of which ``train_pairs`` are trained on."""
    train_pairs: int
    batch: int
    seconds: float
    """Of the whole job."""
    steps: tuple[float, ...]
    """Seconds of each step behind the first."""
    step_count: int
    validated: int
    """Texts of a validation, and at most in any training."""
    validated_most: int
    pair_seconds: float
    """Of asking an index about all ``pairs``."""
    validations: int
    """Of this training, and of one as `ragloop improve` begins it."""
    validations_usual: int
    drafted_chunks: int
    """About so many chunks so many questions can be written, in so many seconds."""
    drafted_pairs: int
    drafted_for_training: int
    drafted_seconds: float
    drafted_kept: float
    """Part that is left of the first few of them."""
    folder_bytes: int
    """That it left beside the model."""


class Rates(_Measured):
    """All measurements of one machine, model and shape of index."""

    measured: str
    machine: dict[str, str | int | float]
    cores: int
    threads: int
    """That the encoder keeps busy."""
    model: dict[str, str | int]
    settings: dict[str, str | int]
    filings: tuple[Sizes, ...]
    filings_from: str
    start_ingest: tuple[float, ...]
    """Seconds of `ragloop ingest` with a single chunk, and of `ragloop reindex` with a few."""
    start_reindex: tuple[float, ...]
    read: Parts
    """Pages and seconds, all cores at work."""
    embed: Parts
    """Chunks and seconds, from text to the live index and the chunk store."""
    reindex: Parts
    """Chunks and seconds."""
    empty_bytes: int
    """That Redis uses before anything is stored; 0 where others use it too."""
    first_bytes: int
    """Of an index that holds one chunk: room for a block of vectors."""
    block: int
    """Chunks of such a block."""
    fills: tuple[Fill, ...]
    redis_file: RedisFile | None
    training: Training | None
    no_training: str
    """Why there is no ``training``."""

    def save(self, path: Path) -> None:
        write_atomically(path, self.model_dump_json(indent=1) + "\n")


def load(path: Path) -> Rates:
    """Raises NotFound or ConfigError, which say how to measure."""
    try:
        return Rates.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise NotFound(
            f"nothing was measured yet ({path} is not there): run `ragloop plan --measure "
            "[PATH…]`, with some of the filings that are planned for; it takes some minutes"
        ) from error
    except (OSError, ValidationError) as error:
        raise ConfigError(
            f"{path} is no file that `ragloop plan --measure --output FILE` of this version wrote: "
            "measure again"
        ) from error


def check(rates: Rates, settings: Settings) -> None:
    """Raises ConfigError if they are of another model or index than the settings name."""
    wanted, measured = shape(settings), dict(rates.settings)
    different = [
        f"{name} {measured.get(name)!r}, now {value!r}"
        for name, value in wanted.items()
        if measured.get(name) != value
    ]
    if different:
        raise ConfigError(
            f"rates were measured with other settings ({'; '.join(different)}): run "
            "`ragloop plan --measure` again, or set these as they were"
        )


def shape(settings: Settings) -> dict[str, str | int]:
    """The settings that decide what chunks take."""
    names = (
        *("embedding_model", "precision", "batch_size", "pdf_strategy", "chunk_tokens"),
        *("index_algorithm", "index_datatype", "hnsw_m", "hnsw_ef_construction"),
    )
    return {name: getattr(settings, name) for name in names}


def machine() -> dict[str, str | int | float]:
    """What tells this machine from others."""
    import torch

    gpu = torch.cuda.is_available()
    return {
        "name": platform.node(),
        "processor": _processor(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "device": torch.cuda.get_device_name() if gpu else "cpu",
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "load": round(os.getloadavg()[0], 1),
    }


def busy_threads() -> int:
    """Threads that the encoder keeps busy: beside a GPU one that feeds it."""
    import torch

    return 1 if torch.cuda.is_available() else min(torch.get_num_threads(), os.cpu_count() or 1)


def described(card: ModelCard) -> dict[str, str | int]:
    size = folder_bytes(Path(card.path))
    return {
        "name": card.name,
        "fingerprint": card.fingerprint,
        "dims": card.dims,
        "bytes": size,
    }


def folder_bytes(folder: Path) -> int:
    """Of all files below."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines: list[Any] = cpuinfo.read_text(errors="replace").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
