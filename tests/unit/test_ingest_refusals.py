"""Files that cannot be read are refused by name, and stop nothing else."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from ingest.read import Filing, ReadOptions, read_file, read_files
from rag_service.core.errors import ConfigError, IngestError
from tests.unit import ingest_files as files
from tests.unit.ingest_files import count_words


def refused(path: Path, options: ReadOptions | None = None) -> IngestError:
    with pytest.raises(IngestError) as caught:
        read_file(path, options or ReadOptions(), count_words)
    return caught.value


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return files.filing(tmp_path_factory.mktemp("good") / "good.pdf")


def test_missing(tmp_path: Path) -> None:
    assert refused(tmp_path / "gone.pdf").reason == "missing"


def test_empty(tmp_path: Path) -> None:
    (tmp_path / "empty.pdf").touch()
    assert refused(tmp_path / "empty.pdf").reason == "empty"


def test_not_pdf(tmp_path: Path) -> None:
    (tmp_path / "page.pdf").write_text("<html>not found</html>")
    assert refused(tmp_path / "page.pdf").reason == "not_pdf"


@pytest.mark.parametrize("name", ["filing.docx", "filing", "filing.txt", "filing.htm"])
def test_unsupported(tmp_path: Path, good: Path, name: str) -> None:
    (tmp_path / name).write_bytes(good.read_bytes())
    assert refused(tmp_path / name).reason == "unsupported"


def test_truncated(tmp_path: Path, good: Path) -> None:
    assert refused(files.truncated(tmp_path / "half.pdf", good)).reason == "broken"


def test_corrupt(tmp_path: Path) -> None:
    assert refused(files.corrupt(tmp_path / "corrupt.pdf")).reason == "broken"


def test_encrypted(tmp_path: Path, good: Path) -> None:
    error = refused(files.encrypted(tmp_path / "locked.pdf", good))
    assert error.reason == "encrypted"
    assert "password" in error.message


def test_scanned(tmp_path: Path) -> None:
    error = refused(files.image_only(tmp_path / "scan.pdf"))
    assert error.reason == "no_text"
    assert "RAGLOOP_PDF_STRATEGY=hi_res" in error.message


def test_too_large(tmp_path: Path) -> None:
    error = refused(files.sparse(tmp_path / "big.pdf", 3), ReadOptions(max_file_mb=2))
    assert error.reason == "too_large"
    assert "RAGLOOP_MAX_FILE_MB" in error.message


def test_too_many_pages(good: Path) -> None:
    error = refused(good, ReadOptions(max_pages=5))
    assert error.reason == "too_many_pages"
    assert "RAGLOOP_MAX_PAGES" in error.message


def test_unknown_strategy(good: Path) -> None:
    with pytest.raises(ConfigError, match="RAGLOOP_PDF_STRATEGY=best"):
        read_file(good, ReadOptions(strategy="best"), count_words)


def test_pages_without_text_are_a_warning(tmp_path: Path, good: Path) -> None:
    import pypdfium2

    scan = files.image_only(tmp_path / "scan.pdf")
    with pypdfium2.PdfDocument(good) as whole, pypdfium2.PdfDocument(scan) as page:
        whole.import_pages(page)
        whole.save(tmp_path / "mixed.pdf")
    filing = read_file(tmp_path / "mixed.pdf", ReadOptions(), count_words)
    assert filing.document.pages == 7
    assert "1 of 7 pages have no text layer, the first is 7" in filing.warnings[0]


def test_good_files_survive_among_bad_ones(tmp_path: Path, good: Path) -> None:
    paths = [
        good,
        files.corrupt(tmp_path / "corrupt.pdf"),
        files.encrypted(tmp_path / "locked.pdf", good),
        tmp_path / "gone.pdf",
        files.filing(tmp_path / "longer.pdf", extra_pages=3),
        files.truncated(tmp_path / "half.pdf", good),
        good,
    ]
    read = list(read_files(paths, ReadOptions(workers=2), count_words))
    assert [path for path, _ in read] == paths
    outcomes = [o.reason if isinstance(o, IngestError) else o.document.pages for _, o in read]
    assert outcomes == [6, "broken", "encrypted", "missing", 9, "broken", 6]
    first, last = read[0][1], read[-1][1]
    assert isinstance(first, Filing)
    assert isinstance(last, Filing)
    assert first.chunks == last.chunks
    assert first.chunks == read_file(good, ReadOptions(), count_words).chunks


def test_a_wrong_setting_stops_the_run(good: Path) -> None:
    with pytest.raises(ConfigError, match="RAGLOOP_PDF_STRATEGY=best"):
        list(read_files([good], ReadOptions(strategy="best", workers=1), count_words))


def test_no_files() -> None:
    assert list(read_files([], ReadOptions(), count_words)) == []


def test_a_file_that_hangs_is_given_up(tmp_path: Path, good: Path) -> None:
    hanging = tmp_path / "hanging.txt"
    os.mkfifo(hanging)
    started = time.monotonic()
    read = dict(read_files([hanging, good], ReadOptions(seconds=1, workers=1), count_words))
    assert time.monotonic() - started < 60
    error = read[hanging]
    assert isinstance(error, IngestError)
    assert error.reason == "timeout"
    assert "RAGLOOP_PARSE_SECONDS" in error.message
    assert isinstance(read[good], Filing)


def test_a_file_that_needs_too_much_memory_is_given_up(tmp_path: Path, good: Path) -> None:
    large = files.sparse(tmp_path / "large.pdf", 1500)
    options = ReadOptions(memory_mb=1024, max_file_mb=2000, workers=1)
    read = dict(read_files([large, good], options, count_words))
    error = read[large]
    assert isinstance(error, IngestError)
    assert error.reason == "memory"
    assert "RAGLOOP_PARSE_MEMORY_MB" in error.message
    assert isinstance(read[good], Filing)


def test_a_reader_that_dies_takes_one_file_with_it(tmp_path: Path, good: Path) -> None:
    hanging = tmp_path / "hanging.txt"
    os.mkfifo(hanging)
    killer = threading.Thread(target=kill_reader_of, args=(hanging,))
    killer.start()
    read = dict(read_files([hanging, good], ReadOptions(seconds=60, workers=1), count_words))
    killer.join()
    error = read[hanging]
    assert isinstance(error, IngestError)
    assert error.reason == "crashed"
    assert isinstance(read[good], Filing)


def kill_reader_of(pipe: Path) -> None:
    """Kill the readers once one of them waits for ``pipe``."""
    deadline = time.monotonic() + 50
    while time.monotonic() < deadline:
        try:
            # Opening succeeds only while a reader has the other end.
            writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            time.sleep(0.05)
            continue
        for child in readers():
            os.kill(child, 9)
        os.close(writer)
        return


def readers() -> list[int]:
    """Children of this process that read files."""
    found = [
        int(pid)
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    ]
    return [pid for pid in found if b"ingest.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
