"""Several processes that train one model together."""

from pathlib import Path

import pytest

from finetune.options import TrainOptions
from finetune.processes import run_workers, work
from rag_service.core.errors import ModelError
from rag_service.core.protocols import no_progress
from tests.integration.test_finetune_train import make_setting


def test_two_processes_train_one_model_and_save_it_once(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    setting = make_setting(tmp_path)
    told: list[tuple[str, int, int]] = []
    options = TrainOptions(
        learning_rate=3e-3,
        precision="float32",
        merge_weights=(1.0,),
        checkpoints=2,
        max_tokens=32,
        processes=2,
    )
    model = setting.train(tmp_path / "out", options, progress=lambda *step: told.append(step))
    figures = model.figures
    assert figures["processes"] == 2
    assert figures["batch_size"] == 32
    assert ("training", figures["steps"], figures["steps"]) in told
    assert len(figures["validation_by_step"]) == 2
    assert figures["validation_score"] > figures["validation_base"]
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left == ["lock", "manifest.json", "model", "processes.log"]
    loaded = SentenceTransformer(str(model.folder), device="cpu", local_files_only=True)
    assert loaded.encode_query(["capex of Alder Mills?"]).shape == (1, 32)


def test_processes_that_fail_say_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (tmp_path / "lock").open("w") as lock, pytest.raises(ModelError) as caught:
        run_workers(tmp_path, lock.fileno(), 2, no_progress)
    assert "training in 2 processes failed: " in caught.value.message
    assert f"{tmp_path} holds no training to be done" in caught.value.message
    assert work(tmp_path) == 1
    assert "holds no training to be done" in capsys.readouterr().out
