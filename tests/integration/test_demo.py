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

pytestmark = pytest.mark.slow


def start(home: Path, model: str, filings: Path) -> subprocess.Popen[str]:
    environment = os.environ | {
        "RAGLOOP_HOME": str(home),
        "RAGLOOP_EMBEDDING_MODEL": model,
        "RAGLOOP_LLM": "none",
    }
    command = [sys.executable, "-m", "rag_service.cli", "demo", "--filings", str(filings)]
    command += ["--questions", "400", "--llm-questions", "0", "--json"]
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


@pytest.mark.timeout(600)
def test_the_demo_finishes_although_it_is_killed_three_times(
    tmp_path: Path, some_filings: Path, narrow_model: str
) -> None:
    moments = random.Random(7)
    for _ in range(3):
        process = start(tmp_path, narrow_model, some_filings)
        time.sleep(moments.uniform(4, 15))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

    document = finish(start(tmp_path, narrow_model, some_filings))
    journals = [json.loads(path.read_text()) for path in tmp_path.glob("jobs/*/journal.json")]
    assert {journal["state"] for journal in journals} == {"done"}, "a killed job began anew"

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
    assert {d["status"] for d in document["documents"]} <= {"added", "unchanged", "replaced"}

    again = finish(start(tmp_path, narrow_model, some_filings))

    assert again["before"]["model"] == before["model"]
    assert {d["status"] for d in again["documents"]} == {"unchanged"}
