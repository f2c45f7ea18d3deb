"""The whole loop in processes of its own, killed on the way, with a model of two narrow layers."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def start(home: Path, model: str, filings: Path) -> subprocess.Popen[str]:
    environment = os.environ | {
        "RAGLOOP_HOME": str(home),
        "RAGLOOP_EMBEDDING_MODEL": model,
        "RAGLOOP_LLM": "none",
    }
    command = [sys.executable, "-m", "rag_service.cli", "demo", "--filings", str(filings)]
    command += ["--questions", "240", "--llm-questions", "0", "--json"]
    return subprocess.Popen(
        command,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    stdout, stderr = process.communicate(timeout=280)
    assert process.returncode in (0, 1), stderr
    document: dict[str, Any] = json.loads(stdout)
    assert "error" not in document, document
    assert document["gate"]["promoted"] == (process.returncode == 0)
    return document


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def document(home: Path, some_filings: Path, narrow_model: str) -> dict[str, Any]:
    """What the demo reports after it was killed three times."""
    moments = random.Random(7)
    for _ in range(3):
        process = start(home, narrow_model, some_filings)
        time.sleep(moments.uniform(4, 15))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    return finish(start(home, narrow_model, some_filings))


def test_no_job_begins_anew_although_the_demo_is_killed(
    document: dict[str, Any], home: Path
) -> None:
    statuses = {found["status"] for found in document["documents"]}
    assert statuses <= {"added", "unchanged", "replaced"}
    journals = [json.loads(path.read_text()) for path in home.glob("jobs/*/journal.json")]
    assert {journal["state"] for journal in journals} == {"done"}


def test_the_figures_are_whole_and_of_the_same_questions(document: dict[str, Any]) -> None:
    before, after = document["before"], document["after"]
    assert before["release"] != after["release"]
    assert before["model"] != after["model"]
    assert before["questions"] == after["questions"] >= 30
    assert before["per_question"].keys() == after["per_question"].keys()
    for run in (before, after):
        figure = run["metrics"]["ndcg@10"]
        assert 0 <= figure["low"] <= figure["value"] <= figure["high"] <= 1
    gain = after["metrics"]["ndcg@10"]["value"] - before["metrics"]["ndcg@10"]["value"]
    assert document["difference"]["ndcg@10"]["value"] == pytest.approx(gain)


def test_the_demo_again_begins_with_the_same_model(
    document: dict[str, Any], home: Path, some_filings: Path, narrow_model: str
) -> None:
    again = finish(start(home, narrow_model, some_filings))
    assert again["before"]["model"] == document["before"]["model"]
    assert {found["status"] for found in again["documents"]} == {"unchanged"}
