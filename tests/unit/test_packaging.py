"""The wheel: what is in it, and that it works away from the checkout."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PACKAGES = ("rag_service", "ingest", "finetune", "eval")
FACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = FACTS["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built of a copy: what an earlier build left in the checkout would go into this one."""
    sources = tmp_path_factory.mktemp("sources") / "ragloop"
    sources.mkdir()
    for name in PACKAGES:
        shutil.copytree(
            ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__", ".*")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, sources)
    build = "import sys, setuptools.build_meta as b; print(b.build_wheel(sys.argv[1]))"
    target = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-c", build, str(target)],
        cwd=sources,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [built] = target.iterdir()
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with ZipFile(wheel) as content:
        return set(content.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own, as `pip install --target` fills it, but for the script."""
    target = tmp_path_factory.mktemp("installed")
    with ZipFile(wheel) as content:
        content.extractall(target)
    return target


def run(installed: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Python away from the checkout, which finds the wheel before it."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=installed.parent,
        env=os.environ | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_file_of_the_packages_is_in_it_and_nothing_else(names: set[str]) -> None:
    there = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
        if path.suffix != ".md"
    }
    assert there <= names
    assert {name.split("/")[0] for name in names - there} == {
        f"ragloop-{PROJECT['version']}.dist-info"
    }


def test_what_is_no_python_is_in_it(names: set[str]) -> None:
    assert {f"{package}/py.typed" for package in PACKAGES} <= names
    assert {
        "rag_service/api/web/index.html",
        "rag_service/answering/glossary.toml",
        "eval/probe/questions.jsonl",
        "eval/report/page.html",
        "ingest/report.html",
    } <= names


def test_its_facts_are_those_of_pyproject(wheel: Path, names: set[str]) -> None:
    folder = f"ragloop-{PROJECT['version']}.dist-info"
    with ZipFile(wheel) as content:
        facts = Parser().parsestr(content.read(f"{folder}/METADATA").decode())
        scripts = content.read(f"{folder}/entry_points.txt").decode()
    assert facts["Version"] == PROJECT["version"]
    assert facts["License-Expression"] == PROJECT["license"]
    extras = {"embedded", "pdf", "hi-res", "train", "gpu", "ray", "otel", "all"}
    assert extras <= set(facts.get_all("Provides-Extra", []))
    assert "ragloop = rag_service.cli.main:main" in scripts
    assert f"{folder}/licenses/LICENSE" in names


def test_the_command_runs_away_from_the_checkout(installed: Path) -> None:
    asked = run(installed, "-m", "rag_service.cli", "--version")
    assert asked.stdout == f"ragloop {PROJECT['version']}\n", asked.stderr


def test_what_it_ships_is_read_from_it(installed: Path) -> None:
    ships = """
from importlib.resources import files
import eval.probe.measure, ingest.samples.generate
from typer.testing import CliRunner
from rag_service.answering.glossary import load_glossary
from rag_service.cli.main import app
helped = CliRunner().invoke(app, ["--help"])
assert helped.exit_code == 0
assert "restore" in helped.output
assert load_glossary()
assert (files("rag_service") / "api/web/index.html").is_file()
print(ingest.__file__)
"""
    done = run(installed, "-c", ships)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(installed)


def imported(folders: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Each package of others that is imported in a folder, with the file that does."""
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            modules: list[str] = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for name in {module.partition(".")[0] for module in modules}:
                if name not in (*sys.stdlib_module_names, *PACKAGES):
                    yield name, path


def with_what_they_require(declared: Iterable[str]) -> set[str]:
    known: set[str] = set()
    waiting = list(declared)
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name in known or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        known.add(name)
        try:
            waiting += requires(name) or []
        except PackageNotFoundError:  # of an extra that is not installed here
            continue
    return known


def test_what_is_imported_is_installed_with_it() -> None:
    shipped = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    tools = [FACTS["dependency-groups"][group] for group in ("test", "lint")]
    homes = packages_distributions()
    for folders, lists in ((PACKAGES, shipped), (("tests", "docs", "ops"), shipped + tools)):
        known = with_what_they_require(one for requirements in lists for one in requirements)
        missing = {
            f"{path.relative_to(ROOT)} imports {name}"
            for name, path in imported(folders)
            if name in homes and not known & {canonicalize_name(home) for home in homes[name]}
        }
        assert missing == set()
