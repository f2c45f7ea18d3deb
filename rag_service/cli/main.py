"""``ragloop``: the command line. Exit status 0 done, 1 refused, 2 wrong usage or configuration."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import typer

from rag_service.cli import (
    asking,
    benchmarks,
    documents,
    experimenting,
    improving,
    inspecting,
    measuring,
    operating,
    reindexing,
    releases,
    reporting,
    reranking,
)
from rag_service.cli.output import emit_error
from rag_service.core.errors import RagloopError

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
    measuring,
    documents,
    inspecting,
    asking,
    releases,
    experimenting,
    operating,
    reporting,
    benchmarks,
):
    part.register(app)


def main() -> None:
    """Entry point of the ``ragloop`` script."""
    as_json = "--json" in sys.argv
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    logging.getLogger("rag_service").setLevel(logging.INFO)
    try:
        status = app(standalone_mode=False)
    except RagloopError as error:
        emit_error(error.as_dict(), as_json)
        sys.exit(error.exit_status)
    except OSError as error:
        emit_error({"code": "os_error", "message": _told(error), "retryable": False}, as_json)
        sys.exit(1)
    except _UsageError as error:
        message = f"{error.format_message()} (see `ragloop --help`)"
        emit_error({"code": "usage", "message": message, "retryable": False}, as_json)
        sys.exit(2)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("stopped; the same command goes on where it was\n")
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)


def _told(error: OSError) -> str:
    """The file and the system's words, such as ``No space left on device``."""
    words = error.strerror or str(error) or type(error).__name__
    return f"{os.fsdecode(error.filename)}: {words}" if error.filename else words
