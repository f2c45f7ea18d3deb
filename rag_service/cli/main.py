"""``ragloop``: the command line. Exit status 0 done, 1 refused, 2 wrong usage or configuration."""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from typing import Annotated, Any

import typer

from finetune import crew
from rag_service.cli import (
    asking,
    backups,
    benchmarks,
    documents,
    experimenting,
    improving,
    index_tuning,
    inspecting,
    jobs,
    keys,
    measuring,
    operating,
    planning,
    reindexing,
    releases,
    reporting,
    reranking,
)
from rag_service.cli.output import emit_error
from rag_service.core.errors import ConfigError, RagloopError
from rag_service.core.settings import Settings, load_settings
from rag_service.logs import set_up_logs

_TOGETHER = ("finetune", "improve")
"""Commands whose training several processes share."""
_UsageError: Any = typer.BadParameter.__mro__[1]
"""Base of all usage errors; of these, typer exports BadParameter alone."""

app = typer.Typer(
    name="ragloop",
    help="Question answering over financial filings whose retrieval makes itself better.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
for part in (
    improving,
    reranking,
    reindexing,
    index_tuning,
    planning,
    measuring,
    documents,
    inspecting,
    asking,
    releases,
    experimenting,
    operating,
    jobs,
    keys,
    reporting,
    backups,
    benchmarks,
):
    part.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ragloop {version('ragloop')}")
        raise typer.Exit


@app.callback()
def common(
    context: typer.Context,
    _: Annotated[
        bool,
        typer.Option("--version", help="The version.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """What stands before every command."""
    if crew.size() > 1 and context.invoked_subcommand not in _TOGETHER:
        raise ConfigError(
            f"torchrun and accelerate start {' and '.join(_TOGETHER)}; "
            f"run `ragloop {context.invoked_subcommand}` by itself"
        )


def main() -> None:
    """Entry point of the ``ragloop`` script; also of each process that torchrun starts with it."""
    if not crew.is_first():
        from finetune.processes import train_along

        sys.exit(crew.follow(train_along))
    with crew.leading():
        _run()


def _run() -> None:
    as_json = "--json" in sys.argv
    try:
        _set_up_logs()
        status = app(standalone_mode=False, prog_name="ragloop")
    except RagloopError as error:
        emit_error(error.as_dict(), as_json)
        sys.exit(error.exit_status)
    except OSError as error:
        emit_error({"code": "os_error", "message": _told(error), "retryable": False}, as_json)
        sys.exit(1)
    except _UsageError as error:
        # A group without a command has shown its help, and has nothing to add.
        if said := error.format_message():
            command = error.ctx.command_path if error.ctx else "ragloop"
            message = f"{said.rstrip('.')}: see `{command} --help`"
            emit_error({"code": "usage", "message": message, "retryable": False}, as_json)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("stopped; the same command goes on where it was\n")
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


def _set_up_logs() -> None:
    try:
        settings = load_settings()
    except ConfigError:
        # The command says so, if it needs any setting.
        settings = Settings.model_construct()
    set_up_logs(settings)


def _told(error: OSError) -> str:
    """The file and the system's words, such as ``No space left on device``."""
    words = error.strerror or str(error) or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {words}" if error.filename else words
