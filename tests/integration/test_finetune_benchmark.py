"""`ragloop bench finetune`: three arms, equally many pairs, the same questions."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def bench(home: Path, model: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "rag_service.cli", "bench", "finetune", *arguments, "--json"]
    settings = {
        "RAGLOOP_HOME": str(home),
        "RAGLOOP_EMBEDDING_MODEL": model,
        "RAGLOOP_LLM": "none",
    }
    return subprocess.run(
        command,
        env=os.environ | settings,
        text=True,
        capture_output=True,
        timeout=280,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def report(
    tmp_path_factory: pytest.TempPathFactory, home: Path, some_filings: Path, narrow_model: str
) -> dict[str, Any]:
    own = tmp_path_factory.mktemp("questions") / "own"
    (own / "qrels").mkdir(parents=True)
    page = f"{sorted(some_filings.iterdir())[0].name}#page=3"
    (own / "queries.jsonl").write_text(json.dumps({"_id": "p1", "text": "Who wins?"}) + "\n")
    (own / "qrels" / "dev.tsv").write_text(f"query-id\tcorpus-id\tscore\np1\t{page}\t1\n")
    arguments = [str(some_filings), "--questions", "100", "--dataset", str(own), "--split", "dev"]
    arguments += ["--recipe-minutes", "0", "--accumulation", "16", "--accumulation", "1"]
    done = bench(home, narrow_model, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.timeout(300)
def test_arms_learn_from_equally_many_pairs_and_have_releases_of_their_own(
    report: dict[str, Any],
) -> None:
    training = report["training"]
    recipe, small_steps = (training[f"recipe, {n} batches a step"] for n in (16, 1))
    assert report["pairs"] == recipe["rows"] == recipe["train_rows"] + recipe["test_rows"]
    assert training["ragloop"]["train_pairs"] < report["pairs"], "validation is of the pairs"
    assert recipe["llm_pairs"] == 0
    assert recipe["recipe"]["epochs"] == small_steps["recipe"]["epochs"] == 4
    assert recipe["steps"] < small_steps["steps"]
    assert set(recipe["own_ndcg@10"]) == {"before", "after"}
    # Arms of which no epoch was better than the base end with the same weights.
    runs = report["sets"][0]["runs"]
    models = {runs[arm]["model"] for arm in report["releases"]}
    assert 3 <= len(models) == len(set(report["releases"].values()))
    assert not report["refused"]


@pytest.mark.timeout(300)
def test_all_arms_are_asked_the_same_questions(report: dict[str, Any]) -> None:
    recipes = [f"recipe, {number} batches a step" for number in (16, 1)]
    synthetic, own = report["sets"]
    assert synthetic["unseen_questions"] == synthetic["questions"]
    assert synthetic["question_set"] == "held-out synthetic"
    assert (own["question_set"], own["split"], own["questions"]) == ("own", "dev", 1)
    for found in report["sets"]:
        assert list(found["runs"]) == ["base", *recipes, "ragloop"]
        asked = {tuple(run["per_question"]) for run in found["runs"].values()}
        assert len(asked) == 1
        for name, difference in found["differences"].items():
            b, a = name.split(" - ")
            figures = [found["runs"][arm]["metrics"]["ndcg@10"]["value"] for arm in (a, b)]
            assert difference["ndcg@10"]["value"] == pytest.approx(figures[1] - figures[0])
    for difference in synthetic["differences"].values():
        assert difference["ndcg@10 on unseen documents"] == difference["ndcg@10"]


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("report")
def test_a_home_of_another_run_is_refused(
    home: Path, some_filings: Path, narrow_model: str, tmp_path: Path
) -> None:
    first, *_ = sorted(some_filings.iterdir())
    others = bench(home, narrow_model, str(first), "--recipe-minutes", "0")
    assert others.returncode == 2
    assert "documents that were not named" in others.stdout
    shutil.copytree(narrow_model, tmp_path / "other")
    settings = json.loads((tmp_path / "other" / "1_Pooling" / "config.json").read_text())
    changed = settings | {"pooling_mode": "cls"}
    (tmp_path / "other" / "1_Pooling" / "config.json").write_text(json.dumps(changed))
    other = bench(home, str(tmp_path / "other"), str(some_filings), "--recipe-minutes", "0")
    assert other.returncode == 2
    assert "serves another model" in other.stdout


def test_a_recipe_without_an_llm_is_refused_before_anything_is_read(
    tmp_path: Path, some_filings: Path, narrow_model: str
) -> None:
    done = bench(tmp_path, narrow_model, str(some_filings))
    assert done.returncode == 2
    assert "--recipe-minutes 0" in json.loads(done.stdout)["error"]["message"]
    assert not list(tmp_path.glob("jobs/*/recipe"))
