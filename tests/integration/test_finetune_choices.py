"""Losses, formats, dimensions and early stopping, each in a real training of a tiny model."""

import json
import platform
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from finetune.fitting import batch_size_for
from finetune.losses import LOSSES
from finetune.negatives import mine
from finetune.options import TrainOptions
from finetune.run_folder import RunFolder
from finetune.trainer import checkpoints_since_best
from rag_service.core.errors import ConfigError, DataError, JobRunning
from tests.fakes.searches import fixed_searches
from tests.integration.test_finetune_train import Setting, make_setting

_OPTIONS = TrainOptions(
    learning_rate=3e-3,
    precision="float32",
    merge_weights=(1.0,),
    checkpoints=1,
    dims=(16,),
    batch_size=8,
    max_tokens=32,
    validation_questions=10,
    validation_chunks=30,
)


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield make_setting(tmp_path_factory.mktemp("finetune"))
    torch.set_num_threads(threads)


def _texts(folder: Path, data_format: str) -> str:
    """Sixteen rows of one format, of words that no filing prints."""
    rows: list[dict[str, Any]] = []
    for n in range(16):
        other = (n + 5) % 16
        formats: dict[str, dict[str, Any]] = {
            "pairs": {"anchor": f"ask {n}", "positive": f"told {n} of it"},
            "triplets": {
                "anchor": f"ask {n}",
                "positive": f"told {n} of it",
                "negative": f"told {other} of it",
            },
            "scored": {"a": f"ask {n}", "b": f"told {other} of it", "score": n % 2},
            "labelled": {"text": f"told {n} of it", "label": f"kind {n % 3}"},
        }
        rows.append(formats[data_format])
    path = folder / f"{data_format}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.mark.parametrize(
    ("loss", "data_format"), [(loss, one) for loss, formats in LOSSES.items() for one in formats]
)
def test_every_loss_trains_on_every_format_that_it_fits(
    setting: Setting, tmp_path: Path, loss: str, data_format: str
) -> None:
    options = replace(
        _OPTIONS,
        texts_file=_texts(tmp_path, data_format),
        texts_format=data_format,
        texts_loss=loss,
        texts_only=True,
    )
    figures = setting.train(tmp_path / "out", options).figures
    assert figures["loss"] == {"texts": loss}
    assert figures["train_rows"] == {"texts": 16}
    assert figures["steps"] == 2
    assert figures["dims"] == [32, 16]
    assert all(loss >= 0 for loss in figures["losses"])


def test_questions_and_own_texts_are_trained_on_together(setting: Setting, tmp_path: Path) -> None:
    options = replace(
        _OPTIONS,
        texts_file=_texts(tmp_path, "labelled"),
        texts_format="labelled",
        loss="CachedMultipleNegativesRankingLoss",
        batch_size=16,
    )
    model = setting.train(tmp_path / "out", options)
    questions = sum(pair.split == "train" for pair in setting.data.pairs)
    assert model.figures["train_rows"] == {"questions": questions, "texts": 16}
    assert model.figures["loss"] == {
        "questions": "CachedMultipleNegativesRankingLoss",
        "texts": "BatchAllTripletLoss",
    }
    assert model.figures["steps"] >= questions // 16 + 1
    card = (model.folder / "README.md").read_text()
    assert f"CachedMultipleNegativesRankingLoss on {questions} questions" in card
    assert "BatchAllTripletLoss on 16 texts" in card


def test_triplet_loss_takes_every_mined_negative(setting: Setting, tmp_path: Path) -> None:
    mined = mine(setting.data.pairs, fixed_searches(), setting.chunks, count=2)
    options = replace(_OPTIONS, loss="TripletLoss", batch_size=64)
    figures = setting.train(tmp_path, options, negatives=mined).figures
    assert figures["train_rows"] == {"questions": 2 * len(mined)}
    with pytest.raises(ConfigError, match="TripletLoss does not fit pairs"):
        setting.train(tmp_path, options)


def test_own_texts_must_not_hold_what_is_held_out(setting: Setting, tmp_path: Path) -> None:
    asked = next(pair for pair in setting.data.pairs if pair.split == "test")
    path = tmp_path / "leak.jsonl"
    rows = [{"anchor": "fine", "positive": "fine too"}, {"anchor": asked.question, "positive": "x"}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match=r"leak.jsonl row 2 \(a held-out question\)"):
        setting.train(tmp_path / "out", replace(_OPTIONS, texts_file=str(path)))
    assert not (tmp_path / "out" / "model").exists()


def test_training_stops_when_validation_does_not_gain(setting: Setting, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    # With steps this small no checkpoint is better than the first.
    options = replace(_OPTIONS, learning_rate=1e-12, checkpoints=8, patience=2, batch_size=16)
    figures = setting.train(
        tmp_path / "patient", options, progress=lambda *step: told.append(step)
    ).figures
    assert list(figures["validation_by_step"]) == [str(figures["best_step"] * n) for n in (1, 2, 3)]
    assert figures["steps"] == 3 * figures["best_step"] < figures["steps_planned"]
    assert ("training", figures["steps_planned"], figures["steps_planned"]) in told
    endless = setting.train(tmp_path / "endless", replace(options, patience=0)).figures
    assert endless["steps"] == endless["steps_planned"] == figures["steps_planned"]


def test_a_training_that_had_stopped_is_not_taken_up_again(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = replace(_OPTIONS, learning_rate=1e-12, checkpoints=8, patience=2, batch_size=16)
    whole = setting.train(tmp_path / "whole", options).figures

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("finetune.fitting.choose_weight", killed)
        with pytest.raises(KeyboardInterrupt):
            setting.train(tmp_path / "cut", options)
    resumed = setting.train(tmp_path / "cut", options).figures
    assert resumed["resumed_from"] == resumed["steps"] == whole["steps"]
    assert resumed["curves"] == whole["curves"]


def test_scores_no_better_than_the_best_are_counted() -> None:
    assert checkpoints_since_best([]) == 0
    assert checkpoints_since_best([0.1]) == 0
    assert checkpoints_since_best([0.1, 0.3, 0.3, 0.2]) == 2
    assert checkpoints_since_best([0.1, 0.3, 0.2, 0.4]) == 0


def test_the_folder_says_what_the_training_was(setting: Setting, tmp_path: Path) -> None:
    import torch

    file = _texts(tmp_path, "pairs")
    figures = setting.train(tmp_path / "out", replace(_OPTIONS, texts_file=file)).figures
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["data"]["fingerprint"] == setting.data.fingerprint
    assert manifest["data"]["questions"]["train"] == figures["train_rows"]["questions"]
    assert manifest["texts"]["rows"] == 16
    assert manifest["seed"] == 13
    assert manifest["arguments"]["texts_file"] == file
    assert manifest["base"]["fingerprint"] == setting.base.fingerprint
    versions = manifest["versions"]
    assert versions["torch"] == torch.__version__
    assert versions["python"] == platform.python_version()
    for name in ("ragloop", "transformers", "sentence-transformers", "datasets", "tokenizers"):
        assert versions[name], name
    assert isinstance(manifest["revision"], str)
    assert manifest["figures"] == json.loads(json.dumps(figures))
    curves = figures["curves"]
    assert [point["step"] for point in curves["training"]] == sorted(
        {point["step"] for point in curves["training"]}
    )
    assert len(curves["training"]) >= figures["steps"] // 2
    assert max(point["learning_rate"] for point in curves["training"]) <= 3e-3
    assert curves["validation"][0] == {"step": 0, "score": figures["validation_base"]}
    assert curves["validation"][-1]["step"] == figures["steps"]


def test_a_folder_that_is_trained_in_is_not_shared(setting: Setting, tmp_path: Path) -> None:
    with RunFolder(tmp_path).alone(), pytest.raises(JobRunning, match="wait for it"):
        setting.train(tmp_path, _OPTIONS)


def test_a_gpu_takes_batches_that_leave_enough_steps() -> None:
    assert batch_size_for(20_000, gpu=False) == 32
    assert [batch_size_for(rows, gpu=True) for rows in (10, 1600, 20_000, 10**6)] == [
        32,
        32,
        256,
        1024,
    ]
