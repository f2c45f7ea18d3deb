"""Runs one embedded Redis server for as long as any process uses it.

``embedded_redis`` starts this file as a program (``python -I -S``, standard library only):

    embedded_redis_keeper.py FOLDER SOCKET COMMAND…

It returns once the server answers on SOCKET (exit status 0) or has given up (1). A child in a
session of its own stays behind, restarts a server that was killed, and stops it when nobody
holds ``FOLDER/users.lock`` any more. The kernel drops a dead process's lock, so that a user
that was killed counts as gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

POLL_SECONDS = 0.1
STOP_SECONDS = 60.0


def main() -> int:
    folder, address, *command = sys.argv[1:]
    keeping, serving = (open_lock(Path(folder) / name) for name in ("keeper.lock", "server.lock"))
    if not (try_lock(keeping, fcntl.LOCK_EX) and try_lock(serving, fcntl.LOCK_EX)):
        return 0  # another keeper or its server is alive; whoever asked goes on waiting for it
    told, tell = os.pipe()
    if os.fork():
        os.close(tell)
        return 0 if os.read(told, 1) else 1
    os.setsid()
    os.close(told)
    os.chdir("/")
    keep(command, address, open_lock(Path(folder) / "users.lock"), serving, tell)
    return 0


def keep(command: list[str], address: str, users: int, serving: int, tell: int) -> None:
    """Run the server until the last user has left; ``tell`` gets one byte when it first answers.

    The process ends with the exclusive lock on ``users``: new users wait for that end, and start
    a server afresh.
    """
    while True:
        # The server inherits this lock: no second one can start on the same data while it lives,
        # even without its keeper.
        server = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            pass_fds=(serving,),
            preexec_fn=end_with_keeper,  # noqa: PLW1509  # this process has one thread
        )
        if not wait_until_ready(server, address):
            return
        if tell >= 0:
            with contextlib.suppress(BrokenPipeError):  # whoever asked was interrupted
                os.write(tell, b"1")
            os.close(tell)
            tell = -1
        while server.poll() is None:
            if try_lock(users, fcntl.LOCK_EX):
                stop(server)
                return
            time.sleep(POLL_SECONDS)


def wait_until_ready(server: subprocess.Popen[bytes], address: str) -> bool:
    """Whether the server answers; False once it has ended."""
    while server.poll() is None:
        if answers(address):
            return True
        time.sleep(0.005)
    return False


def answers(address: str, timeout: float = 5.0) -> bool:
    """Whether a server that has loaded its data listens on the socket ``address``."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(address)
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def end_with_keeper() -> None:
    """Have Linux send the server SIGTERM if its keeper dies: it would otherwise run for ever."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)


def open_lock(path: Path) -> int:
    """A descriptor of a lock file, closed in programs that this process starts."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
