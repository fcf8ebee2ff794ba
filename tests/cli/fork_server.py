"""Commands in processes that are forked from one that has imported the command line already.

Starting Python and importing takes most of the time of a command. The server is a process of its
own, so that nothing of the tests is in a command: `python fork_server.py SOCKET` listens until its
standard input ends, and each connection asks for one command and gets its status.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypedDict

IMPORTED = (
    *("alembic.command", "alembic.config", "membership_refactor.cli.command_line"),
    *("membership_refactor.operations", "sqlalchemy.dialects.postgresql.psycopg"),
)
"""What a command imports before it looks at its words, or soon afterwards."""
AT_START = ("LANG", "LC_", "PYTHON")
"""How the names of variables begin that Python reads when it starts."""


class Asked(TypedDict):
    """One command: `python -m MODULE ARGUMENTS`, and the files that take its outputs."""

    module: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    out: str
    err: str


# --- what the tests call ----------------------------------------------------------------------


def run(
    module: str,
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    seconds: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run `python -m MODULE ARGUMENTS`, with both outputs captured.

    Raises TimeoutExpired when it takes longer.
    """
    line = [sys.executable, "-m", module, *arguments]
    server = _server()
    if _at_start(environment) != server.at_start:
        return subprocess.run(
            line, cwd=folder, env=environment, capture_output=True, text=True, timeout=seconds,
            check=False,
        )  # fmt: skip
    with tempfile.TemporaryDirectory() as place, socket.socket(socket.AF_UNIX) as connection:
        out, err = Path(place, "out"), Path(place, "err")
        asked = Asked(
            module=module,
            arguments=list(arguments),
            folder=str(folder),
            environment=dict(environment),
            out=str(out),
            err=str(err),
        )
        connection.connect(server.address)
        connection.sendall(json.dumps(asked).encode() + b"\n")
        with connection.makefile() as answer:
            pid = int(answer.readline())
            if not select.select([connection], [], [], seconds)[0]:
                os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(line, seconds)
            status = int(answer.readline())
        return subprocess.CompletedProcess(line, status, out.read_text(), err.read_text())


def _at_start(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith(AT_START)}


@dataclass(frozen=True)
class Server:
    """A server, which ends when this process does: its standard input ends."""

    process: subprocess.Popen[bytes]
    address: str
    at_start: Mapping[str, str]


@cache
def _server() -> Server:
    """This process's server."""
    address = str(Path(tempfile.mkdtemp(prefix="mr-fork-"), "socket"))
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, __file__, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    assert process.stdout is not None and process.stdout.readline() == b"ready\n"
    return Server(process, address, _at_start(environment))


# --- the server -------------------------------------------------------------------------------


def serve(address: str) -> Asked | None:
    """Return what was asked in a forked process, and None in the server at its end."""
    with selectors.DefaultSelector() as chosen, socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen(16)
        chosen.register(listening, selectors.EVENT_READ)
        chosen.register(sys.stdin, selectors.EVENT_READ)
        print("ready")
        while True:
            for key, _ in chosen.select():
                if key.fileobj is sys.stdin:
                    Path(address).unlink()
                    Path(address).parent.rmdir()
                    return None
                if key.fileobj is not listening:
                    pid, connection = key.data
                    chosen.unregister(key.fileobj)
                    os.close(key.fd)
                    _, ended = os.waitpid(pid, 0)
                    with connection, contextlib.suppress(OSError):
                        connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(ended))
                    continue
                connection, _ = listening.accept()
                with connection.makefile() as question:
                    asked: Asked = json.loads(question.readline())
                if (pid := os.fork()) == 0:
                    connection.close()
                    return asked
                connection.sendall(b"%d\n" % pid)
                chosen.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, connection))


def become(asked: Asked) -> None:
    """Go on as `python -m` does in that folder."""
    for number, file in ((1, asked["out"]), (2, asked["err"])):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    time.tzset()
    sys.argv[1:] = asked["arguments"]
    sys.path[0] = asked["folder"]
    runpy.run_module(asked["module"], run_name="__main__", alter_sys=True)


def main() -> None:
    for name in IMPORTED:
        __import__(name)
    gc.collect()
    # What is there stays shared between the processes.
    gc.freeze()
    if (asked := serve(sys.argv[1])) is not None:
        become(asked)


if __name__ == "__main__":
    main()
