"""A copy of each document's file, for its pages to be shown whatever becomes of the original."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from rag_service.core.errors import IngestError, NotFound
from rag_service.core.ids import file_id
from rag_service.core.types import Document

_LEAVING = ".leaving."


class KeptFilings:
    """``<home>/filings/<document_id><suffix>``, each wholly there or not at all."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "filings"

    def path(self, document: Document) -> Path:
        """Where its file is kept. Raises NotFound if it is not."""
        path = self._place(document)
        if not path.is_file():
            raise NotFound(
                f"no copy of {document.name} is kept in this home: ingest the file again, which "
                "restores it"
            )
        return path

    def has(self, document: Document) -> bool:
        """Whether its file is kept."""
        return self._place(document).is_file()

    def keep(self, document: Document, source: Path) -> None:
        """Copy the file that ``document`` was read from, unless that was done before.

        Raises:
            IngestError: ``not_kept``: the disk is full, say, or the file is another one by now.
        """
        place = self._place(document)
        if place.is_file():
            return
        unfinished = place.with_name(f".{place.name}.{uuid4().hex[:8]}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, unfinished)
            if file_id(unfinished) != document.document_id:
                raise IngestError(
                    "no copy is kept, since the file was changed while it was read: ingest it "
                    "again",
                    reason="not_kept",
                )
            unfinished.replace(place)
        except OSError as error:
            raise IngestError(
                f"no copy is kept, so its pages cannot be shown ({error.strerror or error}): mend "
                f"that in {self._folder}, and ingest the file again",
                reason="not_kept",
            ) from error
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def discard(self, document: Document, unless: Document | None = None) -> None:
        """Delete the copy, if there is one and it is not that of ``unless`` as well."""
        place = self._place(document)
        if unless is None or place != self._place(unless):
            place.unlink(missing_ok=True)
        self._mark(place).unlink(missing_ok=True)

    def leaving(self, document: Document) -> None:
        """Note that its copy is to be discarded, for `sweep` if this process dies before that."""
        place = self._place(document)
        if place.is_file():
            with suppress(OSError):  # its copy then stays, if this process dies too
                self._mark(place).touch()

    def sweep(self, get: Callable[[str], Document | None]) -> None:
        """Delete what a process that died left: parts of copies, and those that were `leaving`.

        A copy stays as long as ``get`` gives its document. Nobody else may keep copies meanwhile.
        """
        for left in self._folder.glob(".*"):
            place = self._folder / left.name.removeprefix(_LEAVING)
            with suppress(OSError):  # not ours: what a file server keeps there
                if place.name != left.name:
                    document = get(place.stem)
                    if document is None or self._place(document) != place:
                        place.unlink(missing_ok=True)
                left.unlink(missing_ok=True)

    def _mark(self, place: Path) -> Path:
        return place.with_name(f"{_LEAVING}{place.name}")

    def _place(self, document: Document) -> Path:
        return self._folder / f"{document.document_id}{Path(document.name).suffix.lower()}"
