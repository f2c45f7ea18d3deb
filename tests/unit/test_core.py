"""The core and the command line start without the heavy libraries."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

from rag_service import core

HEAVY = {"torch", "transformers", "sentence_transformers", "redis", "unstructured", "ray"}
CORE = "; ".join(
    f"import rag_service.core.{module.name}" for module in pkgutil.iter_modules(core.__path__)
)
HELP = (
    "sys.argv = ['ragloop', '--help']\n"
    "from rag_service.cli.main import main\n"
    "try:\n    main()\n"
    "except SystemExit as ended:\n    assert not ended.code\n"
    "else:\n    raise AssertionError('main returned')"
)


@pytest.mark.parametrize(
    ("program", "absent"), [(CORE, HEAVY), (HELP, HEAVY - {"redis"})], ids=["core", "help"]
)
def test_heavy_libraries_are_left_alone(program: str, absent: set[str]) -> None:
    told = "\nprint('loaded:', *sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{program}{told}"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stderr.split("loaded:")[1].split())
    assert "rag_service.core.types" in loaded
    assert loaded & absent == set()
