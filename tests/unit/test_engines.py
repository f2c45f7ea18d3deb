"""Engines give the vectors of float32, and the fastest of those that do is taken."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag_service.adapters import engine_choice, engines
from rag_service.adapters.engine_choice import Calibration, Figures, choose, figures, measure
from rag_service.adapters.engines import ENGINES, named
from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.adapters.sentence_embedder import SentenceEmbedder
from rag_service.core.errors import ConfigError, ModelError
from rag_service.core.types import ModelCard
from tests.fakes.tiny_model import tiny_model

TEXTS = [
    "net sales rose",
    "lawsuits",
    "the lease of the headquarters ends in 2027 and may be renewed " * 6,
    "the dividend was raised to a dollar a share",
]
CALIBRATION = Calibration(TEXTS, ["who leases the headquarters", "dividend"], [[2], [3]])


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    folder = tmp_path_factory.mktemp("tiny")
    return tiny_model(folder, [*TEXTS, *CALIBRATION.questions], dims=64)


def runnable() -> list[str]:
    return named("auto", "cpu")


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_gives_the_vectors_of_float32(card: ModelCard, engine: str) -> None:
    if engine not in runnable():
        pytest.skip(f"{engine} cannot run here")
    folder = Path(card.path)
    exact = SentenceEmbedder(card, folder, "float32", 4)
    other = SentenceEmbedder(card, folder, engine, 4)
    assert other.engine == engine
    for ours, theirs in (
        (other.embed_documents(TEXTS), exact.embed_documents(TEXTS)),
        (other.embed_queries(TEXTS), exact.embed_queries(TEXTS)),
    ):
        assert ours.dtype == np.float32
        # Texts of all lengths share a batch: a mask that is lost gives some 0.9.
        assert (ours * theirs).sum(axis=1).min() > 0.99


def test_vectors_are_those_of_the_librarys_own_encode(card: ModelCard) -> None:
    embedder = SentenceEmbedder(card, Path(card.path), "float32", 2)
    theirs = embedder._model.encode(TEXTS, prompt="", normalize_embeddings=True)
    np.testing.assert_allclose(embedder.embed_documents(TEXTS), theirs, atol=1e-6)


@pytest.mark.parametrize("engine", ["onnx-int8", "openvino-int8"])
def test_a_converted_model_is_kept(card: ModelCard, engine: str, tmp_path: Path) -> None:
    if engine not in runnable():
        pytest.skip(f"{engine} cannot run here")
    embedder = SentenceEmbedder(card, Path(card.path), engine, 4)
    (file,) = (Path(card.path) / "engines").glob(f"{engine}.[ox][nm]*")
    written = file.stat().st_mtime_ns
    again = SentenceEmbedder(card, Path(card.path), engine, 4)
    assert file.stat().st_mtime_ns == written
    np.testing.assert_array_equal(again.embed_queries(TEXTS), embedder.embed_queries(TEXTS))


def test_what_an_engine_needs_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert named("auto", "cpu") == ["float32", "bfloat16"]
    with pytest.raises(ConfigError, match=r"ragloop\[openvino\]"):
        named("openvino-int8", "cpu")
    with pytest.raises(ConfigError, match="openvino or onnxruntime"):
        named("int8", "cpu")


def test_a_gpu_is_torchs() -> None:
    assert named("auto", "cuda") == ["float32", "bfloat16"]
    with pytest.raises(ConfigError, match="cuda"):
        named("onnx-int8", "cuda")


def test_an_unknown_engine_is_an_error() -> None:
    with pytest.raises(ConfigError, match="RAGLOOP_PRECISION=float8"):
        named("float8", "cpu")


def test_engines_are_measured_against_float32(card: ModelCard) -> None:
    told = measure(card, ["bfloat16"], CALIBRATION)
    assert told["float32"].ratio == 1.0
    assert told["float32"].cosine == pytest.approx(1.0, abs=1e-5)
    assert told["float32"].ndcg_loss == 0.0
    assert told["bfloat16"].seconds > 0
    assert not told["bfloat16"].refused


def test_vectors_beyond_tolerance_are_refused(
    card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_choice, "MIN_COSINE", 1.1)
    told = measure(card, ["bfloat16"], CALIBRATION)
    assert "below 1.1" in told["bfloat16"].refused
    assert told["bfloat16"].ratio == 0.0


def test_an_engine_that_fails_is_refused_with_its_reason(
    card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: Any, engine: str, folder: Path) -> None:
        if engine != "float32":
            raise ModelError("an operator is unknown")

    monkeypatch.setattr("rag_service.adapters.sentence_embedder.put_in", broken)
    assert (
        measure(card, ["onnx-int8"], CALIBRATION)["onnx-int8"].refused == "an operator is unknown"
    )


def test_a_loss_of_ranking_is_refused() -> None:
    assert engine_choice._beyond(0.995, 0.004) == ""
    assert "NDCG@10 0.0060" in engine_choice._beyond(0.995, 0.006)
    assert "cosine" in engine_choice._beyond(float("nan"), 0.0)


def test_ndcg_is_that_of_its_definition() -> None:
    passages = np.eye(3, dtype=np.float32)
    questions = np.array([[1.0, 0.5, 0.0], [0.2, 0.9, 0.5]], np.float32)
    assert engine_choice._ndcg(passages, questions, [[0], [1]]) == 1.0
    second = engine_choice._ndcg(passages, questions[:1], [[1]])
    assert second == pytest.approx(1 / np.log2(3))


@pytest.fixture
def measured(
    card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[ModelCard, list[list[str]]]:
    """A card in a folder of its own, and which engines were measured; 8 bits are beyond."""
    asked: list[list[str]] = []
    refused = "below tolerance"

    def told(card: ModelCard, wanted: list[str], calibration: Calibration) -> dict[str, Any]:
        asked.append(wanted)
        found = {
            name: Figures(1.0, 1.0 + number, 0.999, 0.0, refused if "int8" in name else "")
            for number, name in enumerate(["float32", *wanted])
        }
        return {name: asdict(figure) for name, figure in found.items()}

    monkeypatch.setattr(engine_choice, "_measure_apart", told)
    monkeypatch.setattr(engines, "find_spec", lambda name: object())
    monkeypatch.setattr(engines, "cpu_has_bfloat16", lambda: True)
    return replace(card, path=str(tmp_path)), asked


def test_the_fastest_within_tolerance_is_chosen_and_not_measured_again(
    measured: tuple[ModelCard, list[list[str]]],
) -> None:
    card, asked = measured
    assert choose(card, "auto", CALIBRATION) == "openvino-bfloat16"
    assert choose(card, "auto", CALIBRATION) == "openvino-bfloat16"
    assert len(asked) == 1


def test_an_engine_that_is_forced_is_judged_too(
    measured: tuple[ModelCard, list[list[str]]],
) -> None:
    card, asked = measured
    assert choose(card, "onnx-float32", CALIBRATION) == "onnx-float32"
    for forced in ("int8", "openvino-int8"):
        with pytest.raises(ConfigError, match="below tolerance"):
            choose(card, forced, CALIBRATION)
    assert choose(card, "float32", CALIBRATION) == "float32"
    assert asked == [["onnx-float32"], ["onnx-int8", "openvino-int8"]]


def test_another_machine_measures_for_itself(
    measured: tuple[ModelCard, list[list[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    card, asked = measured
    choose(card, "auto", CALIBRATION)
    monkeypatch.setattr(engine_choice, "_processor", lambda: "another one")
    choose(card, "auto", CALIBRATION)
    assert len(asked) == 2
    kept = json.loads((Path(card.path) / "engines.json").read_text())
    assert len(kept) == 2
    assert {entry["machine"]["processor"] for entry in kept.values()} > {"another one"}


def test_converted_models_that_were_not_chosen_are_removed(
    measured: tuple[ModelCard, list[list[str]]],
) -> None:
    card, _ = measured
    folder = Path(card.path) / "engines"
    folder.mkdir()
    for name in ("onnx-int8.onnx", "openvino-bfloat16.xml", "openvino-bfloat16.bin"):
        (folder / name).touch()
    figures(card, named("auto", "cpu"), CALIBRATION)
    assert sorted(file.name for file in folder.iterdir()) == [
        "openvino-bfloat16.bin",
        "openvino-bfloat16.xml",
    ]


def test_a_measuring_process_that_dies_says_what_to_set(card: ModelCard, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="RAGLOOP_PRECISION=bfloat16"):
        engine_choice._measure_apart(replace(card, path=str(tmp_path)), ["bfloat16"], CALIBRATION)


@pytest.mark.slow
def test_a_model_is_measured_when_it_is_first_loaded(card: ModelCard, tmp_path: Path) -> None:
    registry = FileModelRegistry(tmp_path, tmp_path, "auto", 8, calibration=lambda: CALIBRATION)
    entry = registry.add(Path(card.path), name="tests/tiny")
    embedder = registry.load(entry.fingerprint)
    chosen, told = registry.prepare(entry.fingerprint)
    assert embedder.engine == chosen
    assert set(told) == set(runnable())
    assert not told[chosen].refused
    # The fingerprint is that of the weights, whatever computes them.
    assert registry.add(Path(card.path), name="again") == entry
    # A cut model has vectors of its own, and figures of its own.
    cut = registry.truncated(entry.fingerprint, 16)
    assert not (Path(cut.path) / "engines.json").exists()
