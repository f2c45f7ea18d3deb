"""`ragloop ingest` and `ragloop documents` as a user types them: outcomes, removal, and kills."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag_service.adapters.embedded_redis import EmbeddedRedis
from tests.fakes.tiny_model import tiny_model
from tests.integration.command_line import CommandLine
from tests.unit import ingest_files as files

NAME = "HARROW_2023_10K.pdf"
OTHER = "MILLS_2023_10K.pdf"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_model(tmp_path_factory.mktemp("model"), ["net sales of plant 2023"]).path


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose server runs until the test has ended."""
    with EmbeddedRedis(tmp_path / "home"):
        yield tmp_path / "home"


@pytest.fixture
def ragloop(
    home: Path, model: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(home, {"RAGLOOP_EMBEDDING_MODEL": model}, monkeypatch, capfd)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    files.filing(folder / NAME)
    return folder


def outcomes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {Path(outcome["path"]).name: outcome for outcome in document["documents"]}


def found(ragloop: CommandLine) -> set[str]:
    hits = ragloop("search", "plant sales", "-k", "50", "--json").document["hits"]
    return {hit["document"] for hit in hits}


def test_what_a_name_says_against_its_cover_stands_in_the_outcome(
    ragloop: CommandLine, folder: Path
) -> None:
    (folder / NAME).rename(folder / "MILLS_2019_10K.pdf")
    company = (
        "the file name says company MILLS, the cover page Harrow Instruments Corporation: the "
        "cover counts"
    )
    year = "the file name says fiscal year 2019, the cover page 2023: the cover counts"
    for status in ("added", "unchanged"):
        outcome = ragloop("ingest", folder, "--json")
        (document,) = outcome.document["documents"]
        assert outcome.status == 0
        assert (document["status"], document["fiscal_year"]) == (status, 2023)
        assert document["company"] == "Harrow Instruments Corporation"
        assert document["warnings"] == [company, year]
        assert document["message"] == f"{company}; {year}"
    shown = " ".join(ragloop("ingest", folder).stdout.split())
    assert "the file name says fiscal year 2019" in shown


def test_two_files_of_one_name_are_not_mixed_up(ragloop: CommandLine, folder: Path) -> None:
    (folder / "later").mkdir()
    files.filing(folder / "later" / NAME, extra_pages=2)
    outcome = ragloop("ingest", folder, "--json")
    assert outcome.status == 1
    first, second = outcome.document["documents"]
    assert (first["status"], first["pages"]) == ("added", 6)
    assert (second["status"], second["reason"]) == ("refused", "same_name")
    assert "rename" in second["message"]
    (document,) = ragloop("documents", "list", "--json").document["documents"]
    assert document["pages"] == 6


def test_a_document_is_removed_from_the_index_the_store_and_a_candidate(
    ragloop: CommandLine, folder: Path, tmp_path: Path
) -> None:
    files.filing(folder / OTHER, extra_pages=2)
    ragloop("ingest", folder)
    better = tiny_model(tmp_path / "better", ["net sales of plant 2023"], seed=1)
    candidate = ragloop("reindex", "--model", better.path, "--json").document["release"]
    assert found(ragloop) == {NAME, OTHER}

    outcome = ragloop("documents", "remove", NAME, "--json")
    assert outcome.status == 0
    removed = outcome.document["removed"]
    assert (removed["document"], removed["pages"]) == (NAME, 6)
    assert found(ragloop) == {OTHER}
    listed = ragloop("documents", "list", "--json").document["documents"]
    assert [document["document"] for document in listed] == [OTHER]
    releases = {r["release"]: r for r in ragloop("releases", "--json").document["releases"]}
    assert releases["r0001"]["chunks"] == listed[0]["chunks"]

    again = ragloop("documents", "remove", NAME, "--json")
    assert (again.status, again.error["code"]) == (2, "not_found")
    assert NAME in again.error["message"]

    ragloop("promote", candidate, "--force")
    assert ragloop("releases", "--json").document["live"] == candidate
    assert found(ragloop) == {OTHER}
    assert outcomes(ragloop("ingest", folder, "--json").document)[NAME]["status"] == "added"
    assert found(ragloop) == {NAME, OTHER}


def test_removing_says_what_went(ragloop: CommandLine, folder: Path) -> None:
    ragloop("ingest", folder)
    outcome = ragloop("documents", "remove", NAME)
    assert outcome.status == 0
    assert outcome.stdout.startswith(f"removed {NAME}: ")


@pytest.mark.slow
def test_an_ingestion_that_is_killed_at_any_moment_is_ended_by_the_same_command(
    ragloop: CommandLine, folder: Path, model: str
) -> None:
    ragloop("ingest", folder)
    for round_, seconds in enumerate((1.2, 2.0, 2.6, 3.2)):
        files.filing(folder / NAME, extra_pages=60 + round_)
        with _ingesting(ragloop.home, folder, model) as process:
            time.sleep(seconds)
            process.kill()
        assert found(ragloop) == {NAME}, "a query finds the document at any time"

        ended = ragloop("ingest", folder, "--json")
        assert ended.status == 0
        (document,) = ended.document["documents"]
        assert document["status"] in {"replaced", "unchanged"}
        assert document["pages"] == 66 + round_
        releases = ragloop("releases", "--json").document["releases"]
        assert [release["chunks"] for release in releases] == [document["chunks"]]
        assert ragloop("ingest", folder, "--json").document["documents"][0]["status"] == "unchanged"


def _ingesting(home: Path, folder: Path, model: str) -> subprocess.Popen[bytes]:
    environment = {
        "RAGLOOP_HOME": str(home),
        "RAGLOOP_LLM": "none",
        "RAGLOOP_EMBEDDING_MODEL": model,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "rag_service.cli", "ingest", str(folder)],
        env={**os.environ, **environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
