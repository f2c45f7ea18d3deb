"""The one file of a multipart request, written to disk as it comes and refused as early as can be.

What is received piece by piece is never held in memory, and never spooled to another disk.
"""

from __future__ import annotations

import errno
import re
import shutil
import unicodedata
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from ingest.source import TAIL, SourceKind, check_beginning, kind_of
from rag_service.core.errors import IngestError, InvalidRequest

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

FIELD = "file"
MAX_NAME_BYTES = 200
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_WRONG_FIELDS = f"send one file, in the field `{FIELD}`, and nothing else"


async def receive_file(request: Request, folder: Path, max_mb: int, min_free_mb: int) -> Path:
    """Where in ``folder`` the request's file lies, under its cleaned name.

    Of the folder's disk ``min_free_mb`` are left free, however many files come at once.

    Raises:
        InvalidRequest: its name or the request's fields are wrong, or it is empty.
        HTTPException: 400 for a body that is broken or ends too early, 413 for a file that is too
            large, 415 for one that is not what its name says, 507 if it leaves the disk too full.
    """
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"send the file as multipart/form-data, in the field `{FIELD}`",
        )
    announced = int(request.headers.get("content-length", 0))
    _leave_free(folder, min_free_mb, min(announced, max_mb * 2**20))  # of more, 413 is said
    receiver = _Receiver(folder, max_mb, min_free_mb)
    try:
        parser = MultipartParser(options.get(b"boundary", b""), receiver.callbacks)
        async for piece in request.stream():
            await run_in_threadpool(parser.write, piece)
        return receiver.received()
    except FormParserError as error:
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, f"the body is not multipart/form-data: {error}"
        ) from error
    except ClientDisconnect as error:
        raise HTTPException(HTTPStatus.BAD_REQUEST, "the client left amid the body") from error
    except IngestError as error:
        raise HTTPException(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, error.message) from error
    finally:
        receiver.close()


def out_of_space(error: OSError) -> HTTPException | None:
    """The refusal, if the error says that the disk is full."""
    if error.errno not in _FULL:
        return None
    return HTTPException(
        HTTPStatus.INSUFFICIENT_STORAGE,
        "the disk of RAGLOOP_HOME is full: free some space, and send the file again",
    )


def clean_name(sent: str) -> str:
    """The name of a file, without the folders that a client may send before it.

    Raises InvalidRequest for one that is empty, hidden, too long or not to be printed.
    """
    name = unicodedata.normalize("NFC", re.split(r"[/\\]", sent)[-1]).strip()
    if not name or name.startswith("."):
        raise InvalidRequest("the file has no name: send one such as ACME_2023_10K.pdf")
    if any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in name):
        raise InvalidRequest("the file's name has characters that cannot be printed: rename it")
    if len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidRequest(f"the file's name has more than {MAX_NAME_BYTES} bytes: shorten it")
    return name


def _leave_free(folder: Path, min_mb: int, coming: int) -> None:
    """Refuse ``coming`` bytes that would leave less of the folder's disk free."""
    free = shutil.disk_usage(folder).free
    if free - coming < min_mb * 2**20:
        raise HTTPException(
            HTTPStatus.INSUFFICIENT_STORAGE,
            f"the disk of RAGLOOP_HOME has {free // 2**20} MB free, and an upload leaves at least "
            f"{min_mb} MB of it (RAGLOOP_MIN_FREE_MB): free some space, and send the file again",
        )


class _Receiver:
    """What the parser of a multipart body calls: writes its file, and looks at how it begins."""

    def __init__(self, folder: Path, max_mb: int, min_free_mb: int) -> None:
        self._folder = folder
        self._max_mb = max_mb
        self._min_free_mb = min_free_mb
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._path: Path | None = None
        self._kind: SourceKind = "text"
        self._file: BinaryIO | None = None
        self._beginning = b""
        self._size = 0
        self._whole = False
        self.callbacks: MultipartCallbacks = {
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def received(self) -> Path:
        """The file, when the body is over."""
        if not self._whole:
            raise HTTPException(HTTPStatus.BAD_REQUEST, "the body ends before its last boundary")
        if self._path is None:
            raise InvalidRequest(_WRONG_FIELDS)
        return self._path

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._disposition = b""
        filename = options.get(b"filename")
        if options.get(b"name") != FIELD.encode() or filename is None or self._path is not None:
            raise InvalidRequest(_WRONG_FIELDS)
        try:
            name = clean_name(filename.decode())
        except UnicodeDecodeError as error:
            raise InvalidRequest("the file's name is not UTF-8: rename it") from error
        self._kind = kind_of(name)
        self._path = self._folder / name
        self._file = self._path.open("xb")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        assert self._file is not None
        piece = data[start:end]
        self._size += len(piece)
        if self._size > self._max_mb * 2**20:
            raise HTTPException(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"the file has more than {self._max_mb} MB (RAGLOOP_MAX_FILE_MB)",
            )
        _leave_free(self._folder, self._min_free_mb, len(piece))
        if len(self._beginning) < TAIL:
            self._beginning += piece[: TAIL - len(self._beginning)]
            if len(self._beginning) == TAIL:
                check_beginning(self._kind, self._beginning)
        self._file.write(piece)

    def _on_part_end(self) -> None:
        assert self._file is not None
        if not self._size:
            raise InvalidRequest("the file has 0 bytes: fetch or export it again")
        check_beginning(self._kind, self._beginning)
        self._file.close()

    def _on_end(self) -> None:
        self._whole = True
