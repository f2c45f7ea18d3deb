"""The report's sections on training, on what was measured beside the questions, and on commands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from eval.gate import GateFacts
from eval.history import KeptDecision
from eval.latency import Latency
from eval.report.facts import compared
from rag_service.core.types import GateDecision, Interval, Probe
from tests.unit import report_cases as cases
from tests.unit.report_cases import REASONS, Page, journal, report, written


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Page, str]:
    return written(report(), tmp_path_factory.mktemp("page"))


def test_how_to_reproduce_tells_commands_settings_and_versions(page: tuple[Page, str]) -> None:
    told = page[0].text[page[0].text.index("How to reproduce", 200) :]
    assert "RAGLOOP_EMBEDDING_MODEL='tests/tiny model' RAGLOOP_LLM=none RAGLOOP_SEED=13" in told
    assert "ragloop improve --questions 400 --negatives 2" in told
    assert "--hard-negatives" not in told
    assert 'ragloop compare r0001 r0002 --dataset "$RAGLOOP_HOME"/question_sets/people' in told
    assert "train 61 s" in told
    assert "3.11.9" in told


def test_curves_of_a_trained_model(page: tuple[Page, str]) -> None:
    parsed, text = page
    assert "Training loss 721 pairs" in parsed.text
    assert "step 3: 6.25; step 6: 4.81" in parsed.text, "a loss was logged at each tenth"
    assert "step 18: 0.516; step 23: 0.515; chosen: step 18; base: 0.349" in parsed.text
    assert "part of trained weights 0: 0.349" in parsed.text, (
        "the base is the average with nothing trained"
    )
    assert "TRAINED_2023_10K.pdf" in parsed.text
    by_step = dict(cases.TRAINING) | {"loss_by_step": {"10": 2.0, "5": 4.0}}
    assert "losses" in by_step
    assert text.count('class="curve"') == 3


def probe(release: str, scores: list[float]) -> Probe:
    by_id = {f"g{i}": score for i, score in enumerate(scores)}
    mean = sum(scores) / len(scores)
    return Probe("digest", release, len(scores), 7, Interval(mean, mean - 0.1, mean + 0.1), by_id)


def test_general_text_latency_and_other_ways_to_search_are_told_where_measured(
    tmp_path: Path,
) -> None:
    (facts,) = report().sets
    old, new = facts.points
    served = {"served_recall@10": Interval(0.987, 0.98, 0.99)}
    cut = {"ndcg@10": Interval(0.401, 0.35, 0.45)}
    old = replace(old, probe=probe("r0001", [0.9, 0.8, 1.0, 0.7]))
    new = replace(
        new,
        probe=probe("r0002", [0.8, 0.8, 1.0, 0.7]),
        variants={"dims=64": cut, "exact": {**new.metrics, **served}, "dims=128": cut},
    )
    latency = Latency(11.25, 12.5, Interval(1.1, 1.05, 1.15), questions=40, rounds=5, seed=7)
    known = GateFacts((), (), True, latency)
    said = GateDecision(True, REASONS)
    kept = KeptDecision(old.run_id, new.run_id, said, "2025-01-02T00:00:00Z", None, known)
    decision = compared(old, new, kept)
    assert decision.probe
    assert decision.probe.value == pytest.approx(-0.025)
    sets = (replace(facts, points=(old, new), compared=decision),)
    parsed, _ = written(report(sets=sets, decisions=(decision,)), tmp_path)
    told = parsed.text[parsed.text.index("Beside the questions", 300) :]
    assert "0.850 [0.750, 0.950]" in told
    assert "−0.025" in told
    assert "11.2 ms12.5 ms× 1.100 [1.050, 1.150]" in told
    assert "0.987 [0.980, 0.990] of the nearest ten" in told
    assert told.index("served") < told.index("exact") < told.index("128 d") < told.index("64 d")
    assert (parsed.wrong, parsed.open) == ([], [])
    ids = parsed.values("id")
    assert len(ids) == len(set(ids))


def test_what_was_not_measured_has_no_section(page: tuple[Page, str]) -> None:
    assert "Beside the questions" not in page[0].text


def test_curves_by_step_are_drawn_as_they_were_kept(tmp_path: Path) -> None:
    training = dict(cases.TRAINING) | {
        "loss": {"pairs": "mnrl", "own": "mnrl"},
        "curves": {
            "training": [
                {"step": step, "loss": 5.0 / step, "learning_rate": 1e-5 * step}
                for step in range(1, 24)
            ],
            "validation": [{"step": 0, "score": 0.349}, {"step": 18, "score": 0.516}],
        },
    }
    parsed, _ = written(report(models=(cases.card("r0002", **training),)), tmp_path)
    assert "Learning rate × 10−4" in parsed.text
    assert "step 1: 5.00" in parsed.text
    assert "step 0: 0.349; step 18: 0.516" in parsed.text
    assert "Lossmnrl" in parsed.text


def test_the_options_that_are_set_are_told_as_flags(tmp_path: Path) -> None:
    options = {
        "data": {
            "max_questions": 300,
            "max_minutes": 20.0,
            "questions_file": "/a b.csv",
            "seed": 3,
        },
        "training": {
            "epochs": 2,
            "patience": 0,
            "dims": [256, 128],
            "learning_rate": 1e-4,
            "adapter": True,
            "batch_size": 0,
            "texts_file": "/t.jsonl",
            "texts_format": "triplets",
            "processes": 2,
        },
        "negatives": 4,
    }
    manifest = {"revision": "abc-dirty", "versions": {"torch": "2.13.0"}, "platform": "Linux"}
    job = dict(journal()) | {"arguments": {"options": options}, "manifest": manifest}
    parsed, _ = written(report(jobs=(job, {})), tmp_path)
    assert (
        "RAGLOOP_SEED=3 \\\n  ragloop improve --questions 300 --llm-minutes 20 --epochs 2 "
        "--patience 0 --negatives 4 --questions-file '/a b.csv' --train-data /t.jsonl "
        "--dims 256,128 --learning-rate 0.0001 --adapter --format triplets --processes 2"
    ) in parsed.text
    assert "abc-dirty" in parsed.text
    assert "torch2.13.0" in parsed.text
