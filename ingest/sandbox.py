"""A process that may hang, crash or eat memory while it answers."""

from __future__ import annotations

from contextlib import suppress
from threading import Timer

from ingest.workers import start_process

LONGEST_ANSWER = 64 * 1024 * 1024
"""In bytes."""


class Lost(Exception):
    """The process hangs, is dead or talks nonsense."""


class Sandbox:
    """A process of its own that runs ``module``; it ends with ``end``, or when it is lost."""

    def __init__(self, module: str) -> None:
        self._process, self._pipe = start_process(module)
        self._late = False

    def tell(self, message: object) -> None:
        """Send what needs no answer."""
        with suppress(OSError):  # to a dead process, as the next question tells
            self._pipe.send(message)

    def ask(self, question: object, seconds: float) -> bytes:
        """Its answer within so many seconds. Raises Lost; it is ended then."""
        # Killing it also ends the wait for the rest of half an answer.
        timer = Timer(seconds, self._give_up)
        timer.start()
        try:
            self._pipe.send(question)
            return self._pipe.recv_bytes(LONGEST_ANSWER)
        except (EOFError, OSError) as error:
            self.end()
            why = f"its process ended with status {self._process.returncode}"
            raise Lost(f"it was not done after {seconds:.0f} s" if self._late else why) from error
        finally:
            timer.cancel()
            timer.join()

    def end(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.wait()

    def _give_up(self) -> None:
        self._late = True
        self._process.kill()
