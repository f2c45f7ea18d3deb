"""Training with a real trainer on a tiny model: it learns, resumes, and stays quiet."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from finetune.build import build_pairs
from finetune.negatives import mine
from finetune.options import DataOptions, TrainedModel, TrainingData, TrainOptions
from finetune.train import train
from rag_service.core.errors import DataError, ModelError
from rag_service.core.types import Chunk, ModelCard
from tests.fakes.filings import filings
from tests.fakes.searches import fixed_searches
from tests.fakes.tiny_model import tiny_model

_OPTIONS = TrainOptions(epochs=4, learning_rate=3e-3, precision="float32")


@dataclass(frozen=True)
class Setting:
    base: ModelCard
    data: TrainingData
    chunks: dict[str, Chunk]

    def train(self, out: Path, options: TrainOptions = _OPTIONS, **more: object) -> TrainedModel:
        folder = Path(self.base.path)
        return train(self.base, folder, self.data, self.chunks, out, options, **more)  # type: ignore[arg-type]


def make_setting(folder: Path) -> Setting:
    """The same in every process."""
    chunks = {chunk.chunk_id: chunk for chunk in filings()}
    data = build_pairs(list(chunks.values()), None, DataOptions(max_questions=300), folder / "data")
    words = [c.embedded_text for c in chunks.values()] + [p.question for p in data.pairs]
    return Setting(tiny_model(folder / "base", words), data, chunks)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield make_setting(tmp_path_factory.mktemp("finetune"))
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained(setting: Setting, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    return setting.train(tmp_path_factory.mktemp("trained"))


def test_training_lifts_retrieval_on_documents_it_never_saw(trained: TrainedModel) -> None:
    figures = trained.figures
    assert figures["improved"] is True
    assert figures["validation_score"] > figures["validation_base"] + 0.2
    assert figures["losses"][-1] < 0.7 * figures["losses"][0]
    assert len(figures["validation_by_step"]) >= 4
    by_weight = figures["validation_by_weight"]
    assert set(by_weight) == {"0.5", "0.75", "1.0"}
    assert figures["validation_score"] == max(by_weight.values())
    assert by_weight["1.0"] == max(figures["validation_by_step"].values())
    json.dumps(figures)


def test_the_figures_say_what_was_trained_on_and_how(
    setting: Setting, trained: TrainedModel
) -> None:
    figures = trained.figures
    for split in ("train", "validation"):
        documents = {pair.document for pair in setting.data.pairs if pair.split == split}
        assert figures[f"{split}_documents"] == sorted(documents)
    assert figures["precision"] == "float32"
    assert figures["batch_size"] == 32
    assert figures["loss"] == {"questions": "MultipleNegativesRankingLoss"}
    assert figures["dims"] == [setting.base.dims]
    assert figures["attention"] == "sdpa"


def test_the_result_is_a_model_with_prompts_limits_and_a_card(
    setting: Setting, trained: TrainedModel
) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(trained.folder), device="cpu", local_files_only=True)
    assert model.prompts["query"] == setting.base.query_prompt
    assert model.prompts["document"] == setting.base.document_prompt
    assert model.max_seq_length == setting.base.max_tokens
    assert model.encode_query(["capex of Alder Mills?"]).shape == (1, setting.base.dims)
    card = (trained.folder / "README.md").read_text()
    assert setting.data.fingerprint in card
    assert f"{trained.figures['validation_base']:.4f}" in card
    left = sorted(path.name for path in trained.folder.parent.iterdir())
    assert left == ["lock", "manifest.json", "model"]


def test_a_finished_training_is_not_repeated(setting: Setting, trained: TrainedModel) -> None:
    told: list[str] = []
    again = setting.train(trained.folder.parent, progress=lambda step, *_: told.append(step))
    assert again == trained
    assert not told


def test_other_options_or_data_start_anew(setting: Setting, tmp_path: Path) -> None:
    short = replace(_OPTIONS, epochs=1, merge_weights=(1.0,), checkpoints=1)
    first = setting.train(tmp_path, short)
    second = setting.train(tmp_path, replace(short, seed=14))
    assert first.figures["steps"] == second.figures["steps"] > 1
    assert len(second.figures["validation_by_step"]) == 1
    assert second.figures["resumed_from"] == 0
    assert second.figures["losses"] != first.figures["losses"]


def test_hard_negatives_and_bfloat16_train_too(setting: Setting, tmp_path: Path) -> None:
    mined = mine(setting.data.pairs, fixed_searches(), setting.chunks, count=2)
    options = replace(_OPTIONS, epochs=1, precision="bfloat16", max_tokens=64)
    model = setting.train(tmp_path, options, negatives=mined)
    assert model.figures["hard_negatives"] is True
    assert model.figures["precision"] == "bfloat16"
    assert model.figures["max_tokens"] == 64


def test_a_training_that_does_not_help_says_so(setting: Setting, tmp_path: Path) -> None:
    options = replace(_OPTIONS, epochs=1, learning_rate=1e-12, merge_weights=(1.0,))
    model = setting.train(tmp_path, options)
    assert model.figures["improved"] is False
    assert "No checkpoint" in (model.folder / "README.md").read_text()


def test_leaks_empty_splits_and_broken_models_are_refused(setting: Setting, tmp_path: Path) -> None:
    pairs = setting.data.pairs
    leaked = replace(pairs[0], split="test" if pairs[0].split == "train" else "train")
    bad = replace(setting.data, pairs=(leaked, *pairs[1:]))
    with pytest.raises(DataError, match="in the splits"):
        replace(setting, data=bad).train(tmp_path)
    only = replace(setting.data, pairs=tuple(p for p in pairs if p.split == "test"))
    with pytest.raises(DataError, match="split train"):
        replace(setting, data=only).train(tmp_path)
    with pytest.raises(ModelError, match="cannot be loaded"):
        train(setting.base, tmp_path / "nowhere", setting.data, setting.chunks, tmp_path, _OPTIONS)


_CHILD = """
import os, signal, sys
from pathlib import Path
import torch
from tests.integration.test_finetune_train import make_setting
torch.set_num_threads(1)
def die(step, done, total):
    if step == "training" and done == total // 2 + 3:
        os.kill(os.getpid(), signal.SIGKILL)
make_setting(Path(sys.argv[1])).train(Path(sys.argv[2]), progress=die)
"""


def test_a_killed_training_continues_and_ends_with_the_same_weights(
    setting: Setting, trained: TrainedModel, tmp_path: Path
) -> None:
    from safetensors.numpy import load_file

    root = Path(__file__).parents[2]
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(tmp_path / "child"), str(tmp_path / "out")],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr
    assert child.stdout == ""
    whole = sorted((tmp_path / "out" / "checkpoints").glob("checkpoint-*/trainer_state.json"))
    assert whole
    # What a kill in the middle of saving leaves behind.
    cut_off = tmp_path / "out" / "checkpoints" / "checkpoint-999"
    cut_off.mkdir()
    (cut_off / "trainer_state.json").write_text('{"epoch"')

    steps: list[int] = []

    def progress(step: str, done: int, total: int) -> None:
        if step == "training":
            steps.append(done)

    resumed = setting.train(tmp_path / "out", progress=progress)
    assert resumed.figures["resumed_from"] == trained.figures["steps"] // 2
    assert steps[0] == trained.figures["steps"] // 2 + 1
    assert resumed.figures["best_step"] == trained.figures["best_step"]
    expected = load_file(trained.folder / "model.safetensors")
    got = load_file(resumed.folder / "model.safetensors")
    assert expected.keys() == got.keys()
    assert all((expected[name] == got[name]).all() for name in expected), "not bit by bit"
    assert resumed.figures["curves"] == trained.figures["curves"]
    assert resumed.figures["validation_by_weight"] == trained.figures["validation_by_weight"]


def test_training_prints_nothing(
    setting: Setting, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    setting.train(tmp_path, replace(_OPTIONS, epochs=1, merge_weights=(1.0,)))
    out, err = capfd.readouterr()
    assert out == ""
    assert "it/s" not in err
