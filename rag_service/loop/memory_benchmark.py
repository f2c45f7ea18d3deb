"""Peak memory of a command with all its processes, the embedded Redis among them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

import psutil

from rag_service.core.errors import RagloopError

DONE = (0, 1)
"""Exit statuses: done, and done with some inputs refused."""
EVERY = 0.2
"""Seconds between two looks."""


class Peak(NamedTuple):
    """``megabytes`` is the proportional set size, in which shared pages count once."""

    megabytes: float
    by_process: dict[str, float]
    seconds: float
    output: str


def peak_of(arguments: Sequence[str], home: Path) -> Peak:
    """Run ``ragloop`` with ``arguments`` on ``home``, and watch its processes until it ends.

    Raises:
        RagloopError: the command failed.
    """
    start = time.monotonic()
    command = [sys.executable, "-m", "rag_service.cli", *arguments, "--json"]
    environment = {**os.environ, "RAGLOOP_HOME": str(home)}
    with (
        TemporaryFile("w+", encoding="utf-8") as printed,
        subprocess.Popen(command, env=environment, stdout=printed) as process,
    ):
        peak: dict[str, float] = {}
        while process.poll() is None:
            now = _memory(process.pid, str(home))
            if sum(now.values()) > sum(peak.values()):
                peak = now
            time.sleep(EVERY)
        printed.seek(0)
        output = printed.read()
    if process.returncode not in DONE:
        raise RagloopError(f"`ragloop {' '.join(arguments)}` ended with {process.returncode}")
    return Peak(sum(peak.values()), peak, time.monotonic() - start, output)


def _memory(pid: int, home: str) -> dict[str, float]:
    """Megabytes by program of a process, those below it, and those that serve its home."""
    found: dict[int, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            parents = {parent.pid for parent in process.parents()}
            if process.pid == pid or pid in parents or home in " ".join(process.cmdline()):
                found[process.pid] = process
        except psutil.NoSuchProcess:
            continue
    megabytes: dict[str, float] = {}
    for process in found.values():
        try:
            name = _program(process)
            size = process.memory_full_info().pss / 1e6
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it ended while it was looked at
        megabytes[name] = megabytes.get(name, 0.0) + size
    return megabytes


def _program(process: psutil.Process) -> str:
    words = process.cmdline()
    return str(words[words.index("-m") + 1] if "-m" in words else process.name())
