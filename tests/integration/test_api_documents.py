"""Filings that are sent, shown and removed over HTTP; nothing stays of what is refused."""

from __future__ import annotations

import asyncio
import errno
import http.client
import io
import os
import shutil
import socket
import threading
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from rag_service.api import pages, uploading
from rag_service.api.app import create_app
from rag_service.api.page_pictures import NobodyWaits, PagePictures
from rag_service.core.errors import StoreUnavailable
from rag_service.core.ids import document_id
from rag_service.core.types import Document, FilingFacts, ModelCard
from rag_service.loop.uploads import Uploads
from tests.fakes.answering import DIMS, World
from tests.fakes.at_once import comes_true
from tests.fakes.filings import filing
from tests.fakes.served import served
from tests.unit import ingest_files as files

NAME = "HARROW_2023_10K.pdf"
HTML = "harrow.html"
PAGE = b"<html><body><p>Item 1. Business</p><p>We make measuring instruments.</p></body></html>"
ROW = "Net sales | $ 4,210 | $ 3,985 | $ 3,600"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a filing of six pages."""
    return files.filing(tmp_path_factory.mktemp("drawn") / "drawn.pdf").read_bytes()


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "home")
    world.settings = world.settings.model_copy(update={"max_file_mb": 1})
    begin(world)
    return world


@pytest.fixture
def app(world: World) -> FastAPI:
    return create_app(lambda: nullcontext(world))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def reading(tmp_path_factory: pytest.TempPathFactory, drawn: bytes) -> Iterator[TestClient]:
    """A service that has a PDF and an HTML filing, for tests that only read."""
    folder = tmp_path_factory.mktemp("reading")
    world = World(folder / "home")
    begin(world)
    (folder / NAME).write_bytes(drawn)
    world.ingestion.run([folder / NAME])
    add_html(world, folder / HTML)
    with TestClient(create_app(lambda: nullcontext(world))) as client:
        yield client


def add_html(world: World, path: Path) -> None:
    """A filing that is no PDF, as if it had been read."""
    path.write_bytes(PAGE)
    page = Document(document_id(PAGE), path.name, FilingFacts(), 1, 1, 0, "2024-01-01T00:00:00Z")
    chunk = replace(
        filing("Birchwater", 2022)[0],
        chunk_id=f"{page.document_id}.{'0' * 16}",
        document_id=page.document_id,
        document=page.name,
        text="We make measuring instruments.",
        page_start=1,
        page_end=1,
    )
    world.chunks.replace(page, [chunk], "r0001")
    world.kept_filings.keep(page, path)


def begin(world: World) -> None:
    """A live release whose model reads chunks of any length."""
    world.registry._cards["ma"] = ModelCard("ma", "ma", "", DIMS, 512, "", "", "")
    world.add_release("ma", filing("Alder Mills", 2023), live=True)


def send(client: TestClient, content: bytes, name: str = NAME) -> Any:
    return client.post("/v1/documents", files={"file": (name, content, "application/pdf")})


def problem(response: Any, status: int, code: str) -> str:
    """What the problem document says that ``response`` must be."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["code"] == code
    return str(response.json()["detail"])


def left(world: World) -> list[Path]:
    """What lies among the uploads; a folder that is deleted meanwhile counts as empty."""
    return sorted(
        Path(folder) / name
        for folder, folders, files in os.walk(world.home / "uploads")
        for name in (*folders, *files)
    )


def test_an_upload_is_handed_to_a_job_byte_for_byte(
    client: TestClient, world: World, drawn: bytes
) -> None:
    response = send(client, drawn)
    assert response.status_code == 202, response.text
    told = response.json()
    assert told["document"] == NAME
    assert (told["job"]["kind"], told["job"]["state"]) == ("ingest", "queued")
    (path,) = world.queue.get(told["job"]["job"]).arguments["paths"]
    sent = world.home / "uploads" / path
    assert (sent.name, sent.read_bytes()) == (NAME, drawn)
    (outcome,) = world.ingestion.run([sent])
    assert (outcome.status, outcome.document and outcome.document.name) == ("added", NAME)
    world.queue.end(told["job"]["job"], {"documents": [outcome.as_dict()]})
    world.uploads.sweep(world.queue.all)
    assert left(world) == []
    (record,) = client.get("/v1/documents").json()["documents"]
    assert record["document"] == NAME
    assert {
        "document_id", "company", "ticker", "form", "fiscal_year", "period_end", "pages", "chunks",
        "tables", "ingested_at",
    } <= record.keys()  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../x.pdf", "x.pdf"),
        ("/etc/passwd.txt", "passwd.txt"),
        ("..\\..\\x.htm", "x.htm"),
        ("C:\\filings\\x.PDF", "x.PDF"),
        ("Société Générale 2023.pdf", "Société Générale 2023.pdf"),
        ("-rf $(x) ;.pdf", "-rf $(x) ;.pdf"),
    ],
)
def test_no_folder_can_be_chosen_by_a_name(
    client: TestClient, world: World, drawn: bytes, sent: str, kept: str
) -> None:
    content = drawn if kept.lower().endswith("pdf") else PAGE
    assert send(client, content, sent).json()["document"] == kept
    (folder, file) = left(world)
    assert file == folder / kept
    assert folder.parent == world.home / "uploads"


@pytest.mark.parametrize(
    "name",
    ["", "..", "../", ".", ".pdf", ".hidden.pdf", " ", "a\x01b.pdf", "a\u202efdp.pdf", "a" * 300]
)  # fmt: skip
def test_a_name_that_is_none_is_refused(
    client: TestClient, world: World, drawn: bytes, name: str
) -> None:
    body, kind = multipart(drawn, name.encode())
    response = client.post("/v1/documents", content=body, headers={"content-type": kind})
    problem(response, 422, "invalid_request")
    assert left(world) == []
    assert world.queue.all() == []


def multipart(content: bytes, name: bytes, field: bytes = b"file") -> tuple[bytes, str]:
    """A body with one file, however its name is spelled."""
    head = b'--b\r\nContent-Disposition: form-data; name="%s"; filename="%s"\r\n\r\n'
    return head % (field, name) + content + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def zipped() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.txt", "x" * 10_000)
    return packed.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("zip.pdf", zipped(), "not a PDF"),
        ("long.pdf", b"\0" * 900_000, "not a PDF"),
        ("zip.txt", zipped(), "not text"),
        ("pdf.html", b"%PDF-1.7\n" + b"x" * 9000, "not text"),
        ("program.exe", b"MZ", ".exe is not read"),
        ("none", b"%PDF-1.7", "a name without an ending"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(
    client: TestClient, world: World, name: str, content: bytes, says: str
) -> None:
    assert says in problem(send(client, content, name), 415, "unsupported_type")
    assert left(world) == []
    assert world.queue.all() == []


def test_what_is_no_upload_of_one_file_is_refused(
    client: TestClient, world: World, drawn: bytes
) -> None:
    def post(status: int, **sent: Any) -> None:
        response = client.post("/v1/documents", **sent)
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        assert left(world) == []

    file = (NAME, drawn, "application/pdf")
    post(415, json={"file": "x"})
    post(415, content=drawn, headers={"content-type": "application/pdf"})
    post(415)
    post(422, files={"other": file})
    post(422, files=[("file", file), ("file", ("b.pdf", drawn, "application/pdf"))])
    post(422, files={"file": file}, data={"name": "x"})
    post(422, files={"file": (NAME, b"", "application/pdf")})
    post(422, content=b"--b--\r\n", headers={"content-type": "multipart/form-data; boundary=b"})
    body, kind = multipart(drawn, NAME.encode())
    post(400, content=body[:-9], headers={"content-type": kind})
    post(400, content=body, headers={"content-type": "multipart/form-data; boundary=other"})
    post(400, content=body, headers={"content-type": "multipart/form-data"})
    post(400, content=b"", headers={"content-type": kind})
    wrong, _ = multipart(drawn, b"\xff\xfe.pdf")
    post(422, content=wrong, headers={"content-type": kind})
    assert world.queue.all() == []


def test_a_file_that_is_too_large_is_refused_and_one_that_just_fits_is_not(
    client: TestClient, world: World
) -> None:
    large = b"%PDF-1.7\n" + b"x" * 2**20
    assert "RAGLOOP_MAX_FILE_MB" in problem(send(client, large), 413, "too_large")
    body, kind = multipart(large + large, NAME.encode())
    pieces = (body[at : at + 50_000] for at in range(0, len(body), 50_000))
    response = client.post("/v1/documents", content=pieces, headers={"content-type": kind})
    problem(response, 413, "too_large")
    assert left(world) == []
    assert send(client, large[: 2**20]).status_code == 202


def test_other_requests_are_as_small_as_before(client: TestClient, world: World) -> None:
    large = {"query": "x" * 300 * 1024}
    assert client.post("/v1/search", json=large).status_code == 413


@pytest.mark.parametrize("where", ["write", "start"])
def test_a_full_disk_is_told_and_leaves_nothing(
    client: TestClient,
    world: World,
    drawn: bytes,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    if where == "write":
        monkeypatch.setattr(uploading._Receiver, "_on_part_end", full)
    else:
        monkeypatch.setattr(Uploads, "receiving", full)
    assert "free some space" in problem(send(client, drawn), 507, "disk_full")
    assert left(world) == []


@pytest.mark.parametrize("announced", [True, False])
def test_uploads_together_leave_the_disk_some_space(
    client: TestClient,
    world: World,
    drawn: bytes,
    monkeypatch: pytest.MonkeyPatch,
    announced: bool,
) -> None:
    room = 3 * len(drawn)

    def disk(folder: Path) -> SimpleNamespace:
        assert folder.is_relative_to(world.home)
        used = sum(file.stat().st_size for file in left(world) if file.is_file())
        return SimpleNamespace(free=world.settings.min_free_mb * 2**20 + room - used)

    monkeypatch.setattr(shutil, "disk_usage", disk)

    def post() -> Any:
        if announced:
            return send(client, drawn)
        body, kind = multipart(drawn, NAME.encode())
        return client.post("/v1/documents", content=iter([body]), headers={"content-type": kind})

    assert [post().status_code for _ in range(2)] == [202, 202]
    kept = left(world)
    room -= len(drawn) // 2
    assert "RAGLOOP_MIN_FREE_MB" in problem(post(), 507, "disk_full")
    assert left(world) == kept
    assert len(world.queue.all()) == 2


def test_an_upload_whose_job_cannot_be_queued_leaves_nothing(
    client: TestClient, world: World, drawn: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> Any:
        raise StoreUnavailable("Redis is away")

    monkeypatch.setattr(world.queue, "start", away)
    problem(send(client, drawn), 503, "store_unavailable")
    assert left(world) == []


def test_clients_that_leave_or_lie_leave_nothing(app: FastAPI, world: World, drawn: bytes) -> None:
    body, kind = multipart(drawn * 40, NAME.encode())
    head = f"POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n"
    with served(app) as port:
        with socket.create_connection(("127.0.0.1", port)) as leaving:
            leaving.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body[:60_000])
            assert comes_true(lambda: len(left(world)) == 2)
        assert comes_true(lambda: left(world) == [])
        for length, status in ((10**12, b"413"), (len(body) // 2, b"400")):
            with socket.create_connection(("127.0.0.1", port)) as lying:
                lying.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + body[:length])
                assert lying.recv(1000).split()[1] == status
            assert comes_true(lambda: left(world) == [])
    assert world.queue.all() == []


def test_a_refusal_reaches_a_client_that_is_still_sending(app: FastAPI, world: World) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'
        for _ in range(60):
            yield zipped() + b"\0" * 60_000

    with served(app) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        connection.request("POST", "/v1/documents", chunks(), kind, encode_chunked=True)
        response = connection.getresponse()
        assert response.status == 415
        assert b"not a PDF" in response.read()
        connection.close()
    assert left(world) == []


def test_a_sweep_spares_what_is_sent_and_what_a_job_is_to_read(world: World, drawn: bytes) -> None:
    uploads = world.uploads
    uploads.sweep(world.queue.all)
    with uploads.receiving() as waiting:
        (waiting.folder / NAME).write_bytes(drawn)
        job = world.queue.start("ingest", {"paths": [f"{waiting.folder.name}/{NAME}"]})
        waiting.handed_over = True
    abandoned = world.home / "uploads" / "upload-of-a-process-that-died"
    abandoned.mkdir()
    (abandoned / NAME).write_bytes(drawn)
    with uploads.receiving() as sending:
        uploads.sweep(world.queue.all)
        assert left(world) == sorted([waiting.folder, waiting.folder / NAME, sending.folder])
    assert left(world) == [waiting.folder, waiting.folder / NAME]
    world.queue.take()
    uploads.sweep(world.queue.all)
    assert waiting.folder.exists()
    world.queue.end(job.job, reason="its file is broken")
    uploads.sweep(world.queue.all)
    assert left(world) == []


def test_a_filing_is_removed_with_its_file(
    client: TestClient, world: World, drawn: bytes, tmp_path: Path
) -> None:
    (tmp_path / NAME).write_bytes(drawn)
    world.ingestion.run([tmp_path / NAME])
    assert list((world.home / "filings").iterdir())
    with world.ingestion._jobs.writing():
        problem(client.delete(f"/v1/documents/{NAME}"), 409, "job_running")
    assert client.delete(f"/v1/documents/{NAME}").json()["removed"]["document"] == NAME
    assert list((world.home / "filings").iterdir()) == []
    problem(client.delete(f"/v1/documents/{NAME}"), 404, "not_found")
    problem(client.get(f"/v1/documents/{NAME}"), 404, "not_found")


def test_one_filing_is_told_with_its_outline(reading: TestClient, drawn: bytes) -> None:
    found = reading.get(f"/v1/documents/{NAME}").json()
    assert (found["document_id"], found["pages"]) == (document_id(drawn), 6)
    assert found["kept"] is True
    assert found["fiscal_year"] == 2023
    sections = [entry["section"] for entry in found["outline"]]
    assert "Item 1" in sections
    assert [entry["page"] for entry in found["outline"]] == sorted(
        entry["page"] for entry in found["outline"]
    )


def test_a_page_is_drawn_in_the_wanted_width_and_not_again(
    reading: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"/v1/documents/{NAME}/pages/2"
    response = reading.get(url, params={"width": 640})
    assert (response.status_code, response.headers["content-type"]) == (200, "image/jpeg")
    with Image.open(io.BytesIO(response.content)) as image:
        assert (image.format, image.width) == ("JPEG", 640)
    assert "private" in response.headers["cache-control"]
    monkeypatch.setattr(pages, "draw_pages", pytest.fail)
    assert reading.get(url, params={"width": 640}).content == response.content
    tag = response.headers["etag"]
    again = reading.get(url, params={"width": 640}, headers={"If-None-Match": f'W/"x", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        (f"/v1/documents/{NAME}/pages/7", 404, "not_found"),
        (f"/v1/documents/{NAME}/pages/7/marks?quote=net+sales", 404, "not_found"),
        (f"/v1/documents/{NAME}/pages/0", 422, "invalid_request"),
        (f"/v1/documents/{NAME}/pages/1?width=199", 422, "invalid_request"),
        (f"/v1/documents/{NAME}/pages/1?width=2001", 422, "invalid_request"),
        (f"/v1/documents/{NAME}/pages/1/marks", 422, "invalid_request"),
        (f"/v1/documents/{NAME}/pages/1/marks?quote={'x' * 4001}", 422, "invalid_request"),
        ("/v1/documents/none.pdf/pages/1", 404, "not_found"),
        ("/v1/documents/..%2Ffilings/pages/1", 404, "not_found"),
        (f"/v1/documents/{HTML}/pages/1", 404, "no_picture"),
        (f"/v1/documents/{HTML}/pages/1/marks?quote=We+make", 404, "no_picture"),
    ],
)
def test_pages_that_cannot_be_shown_are_refused(
    reading: TestClient, url: str, status: int, code: str
) -> None:
    problem(reading.get(url), status, code)


def test_of_a_filing_without_pictures_the_text_is_given(
    reading: TestClient, client: TestClient, world: World, drawn: bytes, tmp_path: Path
) -> None:
    told = reading.get(f"/v1/documents/{HTML}/pages/1").json()
    assert "no PDF" in told["detail"]
    assert "We make measuring instruments." in told["text"]
    (tmp_path / NAME).write_bytes(drawn)
    (outcome,) = world.ingestion.run([tmp_path / NAME])
    assert outcome.document is not None
    world.kept_filings.discard(outcome.document)
    response = client.get(f"/v1/documents/{NAME}/pages/1")
    assert "ingest the file again" in problem(response, 404, "no_picture")
    assert "FORM 10-K" in response.json()["text"]
    assert client.get(f"/v1/documents/{NAME}").json()["kept"] is False
    problem(client.get(f"/v1/documents/{NAME}/pages/1/marks?quote=x"), 404, "no_picture")
    world.ingestion.run([tmp_path / NAME])
    assert client.get(f"/v1/documents/{NAME}/pages/1?width=200").status_code == 200


def test_a_quote_is_marked_on_its_page(reading: TestClient) -> None:
    found = reading.get(f"/v1/documents/{NAME}/pages/4/marks", params={"quote": ROW}).json()
    assert (found["page"], found["pages"]) == (4, 6)
    ((x0, y0, x1, y1),) = found["boxes"]
    assert 0 < x0 < x1 < 1
    assert 0 < y0 < y1 < 1
    assert y1 - y0 < 0.05 < x1 - x0
    elsewhere = reading.get(f"/v1/documents/{NAME}/pages/1/marks", params={"quote": ROW})
    assert elsewhere.json() == {"page": 1, "pages": 6, "boxes": []}


def test_a_kept_file_that_cannot_be_read_is_an_error_of_the_file(
    client: TestClient, world: World, drawn: bytes, tmp_path: Path
) -> None:
    (tmp_path / NAME).write_bytes(drawn)
    world.ingestion.run([tmp_path / NAME])
    (kept,) = (world.home / "filings").iterdir()
    kept.write_bytes(b"no longer a PDF")
    problem(client.get(f"/v1/documents/{NAME}/pages/1"), 422, "ingest")
    problem(client.get(f"/v1/documents/{NAME}/pages/1/marks?quote=x"), 422, "ingest")


def test_no_more_than_two_pages_are_drawn_at_once_and_pictures_are_few() -> None:
    running: list[int] = []
    most = 0
    lock = threading.Lock()
    full = threading.Barrier(2)

    def draw() -> bytes:
        nonlocal most
        with lock:
            running.append(1)
            most = max(most, len(running))
        full.wait(10)
        with lock:
            running.pop()
        return b"x" * 10

    async def stays() -> bool:
        return False

    async def leaves() -> bool:
        return True

    async def many() -> None:
        pictures = PagePictures(max_bytes=25)
        await asyncio.gather(*(pictures.picture(str(n), draw, stays) for n in range(6)))
        assert pictures._bytes <= 25
        with pytest.raises(NobodyWaits):
            await pictures.picture("6", draw, leaves)
        assert await pictures.picture("5", draw, leaves) == b"x" * 10

    asyncio.run(many())
    assert most == 2
