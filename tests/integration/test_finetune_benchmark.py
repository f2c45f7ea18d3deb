"""`ragloop bench finetune`: three arms, equally many pairs, the same questions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(
    tmp_path_factory: pytest.TempPathFactory, some_filings: Path, narrow_model: str
) -> dict[str, Any]:
    home = tmp_path_factory.mktemp("home")
    own = home / "own"
    (own / "qrels").mkdir(parents=True)
    page = f"{sorted(some_filings.iterdir())[0].name}#page=3"
    (own / "queries.jsonl").write_text(json.dumps({"_id": "p1", "text": "Who wins?"}) + "\n")
    (own / "qrels" / "dev.tsv").write_text(f"query-id\tcorpus-id\tscore\np1\t{page}\t1\n")
    command = [sys.executable, "-m", "rag_service.cli", "bench", "finetune", str(some_filings)]
    command += ["--questions", "200", "--dataset", str(own), "--split", "dev", "--json"]
    done = subprocess.run(
        command,
        env=os.environ
        | {
            "RAGLOOP_HOME": str(home / "home"),
            "RAGLOOP_EMBEDDING_MODEL": narrow_model,
            "RAGLOOP_LLM": "none",
        },
        text=True,
        capture_output=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(300)
def test_arms_learn_from_equally_many_pairs_and_have_releases_of_their_own(
    report: dict[str, Any],
) -> None:
    own, recipe = report["ragloop"], report["recipe"]
    assert report["pairs"] == recipe["rows"] == recipe["train_rows"] + recipe["test_rows"]
    assert own["train_pairs"] < report["pairs"], "validation counts among the pairs"
    assert recipe["llm_pairs"] == 0
    assert recipe["recipe"]["epochs"] == 4
    assert set(recipe["own_ndcg@10"]) == {"before", "after"}
    assert len(set(report["releases"].values())) == 3


@pytest.mark.timeout(300)
def test_all_arms_are_asked_the_same_questions(report: dict[str, Any]) -> None:
    synthetic, own = report["sets"]
    assert synthetic["question_set"] == "held-out synthetic"
    assert (own["question_set"], own["split"], own["questions"]) == ("own", "dev", 1)
    for found in report["sets"]:
        assert list(found["runs"]) == ["base", "recipe", "ragloop"]
        asked = {tuple(run["per_question"]) for run in found["runs"].values()}
        assert len(asked) == 1
        for name, difference in found["differences"].items():
            b, a = name.split(" - ")
            figures = [found["runs"][arm]["metrics"]["ndcg@10"]["value"] for arm in (a, b)]
            assert difference["ndcg@10"]["value"] == pytest.approx(figures[1] - figures[0])
