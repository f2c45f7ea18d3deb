"""The files of the web page, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.resources import files
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from rag_service.api.app import create_app
from tests.fakes.answering import World

FOLDER = files("rag_service.api") / "web"
NAMES = sorted(
    path.relative_to(str(FOLDER)).as_posix()
    for path in Path(str(FOLDER)).rglob("*")
    if path.is_file()
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    world = World(tmp_path_factory.mktemp("home"))
    with TestClient(create_app(lambda: nullcontext(world))) as client:
        yield client


def test_every_file_is_served_with_its_type(client: TestClient) -> None:
    types = {".js": "text/javascript", ".css": "text/css", ".html": "text/html",
             ".svg": "image/svg+xml"}  # fmt: skip
    for name in NAMES:
        response = client.get(f"/static/{name}")
        assert response.status_code == 200, name
        assert response.headers["content-type"].split(";")[0] == types[Path(name).suffix]
        assert response.headers["x-content-type-options"] == "nosniff"


def test_a_file_is_sent_again_only_when_it_changed(client: TestClient) -> None:
    first = client.get("/")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.head("/static/app.js").status_code == 200


@pytest.mark.parametrize(
    "name",
    ["../web.py", "%2e%2e/web.py", "..%2fweb.py", "views/../../web.py", "/etc/passwd",
     "%2fetc%2fpasswd", "..%5cweb.py", "a%00b", "a" * 5000, "", "views", "views/"],
)  # fmt: skip
def test_no_request_chooses_a_file_outside(client: TestClient, name: str) -> None:
    # As a whole address, since the client would tidy up a relative one.
    response = client.request("GET", f"http://testserver/static/{name}")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


def test_the_page_needs_nothing_from_elsewhere(client: TestClient) -> None:
    page = client.get("/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]
    for name in NAMES:
        text = client.get(f"/static/{name}").text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search("https?://", text), name


def test_every_file_that_is_named_is_there(client: TestClient) -> None:
    named = re.findall(r'(?:href|src)="(/static/[^"]+)"', client.get("/").text)
    assert "/static/app.js" in named
    for place in named:
        assert client.get(place).status_code == 200, place
    for name in NAMES:
        if name.endswith(".js"):
            text = client.get(f"/static/{name}").text
            for other in re.findall(r'(?:from|import\()\s*"(\.[^"]+)"', text):
                target = (Path(name).parent / other).as_posix()
                assert client.get(f"/static/{target}").status_code == 200, (name, other)


def test_nothing_is_read_as_html_and_no_style_or_script_stands_inline() -> None:
    for name in NAMES:
        text = (FOLDER / name).read_text(encoding="utf-8")
        assert not re.search(r"\b(?:inner|outer)HTML\b|insertAdjacentHTML|\beval\(", text), name
        if name.endswith(".html"):
            assert not re.search(r"<style|\son\w+=|\sstyle=|<script>", text), name
