"""A training that memory does not suffice for."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sentence_transformers import SentenceTransformerTrainingArguments

from finetune import fitting
from finetune.options import TrainOptions
from finetune.trainer import RetrievalTrainer, training_arguments
from rag_service.core.errors import ModelError
from tests.integration.test_finetune_train import Setting, make_setting

OPTIONS = TrainOptions(learning_rate=3e-3, precision="float32", merge_weights=(1.0,))


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield make_setting(tmp_path_factory.mktemp("finetune"))
    torch.set_num_threads(threads)


def out_of_memory_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one step fail as on a GPU, with the arguments of one."""
    steps = 0
    whole = RetrievalTrainer.training_step

    def failing(self: RetrievalTrainer, *rest: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps == step:
            raise RuntimeError("CUDA out of memory.")
        return whole(self, *rest)

    def searching(*rest: Any, **more: Any) -> Any:
        arguments = training_arguments(*rest, **more)
        arguments.auto_find_batch_size = True
        return arguments

    monkeypatch.setattr(RetrievalTrainer, "training_step", failing)
    monkeypatch.setattr(fitting, "training_arguments", searching)


def test_a_first_step_that_does_not_fit_is_tried_with_a_smaller_batch(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out_of_memory_at(1, monkeypatch)
    assert setting.train(tmp_path / "out", OPTIONS).figures["batch_size"] == 28


def test_a_training_does_not_begin_again_with_weights_that_have_changed(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out_of_memory_at(3, monkeypatch)
    with pytest.raises(ModelError, match="--batch-size 28 or less"):
        setting.train(tmp_path / "out", OPTIONS)


def test_of_several_processes_none_tries_smaller_batches_by_itself(tmp_path: Path) -> None:
    def searches(processes: int) -> bool:
        options = replace(OPTIONS, processes=processes)
        arguments = training_arguments(
            SentenceTransformerTrainingArguments,
            options,
            tmp_path,
            1e-5,
            8,
            gpu=True,
            bfloat16=False,
        )
        return bool(arguments.auto_find_batch_size)

    assert searches(1)
    assert not searches(2)
