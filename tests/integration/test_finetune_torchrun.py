"""``ragloop finetune`` as torchrun starts it: in several processes, one of which is killed."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, Std
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from rag_service.adapters.embedded_redis import EmbeddedRedis
from rag_service.cli.main import main
from rag_service.core.settings import Settings
from rag_service.wiring import open_services
from tests.fakes.filings import filings
from tests.fakes.tiny_model import tiny_model
from tests.integration.command_line import CommandLine
from tests.integration.replacing import document

ROWS, BATCH = 160, 16
KILLED_AT, KILLED = "TEST_KILLED_AT", "TEST_KILLED"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home with a live release of invented filings, by a model that drops nothing out."""
    folder = tmp_path_factory.mktemp("torchrun")
    chunks = filings()
    base = tiny_model(folder / "base", [c.embedded_text for c in chunks], dropout=0.0)
    settings = Settings(
        home=folder / "home", embedding_model=base.path, llm="none", precision="float32"
    )
    with EmbeddedRedis(settings.home):
        with open_services(settings) as services:
            services.ensure_live()
            for _, part in groupby(chunks, key=lambda chunk: chunk.document):
                filing = list(part)
                services.writer.put(document(filing), filing)
        yield settings


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Of a training on texts of which none comes twice, so that all batches are full."""
    file = tmp_path_factory.mktemp("texts") / "texts.jsonl"
    words = sorted({w for chunk in filings() for w in chunk.embedded_text.split() if w.isalpha()})
    drawn = random.Random(5)
    rows = (
        {c: " ".join(drawn.sample(words, 8)) for c in ("anchor", "positive")} for _ in range(ROWS)
    )
    file.write_text("\n".join(json.dumps(row) for row in rows))
    options = ["--train-data", str(file), "--only-own", "--questions", "60", "--negatives", "0"]
    options += ["--batch-size", str(BATCH), "--epochs", "2", "--learning-rate", "1e-3"]
    return ["finetune", *options, "--patience", "0", "--json"]


def ragloop(arguments: list[str], environment: dict[str, str]) -> None:
    """One process of the command, which may kill itself at the start of a step."""
    from finetune.trainer import RetrievalTrainer

    os.environ.update(environment)
    sys.argv = ["ragloop", *arguments]
    step = RetrievalTrainer.training_step

    def killed(self: RetrievalTrainer, *rest: Any) -> Any:
        if environment.get(KILLED_AT) == str(self.state.global_step):
            Path(environment[KILLED]).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, *rest)

    if os.environ["RANK"] == "1":
        RetrievalTrainer.training_step = killed  # type: ignore[method-assign,assignment]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise RuntimeError(f"status {end.code}") from end


def torchrun(logs: Path, arguments: list[str], environment: dict[str, str]) -> list[str]:
    """What two processes of the command print on stdout, by rank.

    Raises:
        ChildFailedError: one failed.
    """
    # They start in milliseconds: what they import is imported once.
    multiprocessing.get_context("forkserver").set_forkserver_preload(
        ["__main__", __name__, "finetune.fitting"]
    )
    launch = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=2,
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        run_id=logs.name,
        max_restarts=0,
        start_method="forkserver",
        logs_specs=DefaultLogsSpecs(log_dir=str(logs), redirects=Std.ALL),
    )
    elastic_launch(launch, ragloop)(arguments, environment)
    return printed(logs)


def printed(logs: Path) -> list[str]:
    return [path.read_text() for path in sorted(logs.rglob("*/stdout.log"))]


def models(settings: Settings) -> set[str]:
    return {path.name for path in (settings.home / "models").iterdir() if path.name[0] != "."}


def weights(settings: Settings, model: str) -> dict[str, Any]:
    return load_file(settings.home / "models" / model / "model.safetensors")


def test_a_killed_process_ends_all_and_the_same_command_ends_with_the_model_of_one_process(
    settings: Settings,
    arguments: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    environment = {
        "RAGLOOP_HOME": str(settings.home),
        "RAGLOOP_EMBEDDING_MODEL": settings.embedding_model,
        "RAGLOOP_LLM": "none",
        "RAGLOOP_PRECISION": "float32",
    }
    (base,) = models(settings)

    killed, gone = tmp_path / "killed", tmp_path / "gone"
    with pytest.raises(ChildFailedError) as failed:
        torchrun(killed, arguments, environment | {KILLED_AT: "7", KILLED: str(gone)})
    assert gone.exists()
    rank, failure = failed.value.get_first_failure()
    # Between two looks of torchrun the other may end too, of its own accord, and be named first.
    if rank == 1:
        assert failure.exitcode == -signal.SIGKILL
    else:
        assert json.loads(printed(killed)[0])["error"]["code"] == "training_interrupted"
    assert models(settings) == {base}

    first, second = torchrun(tmp_path / "resumed", arguments, environment)
    together = json.loads(first)
    assert second == ""
    assert models(settings) == {base, together["model"]}
    figures = together["training"]
    assert (figures["processes"], figures["batch_size"]) == (2, BATCH)
    assert 0 < figures["resumed_from"] < figures["steps"] == 2 * ROWS // BATCH

    alone = CommandLine(settings.home, environment, monkeypatch, capfd)(*arguments).document
    assert alone["training"]["processes"] == 1
    assert figures["losses"] == pytest.approx(alone["training"]["losses"], abs=1e-4)
    before, one, two = (weights(settings, m) for m in (base, alone["model"], together["model"]))
    moved = max(np.abs(one[name] - before[name]).max() for name in one)
    apart = max(np.abs(one[name] - two[name]).max() for name in one)
    assert apart < moved / 50
