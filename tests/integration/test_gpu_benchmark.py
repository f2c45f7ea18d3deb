"""`ragloop bench gpu` on a processor: that the script runs, and what it says without a GPU."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.speed import Shape, forward_flops
from tests.integration.command_line import CommandLine


@pytest.fixture
def ragloop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CommandLine:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return CommandLine(tmp_path / "home", {}, monkeypatch, capfd)


def test_all_arms_are_told_as_shares_of_the_matrix_rate(
    ragloop: CommandLine, tmp_path: Path
) -> None:
    figures = tmp_path / "gpu.json"
    words = ["--device", "cpu", "--layers", "1", "--texts", "8", "--rounds", "2"]
    outcome = ragloop("bench", "gpu", *words, "--output", figures, "--json")
    report = outcome.document
    assert outcome.status == 0
    assert json.loads(figures.read_text()) == report
    assert (report["device"], report["layers"], report["texts"]) == ("cpu", 1, 8)
    assert set(report["arms"]) == {"plain", "ragloop", "network"}
    for name, arm in report["arms"].items():
        assert len(report["seconds"][name]) == 2
        assert arm["tokens_per_second"] > 0
        done = arm["tokens_per_second"] * report["flops_per_token"]
        assert arm["share_of_matrix_rate"] == pytest.approx(
            done / 1e12 / report["matrix_teraflops"]
        )


def test_without_a_gpu_it_says_what_it_needs(ragloop: CommandLine) -> None:
    outcome = ragloop("bench", "gpu", "--json")
    assert outcome.status == 2
    assert outcome.error["code"] == "config"
    assert "needs an NVIDIA GPU" in outcome.error["message"]
    assert "--device cpu" in outcome.error["message"]


def test_operations_of_a_token_of_bge_base() -> None:
    # By hand: 12 layers, 12 · 768² weights each, two operations; 4 · 768 for each of 256 tokens.
    assert forward_flops(Shape(12, 768), [256]) / 256 == 12 * (24 * 768**2 + 4 * 768 * 256)
