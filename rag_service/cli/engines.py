"""The option ``--engine``, which comes before RAGLOOP_ENGINE."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from rag_service.core.settings import Settings, load_settings

EngineOption = Annotated[
    Literal["local", "ray"] | None,
    typer.Option(
        help="What it runs on: this machine, or the actors of Ray, of the cluster that "
        "RAGLOOP_RAY_ADDRESS names or of one started for it; by default RAGLOOP_ENGINE."
    ),
]


def settings_on(engine: Literal["local", "ray"] | None) -> Settings:
    """The settings with this engine. Raises ConfigError."""
    return load_settings(**({"engine": engine} if engine else {}))
