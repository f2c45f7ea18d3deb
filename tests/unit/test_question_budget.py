"""How many questions are written, and for how long at most, as the command line asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from finetune.options import DataOptions
from rag_service.cli.finetune_flags import MakeOptions, finetune_flags
from rag_service.core.errors import ConfigError, DataError
from rag_service.core.settings import load_settings


@pytest.mark.parametrize(
    ("flags", "llm", "expected"),
    [
        ([], "embedded", (2400, 200, 20.0)),
        ([], "none", (2400, 0, 20.0)),
        (["--llm-questions", "0"], "none", (2400, 0, 20.0)),
        (["--max-questions", "140"], "embedded", (130, 10, 20.0)),
        (["--max-questions", "140"], "none", (140, 0, 20.0)),
        (["--max-questions", "9999"], "embedded", (2400, 200, 20.0)),
        (["--max-questions", "300", "--llm-questions", "1200"], "embedded", (200, 100, 20.0)),
        (["--max-minutes", "2.5"], "embedded", (2400, 200, 2.5)),
        (["--llm-minutes", "2.5"], "embedded", (2400, 200, 2.5)),
    ],
)
def test_the_budget_is_kept_by_both_kinds_of_questions(
    flags: list[str], llm: str, expected: tuple[int, int, float]
) -> None:
    data = _ask(flags, llm)
    assert (data.max_questions, data.max_llm_questions, data.max_minutes) == expected


@pytest.mark.parametrize("number", ["1", "200"])
def test_questions_that_nobody_can_write_are_refused(number: str) -> None:
    with pytest.raises(ConfigError, match=f"{number} needs an LLM, and RAGLOOP_LLM is none: set"):
        _ask(["--llm-questions", number], "none")


def test_own_questions_alone_leave_none_to_the_llm(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("question,chunk_id\nq,c\n")
    alone = ["--only-own", "--questions-file", str(file)]
    assert _ask(alone, "embedded").max_llm_questions == 0
    with pytest.raises(ConfigError, match="--only-own do not go together"):
        _ask([*alone, "--llm-questions", "200"], "embedded")


def test_an_own_question_is_as_long_as_retrieval_takes_it(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text(f"question,chunk_id\n{'q' * 2000},c\n")
    given = ["--questions-file", str(file)]
    assert _ask(given, "none").max_question_chars == 2000
    file.write_text(f"question,chunk_id\nq,c\n{'q' * 2001},c\n")
    message = r"own.csv row 3: question has 2,001 characters; at most 2,000 are taken \(RAGLOOP_MAX"
    with pytest.raises(DataError, match=message):
        _ask(given, "none")


def test_help_tells_the_default_of_each_command() -> None:
    app = typer.Typer()

    @app.command()
    @finetune_flags(llm_questions=12)
    def command(flags: MakeOptions, as_json: bool = False) -> None: ...

    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    [line] = [line for line in shown.splitlines() if "--llm-questions" in line]
    assert "[default: 12]" in line
    assert "context" not in shown


def _ask(words: list[str], llm: str) -> DataOptions:
    """What a command makes of ``words``; raises what it raises."""
    made: list[Any] = []
    app = typer.Typer()

    @app.command()
    @finetune_flags()
    def command(flags: MakeOptions, as_json: bool = False) -> None:
        made.append(flags(load_settings(llm=llm)).data)

    result = CliRunner().invoke(app, words)
    if result.exception is not None:
        raise result.exception
    [data] = made
    assert isinstance(data, DataOptions)
    return data
