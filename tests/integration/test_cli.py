"""The command line on the embedded Redis with MiniLM: what a user types, and what goes wrong."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pypdf
import pytest
from reportlab.pdfgen.canvas import Canvas

from ingest.samples.generate import write_sample_filings
from rag_service.adapters.embedded_redis import EmbeddedRedis
from tests.integration.command_line import CommandLine

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
GOOD = ("HALVERSEN_2023_10K.pdf", "TESSMARK_2023_10K.pdf")


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_sample_filings(folder)
    return folder


@pytest.fixture(scope="module")
def mixed(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two good filings among files that cannot be read."""
    folder = tmp_path_factory.mktemp("mixed")
    for name in GOOD:
        shutil.copy(samples / name, folder)
    (folder / "empty.pdf").touch()
    whole = (samples / GOOD[0]).read_bytes()
    (folder / "truncated.pdf").write_bytes(whole[: len(whole) // 3])
    (folder / "rubbish.pdf").write_bytes(b"\x00\xff" * 5000)
    locked = pypdf.PdfWriter(clone_from=samples / GOOD[0])
    locked.encrypt("secret")
    locked.write(folder / "locked.pdf")
    scanned = Canvas(str(folder / "scanned.pdf"))
    scanned.rect(100, 100, 200, 300, fill=1)
    scanned.save()
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for all tests of this file; its server runs until the last one has ended."""
    home = tmp_path_factory.mktemp("home")
    with EmbeddedRedis(home):
        yield home


@pytest.fixture
def ragloop(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(home, {"RAGLOOP_EMBEDDING_MODEL": MINILM}, monkeypatch, capfd)


@pytest.fixture
def ingested(ragloop: CommandLine, mixed: Path) -> CommandLine:
    ragloop("ingest", mixed, "--json")
    return ragloop


def test_good_files_are_ingested_and_bad_ones_refused_each_with_its_reason(
    ragloop: CommandLine, mixed: Path
) -> None:
    outcome = ragloop("ingest", mixed, "--json")

    documents = {Path(d["path"]).name: d for d in outcome.document["documents"]}
    assert outcome.status == 1
    refused = {name: d["reason"] for name, d in documents.items() if d["status"] == "refused"}
    assert refused == {
        "empty.pdf": "empty",
        "truncated.pdf": "broken",
        "rubbish.pdf": "not_pdf",
        "locked.pdf": "encrypted",
        "scanned.pdf": "no_text",
    }
    assert all(documents[name]["message"] for name in refused)
    for name in GOOD:
        assert documents[name]["status"] in {"added", "unchanged"}
        assert documents[name]["form"] == "10-K"
        assert documents[name]["fiscal_year"] == 2023
        assert documents[name]["pages"] >= 12
        assert documents[name]["tables"] >= 8


def test_ingesting_again_changes_nothing(ingested: CommandLine, mixed: Path) -> None:
    before = ingested("releases", "--json").document
    outcome = ingested("ingest", *(mixed / name for name in GOOD), "--json")

    assert outcome.status == 0
    assert {d["status"] for d in outcome.document["documents"]} == {"unchanged"}
    assert ingested("releases", "--json").document == before


def test_search_finds_a_row_of_the_right_filing(ingested: CommandLine) -> None:
    question = "Halversen Flow Industries: income before income taxes in 2023"
    found = ingested("search", question, "-k", "10", "--json").document

    assert found["release"] == ingested("releases", "--json").document["live"]
    assert [hit["rank"] for hit in found["hits"]] == list(range(1, 11))
    scores = [hit["score"] for hit in found["hits"]]
    assert scores == sorted(scores, reverse=True)
    assert found["hits"][0]["document"] == "HALVERSEN_2023_10K.pdf"
    assert any("Income before income taxes" in hit["text"] for hit in found["hits"])


def test_search_explained_shows_what_was_understood_and_scores_by_stage(
    ingested: CommandLine,
) -> None:
    question = "Halversen Flow Industries: revenue in 2023"
    shown = ingested("search", question, "-k", "2", "--explain").stdout
    assert "HALVERSEN_2023_10K.pdf" in shown
    assert "net sales” for “revenue”" in shown
    for stage in ("vectors", "text", "fused"):
        assert re.search(rf"\b{stage} \d+\.\d{{3}}", shown)
    assert "fused" not in ingested("search", question, "-k", "2").stdout


def test_search_can_be_restricted(ingested: CommandLine) -> None:
    companies = {
        d["company"] for d in ingested("documents", "list", "--json").document["documents"]
    }
    whole = next(name for name in companies if name.lower().startswith("tessmark"))
    for tessmark in (whole, whole.split()[0].lower()):
        found = ingested("search", "total assets", "--company", tessmark, "--json").document
        assert {hit["document"] for hit in found["hits"]} == {"TESSMARK_2023_10K.pdf"}
    nothing = ingested("search", "total assets", "--year", "1999", "--json").document
    assert nothing["hits"] == []


def test_ask_cites_document_page_and_a_quote_that_stands_there(
    ingested: CommandLine, mixed: Path
) -> None:
    question = "What was Halversen's income before income taxes in 2023?"
    answer = ingested("ask", question, "--json").document

    (citation, *_) = answer["citations"]
    assert answer["grounded"] is True
    assert citation["document"] == "HALVERSEN_2023_10K.pdf"
    page = pypdf.PdfReader(mixed / citation["document"]).pages[citation["page"] - 1]
    figure = citation["quote"].split()[-1]
    assert figure in page.extract_text()


def test_ask_may_say_how_it_searched(ingested: CommandLine) -> None:
    question = "What was the revenue of Halversen Flow Industries in 2023?"
    asked = ("ask", question, "-k", "3", "--stages", "vectors,scope,glossary")
    document = ingested(*asked, "--explain", "--json").document
    assert len(document["hits"]) == 3
    assert document["explanation"]["stages"] == ["glossary", "scope", "vectors"]
    assert "explanation" not in ingested(*asked, "--json").document
    shown = ingested(*asked, "--explain").stdout
    assert "net sales” for “revenue”" in shown
    assert re.search(r"\bvectors \d+\.\d{3}", shown)


def test_inspect_gives_the_chunks_that_were_ingested_without_redis(
    ingested: CommandLine, mixed: Path
) -> None:
    name = GOOD[0]
    shown = ingested(
        "inspect", mixed / name, "--no-html", "--json", RAGLOOP_REDIS_URL="redis://127.0.0.1:1/0"
    ).document
    documents = ingested("documents", "list", "--json").document["documents"]
    found = ingested("search", "Halversen net sales and total assets", "-k", "50", "--json")
    hits = [hit for hit in found.document["hits"] if hit["document"] == name]
    ids = {chunk["chunk_id"] for chunk in shown["chunks"]}
    assert len(ids) == next(d["chunks"] for d in documents if d["document"] == name)
    assert len(hits) > 10
    assert {hit["chunk_id"] for hit in hits} <= ids


@pytest.mark.parametrize(
    ("arguments", "status", "code", "says"),
    [
        (("search", ""), 2, "invalid_request", "empty"),
        (("ask", "x" * 100_000), 2, "invalid_request", "2,000"),
        (("search", "assets", "--release", "r9999"), 2, "not_found", "r9999"),
        (("search", "assets", "-k", "0"), 2, "invalid_request", "1"),
        (("search", "assets", "--company", "Tesmark"), 2, "invalid_request", "did you mean"),
        (("ask", "assets", "--stages", "magic"), 2, "invalid_request", "magic"),
        (("promote", "r9999"), 2, "not_found", "r9999"),
        (("rollback",), 2, "not_found", "no earlier release"),
        (("reindex", "--model", "no/such-model"), 2, "model", "no/such-model"),
        (("ingest", "/no/such/folder"), 2, "not_found", "/no/such/folder"),
        (("evaluate", "--dataset", "/no/such/set"), 2, "data", "/no/such/set"),
        (("documents", "remove", "NOBODY.pdf"), 2, "not_found", "NOBODY.pdf"),
        (("search",), 2, "usage", "Missing argument 'QUESTION': see `ragloop search --help`"),
        (("keys", "create", "tom"), 2, "usage", "see `ragloop keys create --help`"),
        (("dance",), 2, "usage", "dance"),
    ],
)
def test_bad_input_gets_a_clear_error(
    ingested: CommandLine, arguments: tuple[str, ...], status: int, code: str, says: str
) -> None:
    outcome = ingested(*arguments, "--json")
    assert outcome.status == status, outcome.document
    assert outcome.error["code"] == code
    assert says in outcome.error["message"]
    assert outcome.error["retryable"] is False


def test_an_error_without_json_is_a_line_on_stderr(ingested: CommandLine) -> None:
    outcome = ingested("search", "assets", "--release", "r9999")
    assert outcome.stdout == ""
    assert "r9999" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_redis_that_is_not_there(ragloop: CommandLine) -> None:
    outcome = ragloop("search", "assets", "--json", RAGLOOP_REDIS_URL="redis://127.0.0.1:1/0")
    assert outcome.status == 1
    assert outcome.error["code"] == "store_unavailable"
    assert outcome.error["retryable"] is True
    assert "RAGLOOP_REDIS_URL" in outcome.error["message"]


def test_wrong_settings_are_named(ragloop: CommandLine) -> None:
    outcome = ragloop("releases", "--json", RAGLOOP_PORT="ninety", RAGLOOP_LLM="abacus")
    assert outcome.status == 2
    assert outcome.error["code"] == "config"
    assert "RAGLOOP_PORT" in outcome.error["message"]
    assert "RAGLOOP_LLM" in outcome.error["message"]


def test_a_second_model_is_built_promoted_compared_and_rolled_back(
    ingested: CommandLine, tmp_path: Path
) -> None:
    from tests.fakes.tiny_model import tiny_model

    tiny = tiny_model(tmp_path, ["total current assets net sales of the year 2023"])
    before = ingested("releases", "--json").document["live"]
    built = ingested("reindex", "--model", tiny.path, "--json").document
    again = ingested("reindex", "--model", tiny.path, "--json").document
    assert built["state"] == "candidate"
    assert again["release"] == built["release"]

    refused = ingested("promote", built["release"], "--json")
    assert (refused.status, refused.error["code"]) == (1, "gate_rejected")
    assert ingested("releases", "--json").document["live"] == before

    promoted = ingested("promote", built["release"], "--force", "--json")
    assert promoted.document["live"] == built["release"]
    assert ingested("search", "assets", "--json").document["release"] == built["release"]

    side_by_side = ingested(
        "compare", before, built["release"], "--question", "total assets", "--json"
    ).document
    assert (side_by_side["a"]["release"], side_by_side["b"]["release"]) == (
        before,
        built["release"],
    )

    assert ingested("rollback", "--json").document["live"] == before
    states = {r["release"]: r["state"] for r in ingested("releases", "--json").document["releases"]}
    assert states == {before: "live", built["release"]: "retired"}


def test_doctor_says_what_it_found(ragloop: CommandLine) -> None:
    found = ragloop("doctor", "--json")
    checks = {check["name"]: check for check in found.document["checks"]}
    assert found.status == 0
    assert found.document["healthy"] is True
    assert "query engine" in checks["redis"]["detail"]
    broken = ragloop("doctor", "--json", RAGLOOP_REDIS_URL="redis://127.0.0.1:1/0")
    assert broken.status == 2
    assert {c["name"]: c["status"] for c in broken.document["checks"]}["redis"] == "missing"
