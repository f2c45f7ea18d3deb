"""The option ``--stages`` of commands that search."""

from __future__ import annotations

from typing import Annotated, get_args

import typer

from rag_service.core.errors import InvalidRequest
from rag_service.core.settings import parse_stages
from rag_service.core.types import Stage

StagesOption = Annotated[
    str,
    typer.Option(
        "--stages",
        help=f"What a search goes through, of {','.join(get_args(Stage))}; RAGLOOP_STAGES unless "
        "set.",
    ),
]


def chosen(stages: str) -> frozenset[Stage] | None:
    """The stages named, None for those of the settings. Raises InvalidRequest."""
    if not stages:
        return None
    try:
        return parse_stages(stages)
    except ValueError as error:
        raise InvalidRequest(f"--stages {stages}: {error}") from error
