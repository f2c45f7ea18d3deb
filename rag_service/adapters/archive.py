"""Files and texts in one compressed tar (library zstandard), with a checksum of each part."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any
from uuid import uuid4

import zstandard

from rag_service.core.errors import DataError, InvalidRequest

FORMAT = 1
"""Raised with every change that an earlier version could not read."""

_HEAD, _MANIFEST = "ragloop-backup.json", "manifest.json"
_LEVEL = 3
_BLOCK = 1 << 20
_NOTE_BYTES = 64 << 20
"""The head or the manifest of an archive is never longer."""
_DAMAGES = (
    *(tarfile.TarError, zstandard.ZstdError, EOFError),
    *(ValueError, KeyError, TypeError),  # of the head and the manifest
    *(FileExistsError, IsADirectoryError, NotADirectoryError),  # names that exclude one another
)
_NAME = re.compile(r"[^\x00-\x1f\x7f\\]{1,1000}")


class ArchiveWriter:
    """What `writing` gives: parts are added one after the other, each under a name of its own."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._sums: dict[str, str] = {}
        self._twins: dict[str, str] = {}
        self._inodes: dict[tuple[int, int], str] = {}

    def add(self, name: str, content: bytes) -> None:
        """Add a part from memory."""
        self._put(name, io.BytesIO(content), len(content))

    def add_file(self, name: str, path: Path) -> None:
        """Add a file; one that was added under another name (a hard link) is only noted.

        A file that grows meanwhile is added as far as it went; raises DataError if one shrinks.
        """
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            inode = (status.st_dev, status.st_ino)
            if status.st_nlink > 1 and inode in self._inodes:
                self._twins[name] = self._inodes[inode]
                return
            self._inodes[inode] = name
            self._put(name, file, status.st_size)

    def close(self, facts: Mapping[str, Any]) -> None:
        """Add the manifest: ``facts``, the checksum of each part, and which are the same file."""
        manifest = {"format": FORMAT, **facts, "sha256": self._sums, "same": self._twins}
        self._put(_MANIFEST, *_note(manifest))

    def _put(self, name: str, file: IO[bytes], size: int) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = size, 0o600
        hashed = _Hashed(file)
        try:
            self._tar.addfile(member, hashed)
        except OSError as error:
            if hashed.ended:
                raise DataError(f"{name} was cut while it was read: try again") from error
            raise
        self._sums[name] = hashed.digest()


class _Hashed:
    """A file that is read once, with the checksum of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._sum = hashlib.sha256()
        self.ended = False

    def read(self, size: int = -1, /) -> bytes:
        content = self._file.read(size)
        self.ended = not content
        self._sum.update(content)
        return content

    def digest(self) -> str:
        return self._sum.hexdigest()


@contextmanager
def writing(path: Path, head: Mapping[str, Any]) -> Iterator[ArchiveWriter]:
    """An archive at ``path``, which is there once the block has ended without an error.

    Only its owner may read it. Raises InvalidRequest if there is one; OSError names ``path``.
    """
    if path.exists():
        raise InvalidRequest(f"{path} exists: name another file, or delete it")
    unfinished = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        mode = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(unfinished, mode, 0o600), "wb") as file:
            compressor = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
            with (
                compressor.stream_writer(file, closefd=False) as packed,
                tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
            ):
                archive = ArchiveWriter(tar)
                archive._put(_HEAD, *_note({"format": FORMAT, **head}))
                yield archive
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        if error.filename in (None, str(unfinished)):
            raise OSError(error.errno, error.strerror or str(error), str(path)) from error
        raise
    finally:
        unfinished.unlink(missing_ok=True)


def unpack(path: Path, folder: Path) -> dict[str, Any]:
    """Every part of an archive into ``folder``, which is new; its manifest.

    Nothing is written outside ``folder``. Raises DataError for what is no archive of ours, for one
    of another version, and for one of which a byte is missing or wrong.
    """
    folder.mkdir()
    sums: dict[str, str] = {}
    manifest: dict[str, Any] | None = None
    with path.open("rb") as file, _damages(path):
        with (
            zstandard.ZstdDecompressor().stream_reader(file) as plain,
            tarfile.open(fileobj=plain, mode="r|") as tar,
        ):
            members = iter(tar)
            _check_head(next(members, None), tar, path, sums)
            for member in members:
                content = _content(member, tar, path)
                if manifest is not None or member.name in sums:
                    raise _damaged(path, f"{member.name!r} is one part too many")
                if member.name == _MANIFEST:
                    manifest = _manifest(member, content, path)
                else:
                    sums[member.name] = _write(_place(folder, member.name, path), content)
            while plain.read(_BLOCK):  # to the end, where the checksum of the whole stands
                pass
        if manifest is None:
            raise _damaged(path, "its end is missing")
        if wrong := sums.items() ^ manifest["sha256"].items():
            raise _damaged(path, f"{min(wrong)[0]!r} is missing, or not what was put there")
        for name, twin in manifest["same"].items():
            _twin(_place(folder, twin, path), _place(folder, name, path))
        return manifest


def _check_head(
    member: tarfile.TarInfo | None, tar: tarfile.TarFile, path: Path, sums: dict[str, str]
) -> None:
    if member is None or member.name != _HEAD:
        raise DataError(f"{path} is no backup of Ragloop")
    content = _content(member, tar, path).read(_NOTE_BYTES)
    written = json.loads(content)
    if written["format"] != FORMAT:
        raise DataError(
            f"{path} was written by Ragloop {written.get('ragloop')} in format "
            f"{written['format']}, and this version reads format {FORMAT}: restore it with that "
            "version"
        )
    sums[_HEAD] = hashlib.sha256(content).hexdigest()


def _content(member: tarfile.TarInfo, tar: tarfile.TarFile, path: Path) -> IO[bytes]:
    """What stands in a member, which must be a plain file: links and folders have no place."""
    content = tar.extractfile(member) if member.isreg() and not member.issparse() else None
    if content is None:
        raise _damaged(path, f"{member.name!r} is no plain file")
    return content


def _place(folder: Path, name: str, path: Path) -> Path:
    """Where a part belongs. Raises DataError for a name that leads out of ``folder``."""
    parts = PurePosixPath(name).parts
    if not _NAME.fullmatch(name) or not parts or parts[0] == "/" or ".." in parts:
        raise _damaged(path, f"it has a part with the name {name!r}")
    return folder.joinpath(*parts)


def _write(place: Path, content: IO[bytes]) -> str:
    """Its SHA-256."""
    place.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with place.open("xb") as file:
        try:
            while block := content.read(_BLOCK):
                digest.update(block)
                file.write(block)
            file.flush()
        except OSError as error:
            raise OSError(error.errno, error.strerror or str(error), str(place)) from error
    return digest.hexdigest()


def _twin(source: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, place)
    except OSError:  # the file system has no links
        shutil.copyfile(source, place)


def _note(document: Mapping[str, Any]) -> tuple[IO[bytes], int]:
    content = json.dumps(document, indent=1).encode()
    return io.BytesIO(content), len(content)


def _manifest(member: tarfile.TarInfo, content: IO[bytes], path: Path) -> dict[str, Any]:
    if member.size > _NOTE_BYTES:
        raise _damaged(path, f"{member.name} is too long")
    document: dict[str, Any] = json.loads(content.read())
    return document


@contextmanager
def _damages(path: Path) -> Iterator[None]:
    """What zstandard, tarfile and json say of a file that is not as it was written, as ours."""
    try:
        yield
    except _DAMAGES as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, how: str) -> DataError:
    return DataError(f"{path} is no whole backup of Ragloop ({how}): nothing was changed")
