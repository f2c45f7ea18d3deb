"""``ragloop inspect``: no Redis, no weights, the chunk ids of ``ragloop ingest``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ingest.read import ReadOptions, read_file
from ingest.samples.generate import write_sample_filings
from rag_service.adapters.model_registry import FileModelRegistry
from rag_service.adapters.token_counter import TokenCounter
from rag_service.cli import inspecting
from rag_service.core.errors import ModelError
from tests.integration.command_line import CommandLine
from tests.unit import ingest_files as files
from tests.unit import inspect_files

NAME = "HALVERSEN_2023_10K.pdf"
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    write_sample_filings(folder)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return inspect_files.word_tokenizer(tmp_path_factory.mktemp("model") / "words")


@pytest.fixture
def ragloop(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> CommandLine:
    settings = {"RAGLOOP_EMBEDDING_MODEL": str(model), "RAGLOOP_REDIS_URL": NOWHERE}
    return CommandLine(tmp_path / "home", settings, monkeypatch, capfd)


def test_a_sample_filing_as_json(ragloop: CommandLine, samples: Path, model: Path) -> None:
    outcome = ragloop("inspect", samples / NAME, "--json")
    assert outcome.status == 0, outcome.stdout
    document = outcome.document
    assert set(document) == {
        "document", "document_id", "pages", "cover", "warnings", "outline", "tables", "chunks",
        "html",
    }  # fmt: skip
    assert set(document["cover"]) == {"company", "ticker", "form", "fiscal_year", "period_end"}
    assert (document["document"], document["cover"]["form"]) == (NAME, "10-K")
    assert document["cover"]["fiscal_year"] == 2023
    assert {h["section"] for h in document["outline"]} >= {"Item 1", "Item 7", "Item 8"}
    assert all(set(h) == {"level", "text", "section", "page"} for h in document["outline"])
    assert {tuple(chunk) for chunk in document["chunks"]} == {
        ("chunk_id", "kind", "section", "heading", "page_start", "page_end", "page_breaks",
         "context", "text", "cells")
    }  # fmt: skip
    expected = read_file(samples / NAME, ReadOptions(), TokenCounter(model))
    assert [c["chunk_id"] for c in document["chunks"]] == [c.chunk_id for c in expected.chunks]
    written = Path(document["html"])
    assert written == ragloop.home / "inspect" / f"{NAME}.html"
    assert written.read_text().count("<img ") == document["pages"]
    assert [path.name for path in ragloop.home.iterdir()] == ["inspect"], "nothing else is kept"


def test_one_page_for_a_person(ragloop: CommandLine, samples: Path) -> None:
    whole = ragloop("inspect", samples / NAME, "--no-html", "--json").document
    assert whole["html"] is None
    table = whole["tables"][-1]
    page = table["page_start"]
    outcome = ragloop("inspect", samples / NAME, "--page", page)
    assert outcome.status == 0, outcome.stderr
    one = ragloop("inspect", samples / NAME, "--page", page, "--json").document
    assert 0 < len(one["chunks"]) < len(whole["chunks"])
    assert all(c["page_start"] <= page <= c["page_end"] for c in one["chunks"])
    for chunk in one["chunks"]:
        assert chunk["chunk_id"] in outcome.stdout
    label, *values = table["rows"][-1]
    (line,) = (line for line in outcome.stdout.splitlines()
               if line.split()[-len(values):] == values and line.startswith(label.split()[0])
               and "  " * 3 in line)  # fmt: skip
    assert line.index(values[0]) > len(label)
    assert one["html"].endswith(f"{NAME}.page-{page}.html")
    assert one["html"] in outcome.stdout
    assert Path(one["html"]).read_text().count("<img ") == 1


def test_a_whole_filing_for_a_person(ragloop: CommandLine, samples: Path) -> None:
    outcome = ragloop("inspect", samples / NAME, "--no-html")
    document = ragloop("inspect", samples / NAME, "--no-html", "--json").document
    assert outcome.status == 0, outcome.stderr
    lines = outcome.stdout.splitlines()
    assert lines[0] == f"{NAME}  {document['pages']} pages"
    assert f"company      {document['cover']['company']}" in lines[1]
    item = next(h for h in document["outline"] if h["section"] == "Item 8" and h["level"] == 1)
    assert any(line.startswith(f"  {item['text']}  p. {item['page']}") for line in lines)
    (counts,) = (line.split() for line in lines if line.startswith("Item 8 "))
    assert counts[-1] == str(sum(c["section"] == "Item 8" for c in document["chunks"]))


def test_the_html_goes_where_it_is_told(
    ragloop: CommandLine, samples: Path, tmp_path: Path
) -> None:
    target = tmp_path / "new folder" / "report.html"
    outcome = ragloop("inspect", samples / NAME, "--page", 2, "--html", target)
    assert outcome.status == 0, outcome.stderr
    assert str(target) in outcome.stdout
    assert target.read_text().startswith("<!doctype html>")
    assert not ragloop.home.exists()


@pytest.mark.parametrize("page", ["0", "-3", "9999"])
def test_a_page_that_is_not_there(ragloop: CommandLine, samples: Path, page: str) -> None:
    outcome = ragloop("inspect", samples / NAME, "--page", page, "--json")
    assert (outcome.status, outcome.error["code"]) == (2, "invalid_request")
    assert f"no page {page}" in outcome.error["message"]
    if page == "9999":
        assert f"{NAME} has " in outcome.error["message"]
    assert not ragloop.home.exists()


@pytest.mark.parametrize(
    ("name", "reason"), [("half.pdf", "broken"), ("scan.pdf", "no_text"), ("empty.pdf", "empty")]
)
def test_a_file_that_is_refused(
    ragloop: CommandLine, samples: Path, tmp_path: Path, name: str, reason: str
) -> None:
    files.truncated(tmp_path / "half.pdf", samples / NAME)
    files.image_only(tmp_path / "scan.pdf")
    (tmp_path / "empty.pdf").touch()
    outcome = ragloop("inspect", tmp_path / name, "--json")
    assert (outcome.status, outcome.error["code"]) == (1, "ingest")
    assert outcome.error["reason"] == reason
    assert outcome.error["message"]
    assert not ragloop.home.exists()


def test_wrong_use_is_told(ragloop: CommandLine, samples: Path, tmp_path: Path) -> None:
    page = inspect_files.hostile_html(tmp_path / "filing.html")
    before = page.read_bytes()
    for arguments, says in (
        ((tmp_path / "gone.pdf",), "gone.pdf does not exist"),
        ((samples,), "is a folder"),
        ((page, "--html", tmp_path), "is a folder"),
        ((page, "--html", page), "is the file that is inspected"),
        ((page, "--html", tmp_path / "x.html", "--no-html"), "do not go together"),
    ):
        outcome = ragloop("inspect", *arguments, "--json")
        assert outcome.status == 2, outcome.stdout
        assert says in outcome.error["message"]
    assert page.read_bytes() == before


@pytest.mark.parametrize("kind", ["pdf", "html"])
def test_a_hostile_text_reaches_neither_page_nor_terminal(
    ragloop: CommandLine, tmp_path: Path, kind: str
) -> None:
    draw = inspect_files.hostile_pdf if kind == "pdf" else inspect_files.hostile_html
    source = draw(tmp_path / f"filing.{kind}")
    shown = ragloop("inspect", source, "--page", 1)
    assert shown.status == 0, shown.stderr
    assert inspect_files.SCRIPT in shown.stdout
    assert not {"\x1b", "\x07"} & set(shown.stdout)
    written = (ragloop.home / "inspect" / f"filing.{kind}.page-1.html").read_text()
    assert "<script" not in written
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in written
    texts = [c["text"] for c in ragloop("inspect", source, "--json").document["chunks"]]
    assert any(inspect_files.SCRIPT in text for text in texts)


def test_no_weights_and_no_redis_are_loaded(ragloop: CommandLine, samples: Path) -> None:
    heavy = {"torch", "sentence_transformers", "transformers"} - set(sys.modules)
    assert ragloop("inspect", samples / NAME, "--no-html").status == 0
    assert not heavy & set(sys.modules)


def test_a_home_counts_as_its_own_models_do(tmp_path: Path) -> None:
    letters = inspect_files.word_tokenizer(tmp_path / "letters", pieces=inspect_files.LETTERS)
    registry = FileModelRegistry(tmp_path / "home", tmp_path / "cache", "auto", 1)

    counter, alike = registry.token_counter(str(letters))
    assert (counter(["net sales"]), alike) == ([9], True)

    inspect_files.register(tmp_path / "home", "1", "tests/words")
    inspect_files.register(tmp_path / "home", "2", "tests/words-tuned")
    counter, alike = registry.token_counter(str(letters))
    assert (counter(["net sales", ""]), alike) == ([2, 0], True)
    assert counter(["word " * 50]) == [50], "what a model cuts off is counted"

    inspect_files.register(tmp_path / "home", "3", "tests/letters", inspect_files.LETTERS)
    for name, tokens in (("tests/words", 2), ("tests/letters", 9), (str(letters), 9)):
        counter, alike = registry.token_counter(name)
        assert (counter(["net sales"]), alike) == ([tokens], False)


def test_models_that_count_differently_are_a_warning(
    ragloop: CommandLine, samples: Path, model: Path
) -> None:
    inspect_files.register(ragloop.home, "1", "tests/words")
    plain = ragloop("inspect", samples / NAME, "--no-html", "--json")
    assert plain.document["warnings"] == []
    inspect_files.register(ragloop.home, "3", "tests/letters", inspect_files.LETTERS)
    (warning,) = ragloop("inspect", samples / NAME, "--no-html", "--json").document["warnings"]
    assert str(model) in warning
    assert "RAGLOOP_EMBEDDING_MODEL" in warning


@pytest.mark.parametrize("content", [None, "not JSON"])
def test_a_model_without_a_tokenizer_is_an_error(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(ModelError, match=r"tokenizer\.json"):
        TokenCounter(tmp_path)


def test_a_long_outline_counts_its_deep_headings() -> None:
    def heading(level: int, text: str) -> dict[str, object]:
        return {"level": level, "text": text, "section": "Item 1", "page": 3}

    headings = [heading(1, "Item 1. Business")]
    for number in range(40):
        headings.append(heading(2, f"Topic {number}"))
        headings.extend(heading(3, f"Detail {number}.{n}") for n in range(5))
    shown = [line.plain for line in inspecting._outline(headings)]
    assert shown[1:4] == [
        "  Item 1. Business  p. 3",
        "    Topic 0  p. 3, 5 more below",
        "    Topic 1  p. 3, 5 more below",
    ]
    assert len(shown) == 42
    assert len(list(inspecting._outline(headings[:100]))) == 101
    assert len(list(inspecting._outline(headings, cut=False))) == 242
