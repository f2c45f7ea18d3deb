"""Engines give the vectors of float32, and the fastest of those that do is taken."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rag_service.adapters import engine_choice, engine_measuring, engines
from rag_service.adapters.engine_choice import EngineChoice
from rag_service.adapters.engine_measuring import (
    Calibration,
    Figures,
    beyond,
    measure,
    ndcg_at_10,
)
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
    (file,) = (Path(card.path) / ".engines").glob(f"{engine}.[ox][nm]*")
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
    told = measure(card, ["float32", "bfloat16"], CALIBRATION)
    assert told["float32"].ratio == 1.0
    assert told["bfloat16"].ratio > 0
    judged = {engine for engine, figures in told.items() if figures.cosine is not None}
    assert max(told, key=lambda engine: told[engine].ratio) in judged
    assert all(told[engine].fit and told[engine].cosine > 0.99 for engine in judged)  # type: ignore[operator]


def test_slower_engines_are_judged_when_the_fastest_is_beyond_tolerance(
    card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_measuring, "MIN_COSINE", 0.99999999)
    speeds = {"float32": 1.0, "bfloat16": 2.0}
    told = measure(card, ["float32", "bfloat16"], CALIBRATION, speeds)
    assert "below 0.99999999" in told["bfloat16"].refused
    assert told["float32"].cosine is not None
    assert told["bfloat16"].ratio == 2.0, "known of the shape"


def test_an_engine_that_fails_is_refused_with_its_reason(
    card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: Any, engine: str, folder: Path) -> None:
        if engine != "float32":
            raise ModelError("an operator is unknown")

    monkeypatch.setattr("rag_service.adapters.sentence_embedder.put_in", broken)
    for speeds in ({}, {"float32": 1.0, "onnx-int8": 3.0}):
        told = measure(card, ["float32", "onnx-int8"], CALIBRATION, speeds)
        assert told["onnx-int8"] == Figures(refused="an operator is unknown")
        assert told["float32"].fit


def test_a_loss_of_ranking_is_refused() -> None:
    assert beyond(0.999, 0.004) == ""
    assert "NDCG@10 0.0060" in beyond(0.999, 0.006)
    assert "cosine" in beyond(float("nan"), 0.0)


def test_ndcg_is_that_of_its_definition() -> None:
    passages = np.eye(3, dtype=np.float32)
    questions = np.array([[1.0, 0.5, 0.0], [0.2, 0.9, 0.5]], np.float32)
    assert ndcg_at_10(passages, questions, [[0], [1]]) == 1.0
    second = ndcg_at_10(passages, questions[:1], [[1]])
    assert second == pytest.approx(1 / np.log2(3))


class Measured:
    """Choices from figures of no engine that really ran: 8 bits are beyond, the last is fastest."""

    def __init__(self, card: ModelCard, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "cache" / "engines.json"
        self.card = replace(card, path=str(folder / "model"))
        shutil.copytree(card.path, folder / "model", ignore=shutil.ignore_patterns(".engines"))
        self.asked: list[tuple[list[str], bool]] = []
        monkeypatch.setattr(engine_choice, "_measure_apart", self._told)
        monkeypatch.setattr(engines, "find_spec", lambda name: object())
        monkeypatch.setattr(engines, "cpu_has_bfloat16", lambda: True)

    def _told(
        self, card: ModelCard, wanted: list[str], _: Calibration, speeds: dict[str, float]
    ) -> dict[str, Figures]:
        self.asked.append((wanted, bool(speeds)))
        folder = Path(card.path) / ".engines"
        folder.mkdir(exist_ok=True)
        for engine in wanted:
            (folder / f"{engine}.xml").touch()
        return {
            name: Figures(1.0 + number, 0.999, 0.0, "below tolerance" if "int8" in name else "")
            for number, name in enumerate(wanted)
        }

    def choose(self, precision: str, card: ModelCard | None = None) -> str:
        return EngineChoice(self.file, lambda: CALIBRATION).choose(card or self.card, precision)


@pytest.fixture
def measured(card: ModelCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Measured:
    return Measured(card, tmp_path, monkeypatch)


def test_the_fastest_within_tolerance_is_chosen_and_not_measured_again(measured: Measured) -> None:
    assert measured.choose("auto") == "openvino-bfloat16"
    assert measured.choose("auto") == "openvino-bfloat16"
    assert len(measured.asked) == 1
    kept = [file.name for file in (Path(measured.card.path) / ".engines").iterdir()]
    assert kept == ["openvino-bfloat16.xml"], "the others can be made again"


def test_an_engine_that_is_forced_is_judged_too(measured: Measured) -> None:
    assert measured.choose("onnx-float32") == "onnx-float32"
    for forced in ("int8", "openvino-int8"):
        with pytest.raises(ConfigError, match="below tolerance"):
            measured.choose(forced)
    assert measured.choose("float32") == "float32"
    wanted = [engines for engines, _ in measured.asked]
    assert wanted == [["onnx-float32"], ["onnx-int8", "openvino-int8"]]


def test_a_model_of_a_known_shape_is_judged_and_not_timed(measured: Measured) -> None:
    measured.choose("auto")
    measured.choose("auto", replace(measured.card, fingerprint="m" + "1" * 16))
    assert [speeds for _, speeds in measured.asked] == [False, True]


def test_another_machine_measures_for_itself(
    measured: Measured, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured.choose("auto")
    monkeypatch.setattr(engine_choice, "_processor", lambda: "another one")
    measured.choose("auto")
    assert [speeds for _, speeds in measured.asked] == [False, False]
    kept = json.loads(measured.file.read_text())
    assert len(kept) == 2
    assert "another one" in {entry["machine"]["processor"] for entry in kept.values()}


def test_figures_that_cannot_be_read_say_what_to_do(measured: Measured) -> None:
    measured.choose("auto")
    measured.file.write_text("{")
    with pytest.raises(ModelError, match="delete it"):
        measured.choose("auto")


def test_a_measuring_process_that_dies_says_what_to_set(
    card: ModelCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "false")
    with pytest.raises(ModelError, match=r"status 1.*RAGLOOP_PRECISION=bfloat16"):
        engine_choice._measure_apart(card, ["bfloat16"], CALIBRATION, {})


@pytest.mark.slow
def test_a_model_is_measured_when_it_is_first_loaded(card: ModelCard, tmp_path: Path) -> None:
    registry = FileModelRegistry(tmp_path, tmp_path, "auto", 8, calibration=lambda: CALIBRATION)
    entry = registry.add(Path(card.path), name="tests/tiny")
    embedder = registry.load(entry.fingerprint)
    chosen, told = registry.prepare(entry.fingerprint)
    assert embedder.engine == chosen
    assert set(told) == set(runnable())
    assert told[chosen].fit
    # The fingerprint is that of the weights, whatever computes them.
    assert registry.add(Path(card.path), name="again") == entry
