"""The processes that ``torchrun`` started with one command: they train together, and only that.

The first does the whole command. The others wait, and are called in for the training; it reads
and writes in a folder that all of them see, so several machines need common storage. Word goes
through torchrun's own store. Should one of them die, torchrun ends them all.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rag_service.core.errors import ConfigError, ModelError, RagloopError

if TYPE_CHECKING:
    from torch.distributed import Store  # type: ignore[attr-defined]

_FOLDER, _BEAT, _READY = "folder", "beat", "ready"
_REFUSAL, _FAILED = "refusal", "failed"
_BEATS = 5.0
"""Seconds between two signs of life of the first process."""
_SILENCE = 300.0
"""Seconds without one after which it is given up; a busy machine may be slow, not that slow."""
_ANSWERS = 600.0
"""Seconds that the others have to answer the call."""
_TOLD = 60.0
"""Seconds that the first process has to tell why training cannot begin."""
_LOOKS = 0.2


def size() -> int:
    """Processes that were started with this command, itself included."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    return int(os.environ.get("RANK", "0")) == 0


def follow(train: Callable[[Path], object]) -> int:
    """What all but the first process do: ``train`` in the folder that they are called to.

    Returns the exit status; the reason of a failure goes to stderr.
    """
    try:
        store = _store()
        if folder := _called(store):
            _join(store, Path(folder))
            train(Path(folder))
    except RagloopError as error:
        sys.stderr.write(f"process {os.environ['RANK']} of {size()}: {error.message}\n")
        return error.exit_status
    except RuntimeError as error:
        sys.stderr.write(f"process {os.environ['RANK']} of {size()} lost the first: {error}\n")
        return 1
    return 0


@contextmanager
def leading() -> Iterator[None]:
    """Around the first process's command: the others know that it lives, and end with it."""
    if size() == 1:
        yield
        return
    store = _store()
    over = threading.Event()

    def live() -> None:
        # A store that is gone took torchrun with it, and that ends this process by itself.
        with suppress(RuntimeError):
            while not over.wait(_BEATS):
                store.add(_BEAT, 1)

    beating = threading.Thread(target=live, name="beats", daemon=True)
    beating.start()
    word = _FAILED
    try:
        yield
        word = _FOLDER
    except SystemExit as end:
        word = _FAILED if end.code else _FOLDER
        raise
    finally:
        over.set()
        beating.join()
        with suppress(RuntimeError):
            if not store.check([_FOLDER]):
                store.set(word, "")


def call(folder: Path) -> None:
    """Have the others train in ``folder``, and wait until they are about to.

    Raises:
        ModelError: one cannot, or does not answer; the message says which and why.
    """
    store, others = _store(), size() - 1
    store.set(_FOLDER, str(folder.absolute()))
    end = time.monotonic() + _ANSWERS
    while (ready := store.add(_READY, 0)) < others:
        if store.check([_REFUSAL]):
            raise ModelError(store.get(_REFUSAL).decode())
        if time.monotonic() > end:
            raise ModelError(
                f"{others - ready} of {size()} processes did not come to train in {_ANSWERS:.0f} s"
            )
        time.sleep(_LOOKS)


def processes(asked: int) -> int:
    """How many train: those that torchrun started, or as many as are ``asked`` for.

    Raises:
        ConfigError: the two are not the same.
    """
    if size() > 1 and asked not in (0, size()):
        raise ConfigError(
            f"torchrun started {size()} processes, and --processes {asked} asks for others: "
            "leave it out"
        )
    return size() if size() > 1 else asked


def _store() -> Store:
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]
    from torch.distributed.rendezvous import rendezvous

    store, _, _ = next(rendezvous("env://", timeout=timedelta(seconds=_SILENCE)))
    # torchrun may start all of them again (--max-restarts), and its store remains.
    return PrefixStore(f"ragloop/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}", store)


def _called(store: Store) -> str:
    """The folder to train in, or ``""`` if the first process did without."""
    beat, heard = -1, time.monotonic()
    while not store.check([_FOLDER]):
        if store.check([_FAILED]):
            raise ModelError("the first process failed, and has told why")
        if (last := store.add(_BEAT, 0)) != beat:
            beat, heard = last, time.monotonic()
        elif time.monotonic() - heard > _SILENCE:
            raise ModelError(f"the first process has shown no life for {_SILENCE:.0f} s")
        time.sleep(_LOOKS)
    return store.get(_FOLDER).decode()


def _join(store: Store, folder: Path) -> None:
    if folder.is_dir():
        store.add(_READY, 1)
        return
    reason = (
        f"process {os.environ['RANK']} of {size()} does not see {folder}: RAGLOOP_HOME must be on "
        "storage that all machines share"
    )
    store.set(_REFUSAL, reason)
    # The first process tells it and ends; were this one to end before, torchrun would end that one.
    time.sleep(_TOLD)
    raise ModelError(reason)
