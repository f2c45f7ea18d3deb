"""`ragloop serve` with its worker: jobs over HTTP from end to end, on a home of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from rag_service.loop.jobs import JobStore
from rag_service.loop.own_home import free_port
from tests.fakes.at_once import comes_true
from tests.integration.command_line import CommandLine


class Service:
    def __init__(self, home: Path, model: str) -> None:
        self.port = free_port()
        environment = {
            **os.environ,
            "RAGLOOP_HOME": str(home),
            "RAGLOOP_EMBEDDING_MODEL": model,
            "RAGLOOP_LLM": "none",
            "RAGLOOP_PORT": str(self.port),
        }
        command = [sys.executable, "-m", "rag_service.cli", "serve"]
        with (home / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    @property
    def worker(self) -> psutil.Process | None:
        """The process beside the service."""
        for child in psutil.Process(self.process.pid).children():
            if "spawn_main" in " ".join(child.cmdline()):
                return child
        return None

    def ask(self, method: str, path: str, **more: Any) -> Any:
        url = f"http://127.0.0.1:{self.port}{path}"
        answer = httpx.request(method, url, timeout=30, **more)
        assert answer.is_success, answer.text
        return answer.json()

    def answers(self) -> bool:
        try:
            return bool(self.ask("GET", "/healthz") == {"status": "ok"})
        except httpx.TransportError:
            return False

    def job(self, name: str) -> Any:
        return self.ask("GET", f"/v1/jobs/{name}")

    def tells(self, job: str, field: str, words: str) -> bool:
        """Whether it comes to say so; asked seldom, for the job has the lowest priority."""
        deadline = time.monotonic() + 120
        while words not in self.job(job)[field]:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.2)
        return True

    def events(self, job: str) -> str:
        url = f"http://127.0.0.1:{self.port}/v1/jobs/{job}/events"
        return httpx.get(url, timeout=120).text


@contextmanager
def serving(home: Path, model: str) -> Iterator[Service]:
    service = Service(home, model)
    try:
        assert comes_true(service.answers)
        yield service
    finally:
        service.process.kill()
        service.process.wait()


@pytest.mark.slow
def test_jobs_outlive_their_worker_and_their_service(
    tmp_path: Path,
    some_filings: Path,
    narrow_model: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    home = tmp_path / "home"
    shutil.copytree(some_filings, home / "uploads" / "u1")
    names = sorted(path.name for path in some_filings.iterdir())
    ingest = {"kind": "ingest", "arguments": {"paths": [f"u1/{name}" for name in names[:3]]}}
    with serving(home, narrow_model) as service:
        jobs = JobStore(home)
        job = service.ask("POST", "/v1/jobs", json=ingest)["job"]
        assert service.tells(job, "step", "ingest")
        with jobs.unchanging():  # it waits with the next document
            assert service.job(job)["state"] == "running"
            worker = service.worker
            assert worker is not None
            worker.kill()
        told = service.events(job)
        assert "its worker ended or lost Redis" in told
        assert '"state": "done"' in told
        stored = service.job(job)["result"]["documents"]
        assert [outcome["document"] for outcome in stored] == names[:3]
        live = service.ask("GET", "/v1/releases")["live"]

        with jobs.writing():  # as a command does that ingests
            paths = {"paths": [f"u1/{names[3]}"]}
            waits = service.ask("POST", "/v1/jobs", json={"kind": "ingest", "arguments": paths})
            waiting = waits["job"]
            assert service.tells(waiting, "reason", "another process")
            assert service.job(waiting)["state"] == "running"
            service.ask("POST", f"/v1/jobs/{waiting}/cancel")
            assert service.tells(waiting, "state", "cancelled")
            assert service.ask("GET", "/v1/releases")["live"] == live
            service.ask("POST", f"/v1/jobs/{waiting}/retry")
            assert service.tells(waiting, "state", "running")

            family = psutil.Process(service.process.pid).children(recursive=True)
            service.process.send_signal(signal.SIGTERM)
            service.process.wait(30)
            _, left = psutil.wait_procs(family, 10)
            assert left == []

    ragloop = CommandLine(home, {"RAGLOOP_EMBEDDING_MODEL": narrow_model}, monkeypatch, capfd)
    listed = ragloop("jobs", "--json").document["jobs"]
    assert [(found["job"], found["state"]) for found in listed] == [
        (waiting, "queued"),
        (job, "done"),
    ]
    shown = ragloop("jobs", "show", job, "--json").document
    assert len(shown["result"]["documents"]) == 3
    assert any("registered" in line for line in shown["log"])
    assert ragloop("jobs", "cancel", waiting, "--json").document["state"] == "cancelled"
    assert ragloop("jobs", "retry", waiting, "--json").document["state"] == "queued"
    assert ragloop("jobs", "retry", waiting, "--json").status == 2
    assert ragloop("jobs", "show", "nothing", "--json").error["code"] == "not_found"
    assert waiting in ragloop("jobs").stdout
