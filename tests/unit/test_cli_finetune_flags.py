"""The options of fine-tuning: the same for three commands, and refused before anything begins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rag_service.core.errors import ConfigError
from rag_service.core.settings import Settings
from tests.integration.command_line import CommandLine

COMMANDS = ("demo", "improve", "finetune")
Ask = Callable[..., Any]


class Stopped(ConfigError):
    """Raised where a command would begin its work."""


@pytest.fixture
def ragloop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(
        tmp_path / "home", {"RAGLOOP_SEED": "7", "RAGLOOP_LLM": "embedded"}, monkeypatch, capfd
    )


@pytest.fixture
def asked(ragloop: CommandLine, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs a command up to its job, and gives the options that the job would have."""
    seen: list[dict[str, Any]] = []

    class Jobs:
        def run(self, kind: str, arguments: dict[str, Any]) -> None:
            seen.append(arguments)
            raise Stopped("enough")

    @contextmanager
    def opened(settings: Settings) -> Iterator[SimpleNamespace]:
        yield SimpleNamespace(settings=settings, jobs=Jobs())

    monkeypatch.setattr("rag_service.cli.improving.open_services", opened)

    def ask(*words: str) -> dict[str, Any]:
        outcome = ragloop(*words, "--json")
        assert outcome.document["error"]["message"] == "enough", outcome.document
        return seen.pop()

    return ask


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_every_option(command: str, asked: Ask, tmp_path: Path) -> None:
    own, texts = tmp_path / "own.csv", tmp_path / "texts.csv"
    own.write_text("question,chunk_id\nq,c\n")
    texts.write_text("anchor,positive,negative\na,p,n\n")
    words = "--loss TripletLoss --dims 128,64 --learning-rate 1e-4 --patience 1 --epochs 2"
    files = ["--questions-file", str(own), "--train-data", str(texts), "--format", "triplets"]
    arguments = asked(
        command, *words.split(), *files, "--only-own", "--negatives", "2", "--processes", "2"
    )
    options = arguments["options"]
    training, data = options["training"], options["data"]
    assert (training["texts_loss"], training["loss"]) == ("TripletLoss", "")
    assert (training["texts_file"], training["texts_format"]) == (str(texts), "triplets")
    assert training["dims"] == (128, 64)
    assert (training["learning_rate"], training["patience"], training["epochs"]) == (1e-4, 1, 2)
    assert (training["processes"], training["seed"], options["negatives"]) == (2, 7, 2)
    assert data["questions_file"] == str(own)
    assert data["only_own"] is True
    assert training["texts_only"] is False
    before = arguments["files"]
    own.write_text("question,chunk_id\nq2,c\n")
    assert set(before) == {str(own), str(texts)}
    assert asked(command, "--questions-file", str(own))["files"][str(own)] != before[str(own)]


def test_the_demo_asks_its_llm_for_less(asked: Ask) -> None:
    options = {command: asked(command)["options"]["data"] for command in COMMANDS}
    assert options["demo"]["max_llm_questions"] == 12
    assert options["improve"] == options["finetune"]
    assert options["finetune"]["max_llm_questions"] == 200
    assert options["finetune"]["questions_file"] == ""


def test_own_texts_alone_leave_the_questions_to_validation_and_test(
    asked: Ask, tmp_path: Path
) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text("question,passage\nq,p\n")
    options = asked("finetune", "--train-data", str(texts), "--only-own")["options"]
    assert options["training"]["texts_only"] is True
    assert options["data"]["only_own"] is False


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--loss Nothing", "no loss 'Nothing'"),
        ("--loss TripletLoss --negatives 0", "with --negatives the questions are triplets"),
        ("--loss CosineSimilarityLoss --negatives 1", "For triplets"),
        ("--dims 128,x", "expected 256,128"),
        ("--dims 0", "expected 256,128"),
        ("--only-own", "--only-own needs --questions-file or --train-data"),
        ("--train-data nowhere.csv", "nowhere.csv does not exist"),
        ("--questions-file nowhere.csv", "nowhere.csv does not exist"),
        ("--train-data {texts} --format scored", "they fit --format pairs"),
        ("--train-data {texts} --loss TripletLoss", "TripletLoss does not fit pairs"),
        ("--train-data {texts} --adapter", "an adapter"),
        ("--patience -1", "--patience"),
        ("--processes -1", "--processes"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_begins(
    ragloop: CommandLine, tmp_path: Path, words: str, message: str
) -> None:
    texts = tmp_path / "texts.csv"
    texts.write_text("question,passage\nq,p\n")
    outcome = ragloop("finetune", *words.format(texts=texts).split(), "--json")
    assert outcome.status == 2
    assert message.casefold() in outcome.document["error"]["message"].casefold()
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_the_options_in_their_groups(ragloop: CommandLine, command: str) -> None:
    shown = ragloop(command, "--help").stdout
    for words in ("Your own data", "--only-own", "--format", "--patience", "--json"):
        assert words in shown
    assert "flags" not in shown
