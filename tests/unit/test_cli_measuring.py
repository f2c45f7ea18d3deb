"""``ragloop evaluate`` and ``ragloop export`` over fake stores."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from eval.question_sets import load, save
from tests.integration.command_line import CommandLine
from tests.unit.test_evaluation import Measured, asked


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    return tmp_path / "own"


@pytest.fixture
def ragloop(
    tmp_path: Path,
    dataset: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> CommandLine:
    measured = Measured(tmp_path)
    save(dataset, asked(measured.chunks))
    measured.world.promote("r0001")

    @contextmanager
    def opened(*_: object) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(
            evaluator=measured.evaluator,
            chunks=measured.world.chunks,
            improver=SimpleNamespace(live_release=lambda: "r0001"),
            newest_question_set=lambda: dataset,
        )

    monkeypatch.setattr("rag_service.cli.measuring.open_services", opened)
    return CommandLine(tmp_path, {}, monkeypatch, capfd)


def test_evaluate_reports_all_that_was_asked_for(
    ragloop: CommandLine, dataset: Path, tmp_path: Path
) -> None:
    trec = tmp_path / "run.trec"
    outcome = ragloop(
        "evaluate", "--dataset", dataset, "--dims", "32, 8", "--probe", "--trec", trec, "--json"
    )
    document = outcome.document
    assert outcome.status == 0
    assert (document["release"], document["question_set"], document["split"]) == (
        "r0001",
        "own",
        "test",
    )
    assert list(document["variants"]) == ["exact", "dims=32", "dims=8"]
    assert document["variants"]["exact"]["served_recall@10"]["value"] == 1.0
    assert document["probe"]["ndcg@10"].keys() == {"value", "low", "high", "by"}
    assert document["metrics"]["ndcg@10"].keys() == {"value", "low", "high", "by"}
    assert document["trec"] == str(trec)
    assert {line.split()[0] for line in trec.read_text().splitlines()} == set(
        document["per_question"]
    )


def test_evaluate_tells_a_person_the_same(ragloop: CommandLine, dataset: Path) -> None:
    shown = ragloop("evaluate", "--dataset", dataset, "--exact", "--probe").stdout
    assert "own/test on r0001" in shown
    assert "served_recall@10" in shown
    assert "general text, 84 questions" in shown
    assert "intervals by bootstrap over questions" in shown


def test_a_single_question_has_no_interval_to_show(
    ragloop: CommandLine, dataset: Path, tmp_path: Path
) -> None:
    questions = load(dataset, "test")
    save(tmp_path / "one", replace(questions, questions=questions.questions[:1]))
    shown = ragloop("evaluate", "--dataset", tmp_path / "one").stdout
    assert "an interval needs more than one question" in shown
    assert not re.search(r"\[\d", shown)
    figure = ragloop("evaluate", "--dataset", tmp_path / "one", "--json").document["metrics"]
    assert {type(bound) for bound in figure["ndcg@10"].values()} == {float, str}


@pytest.mark.parametrize(("dims", "message"), [("12x", "'12x'"), ("64", "have 64 dimensions")])
def test_wrong_dimensions_are_wrong_usage(
    ragloop: CommandLine, dataset: Path, dims: str, message: str
) -> None:
    outcome = ragloop("evaluate", "--dataset", dataset, "--dims", dims, "--json")
    assert outcome.status == 2
    assert message in outcome.error["message"]


def test_export_writes_what_evaluate_reads(
    ragloop: CommandLine, dataset: Path, tmp_path: Path
) -> None:
    target = tmp_path / "for others"
    outcome = ragloop("export", target, "--json")
    assert outcome.status == 0
    assert outcome.document["folder"] == str(target)
    rows = [json.loads(line) for line in (target / "corpus.jsonl").read_text().splitlines()]
    assert len(rows) == outcome.document["corpus"]
    again = ragloop("evaluate", "--dataset", target, "--json").document
    first = ragloop("evaluate", "--dataset", dataset, "--json").document
    assert (again["metrics"], again["judgments"]) == (first["metrics"], first["judgments"])
    refused = ragloop("export", target, "--json")
    assert (refused.status, refused.error["code"]) == (2, "data")
