"""What commands print, whatever the names of files are."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest

from rag_service.cli.output import emit, emit_error

NAME = "f\udcff – ü.pdf"
"""As Python reads the name of a file that is no UTF-8."""


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize(
    "write",
    [
        lambda: emit({"name": NAME}, True, lambda console: None),
        lambda: emit_error({"name": NAME}, True),
    ],
)
def test_json_is_readable_in_any_encoding(
    write: Callable[[], None], encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = json.loads(_printed(write, encoding, monkeypatch))
    assert document.get("error", document) == {"name": NAME}


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_text_shows_what_cannot_be_encoded_escaped(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = _printed(
        lambda: emit({}, False, lambda console: console.print(NAME)), encoding, monkeypatch
    )
    assert "f\\udcff" in printed


def _printed(write: Callable[[], None], encoding: str, monkeypatch: pytest.MonkeyPatch) -> str:
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(raw, encoding=encoding, errors="strict")
    with monkeypatch.context() as patch:
        patch.setattr("sys.stdout", stdout)
        write()
        stdout.flush()
    return raw.getvalue().decode(encoding)
