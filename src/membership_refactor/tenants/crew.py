"""Processes that work on tenants: each is started once, and takes one tenant after another.

Processes and not threads: Alembic keeps the context of a run in a module, and there is one of those
in a process. What a process imports, it pays for once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from typing import Any

from membership_refactor.errors import RefactorError
from membership_refactor.tenants.outcome import Ended, Outcome

GRACE = 0.7
"""Seconds in which a worker that was interrupted has to say what became of its tenant."""
READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What is run in every schema."""

    arguments: tuple[str, ...]
    """The command line for one schema, without ``-x schema=``."""
    verb: str | None
    """The module of the verb, which has ``one_line``; None for a command of Alembic."""


@dataclass(slots=True)
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]
    schema: str | None = None
    """The tenant at which it works; None until it is ready."""

    def give(self, schema: str) -> None:
        self.schema = schema
        # Where it has just ended, the next look at it says so.
        with suppress(OSError):
            self.connection.send(schema)

    def gone(self) -> str:
        """Wait for its end, and say how it ended. One that does not end is killed."""
        self.connection.close()
        try:
            status = self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        if status >= 0:
            return f"status {status}"
        with suppress(ValueError):
            return f"signal {-status} ({signal.Signals(-status).name})"
        return f"signal {-status}"


class _Asked:
    """Whether Ctrl-C or SIGTERM has come, as something that can be waited for."""

    def __init__(self) -> None:
        self.times = 0
        self.reader, self._writer = os.pipe()

    def note(self, *_: object) -> None:
        self.times += 1
        os.write(self._writer, b"\0")

    def close(self) -> None:
        os.close(self.reader)
        os.close(self._writer)


@contextmanager
def _asked_to_end() -> Iterator[_Asked]:
    """Note Ctrl-C and SIGTERM while the block runs, instead of stopping in the middle of a line."""
    asked = _Asked()
    before = {
        number: signal.signal(number, asked.note) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.close()


def work_through(
    schemas: Iterable[str],
    *,
    module: str,
    command: Command,
    parallel: int,
    ended: Callable[[Outcome], None],
) -> bool:
    """Have each schema worked on by one of ``parallel`` processes, and report each outcome.

    Each process runs ``module``, which calls ``serve``. One that dies costs the tenant at which it
    was. Ctrl-C and SIGTERM end all within a second; then the tenants that were not begun are
    reported too, and the result is true. Raises RefactorError where a process cannot begin.
    """
    crew = _Crew(deque(schemas), ended)
    with _asked_to_end() as asked:
        try:
            while crew.hire(parallel, module, command):
                for connection in wait([*crew.workers, asked.reader]):
                    if isinstance(connection, Connection):
                        crew.hear(connection)
                if asked.times:
                    crew.interrupt()
                    break
            deadline = time.monotonic() + GRACE
            while crew.workers and asked.times == 1:
                left = deadline - time.monotonic()
                ready = wait([*crew.workers], left) if left > 0 else []
                if not ready:
                    break
                for connection in ready:
                    if isinstance(connection, Connection):
                        crew.hear(connection)
        finally:
            crew.dismiss()
        return asked.times > 0


class _Crew:
    """The processes at work, and the schemas that none of them has begun."""

    def __init__(self, waiting: deque[str], ended: Callable[[Outcome], None]) -> None:
        self.waiting, self.ended = waiting, ended
        self.workers: dict[Connection[Any, Any], _Worker] = {}
        self._leaving: list[_Worker] = []
        self._interrupted = False

    def hire(self, parallel: int, module: str, command: Command) -> bool:
        """Start as many processes as there is work for. False where none is left at work."""
        idle = sum(worker.schema is None for worker in self.workers.values())
        while len(self.workers) < parallel and idle < len(self.waiting):
            worker = _started(module, command)
            self.workers[worker.connection] = worker
            idle += 1
        return bool(self.workers)

    def hear(self, connection: Connection[Any, Any]) -> None:
        """Take what a worker says: that it is ready, what came of its tenant, or that it is gone.
        Then give it the next."""
        worker = self.workers[connection]
        try:
            message = connection.recv()
        except (EOFError, OSError):
            del self.workers[connection]
            how = worker.gone()
            if worker.schema is None:
                raise RefactorError(
                    f"a worker process ended with {how} before it could begin. It changed nothing.",
                    hint="Run the same command again; with --parallel 1 it needs least memory.",
                ) from None
            self._report(
                Outcome(
                    schema=worker.schema,
                    ended=Ended.FAILED,
                    said=f"its process ended with {how}. What it has committed stays; the same "
                    "command goes on there.",
                )
            )
            return
        if isinstance(message, Outcome):
            self._report(message)
        if self.waiting:
            worker.give(self.waiting.popleft())
        else:
            del self.workers[connection]
            connection.close()
            self._leaving.append(worker)

    def _report(self, outcome: Outcome) -> None:
        if self._interrupted and outcome.ended is Ended.FAILED:
            outcome = replace(outcome, ended=Ended.INTERRUPTED)
        self.ended(outcome)

    def interrupt(self) -> None:
        """Let each worker interrupt what it does. No tenant is begun any more."""
        self._interrupted = True
        for worker in self.workers.values():
            if worker.schema is not None:
                worker.process.send_signal(signal.SIGINT)
        while self.waiting:
            self.ended(Outcome(schema=self.waiting.popleft(), ended=Ended.NOT_BEGUN))

    def dismiss(self) -> None:
        """End every process. A tenant at which one still was is reported as interrupted."""
        # One that leaves has reported, and is waited for only where nobody is in a hurry.
        hurried = self._leaving if self._interrupted else []
        for worker in (*self.workers.values(), *hurried):
            worker.process.kill()
        for worker in (*self.workers.values(), *self._leaving):
            worker.gone()
        for worker in self.workers.values():
            if worker.schema is not None:
                said = "it was stopped in the middle. What it has committed stays."
                self.ended(Outcome(schema=worker.schema, ended=Ended.INTERRUPTED, said=said))


def _started(module: str, command: Command) -> _Worker:
    ours, theirs = Pipe()
    with theirs:
        # Not in the terminal's group: Ctrl-C reaches this process, which says what is done.
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    ours.send((sys.path, command))
    return _Worker(process, ours)


def serve(prepare: Callable[[Command], Callable[[str], Outcome]]) -> None:
    """Work on the tenants that the parent process names, until it names no more or is gone.

    ``prepare`` is given the command, and returns what does the work for one schema. Ctrl-C is heard
    only while that runs.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    connection: Connection[Any, Any] = Connection(int(sys.argv[1]))
    sys.path[:], command = connection.recv()
    work = prepare(command)
    message: Any = READY
    while True:
        # The parent may be gone: then there is nobody to work for.
        try:
            connection.send(message)
            schema = connection.recv()
        except (EOFError, OSError):
            return
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            message = work(schema)
        except KeyboardInterrupt:
            message = Outcome(schema=schema, ended=Ended.INTERRUPTED)
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
