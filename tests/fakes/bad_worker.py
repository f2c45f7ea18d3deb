"""A reader of files that misbehaves as the names of the files say: run like ``ingest.worker``."""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from ingest.worker import READING, READY

LOADING_SECONDS = 3.0


def main(pipe: Connection) -> None:
    pipe.recv()
    pipe.send(READY)
    while True:
        path: Path = pipe.recv()
        path.with_suffix(".seen").touch()
        if path.stem == "loading":
            time.sleep(LOADING_SECONDS)
        if path.stem != "exit":
            pipe.send(READING)
        match path.stem:
            case "noise":
                os.write(pipe.fileno(), b"%PDF-1.7 what a parser printed\n" * 20)
            case "rubbish":
                pipe.send_bytes(b"no pickle")
            case "stranger":
                pipe.send({"who": "are you"})
            case "half":
                os.write(pipe.fileno(), struct.pack("!i", 100) + b"the beginning")
                time.sleep(600)
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "exit":
                os._exit(7)
            case _:
                pipe.send(("refused", "fine", path.name))


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
