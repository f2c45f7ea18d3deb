"""How many questions are written, and for how long at most, as the command line asks."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from rag_service.cli.finetune_flags import MakeOptions, finetune_flags
from rag_service.core.settings import load_settings


@pytest.mark.parametrize(
    ("flags", "llm", "expected"),
    [
        ([], "embedded", (1200, 200, 20.0)),
        ([], "none", (1200, 0, 20.0)),
        (["--max-questions", "140"], "embedded", (120, 20, 20.0)),
        (["--max-questions", "140"], "none", (140, 0, 20.0)),
        (["--max-questions", "9999"], "embedded", (1200, 200, 20.0)),
        (["--max-questions", "300", "--llm-questions", "1200"], "embedded", (150, 150, 20.0)),
        (["--max-minutes", "2.5"], "embedded", (1200, 200, 2.5)),
        (["--llm-minutes", "2.5"], "embedded", (1200, 200, 2.5)),
    ],
)
def test_the_budget_is_kept_by_both_kinds_of_questions(
    flags: list[str], llm: str, expected: tuple[int, int, float]
) -> None:
    made = []
    app = typer.Typer()

    @app.command()
    @finetune_flags()
    def command(flags: MakeOptions, as_json: bool = False) -> None:
        made.append(flags(load_settings(llm=llm)).data)

    result = CliRunner().invoke(app, flags)
    assert result.exit_code == 0, result.output
    data = made[0]
    assert (data.max_questions, data.max_llm_questions, data.max_minutes) == expected
