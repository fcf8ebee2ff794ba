"""Scan files in several processes, each file with a time limit, and keep their order."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import NamedTuple

from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.resolve.analyse import Analyser

_FEW = 64
"""Below this number of files, processes cost more time than they save."""
_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Task:
    """One file of one consumer."""

    consumer: int
    path: Path
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may cost."""

    seconds: float = 20.0
    bytes: int = 20_000_000
    processes: int = 0
    """0 means one per core."""


class TooLong(Exception):
    """Raised when a file takes longer than its time limit."""


def scan_files(
    tasks: Sequence[Task],
    analysers: Sequence[Analyser],
    *,
    limits: Limits | None = None,
    rewrite: bool = False,
    progress: Callable[[int], None] = lambda done: None,
) -> Iterator[FileOutcome]:
    """Yield the outcome of every task, in order. Nothing that a file does stops the rest."""
    limits = limits or Limits()
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    wanted, setup = limits.processes or cores, _Setup(analysers, limits, rewrite)
    if wanted < 2 or len(tasks) < _FEW:
        worker = _Worker(setup)
        for number, task in enumerate(tasks):
            yield worker.scan(task)
            progress(number + 1)
        return
    yield from _Pool(tasks, setup, min(wanted, 16)).run(progress)


class _Setup(NamedTuple):
    """What every process needs."""

    analysers: Sequence[Analyser]
    limits: Limits
    rewrite: bool


class _Worker:
    def __init__(self, setup: _Setup) -> None:
        self.limits = setup.limits
        self.scanners = [
            FileScanner(analyser, max_bytes=self.limits.bytes, rewrite=setup.rewrite)
            for analyser in setup.analysers
        ]

    def scan(self, task: Task) -> FileOutcome:
        scanner = self.scanners[task.consumer]
        try:
            with time_limit(self.limits.seconds):
                return scanner.scan(task.path, task.shown)
        except TooLong:
            reason = f"took longer than --max-seconds {self.limits.seconds:g}"
        except RecursionError:
            reason = "nested too deeply"
        except MemoryError:
            reason = "needs too much memory"
        except Exception as error:
            # One file must not stop the scan; that it was not read is a finding of its own.
            reason = f"{type(error).__name__}: {error}"
        return FileOutcome.unread(task.shown, scanner.analyser.consumer.name, reason)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TooLong in the main thread. Elsewhere, and on Windows, there is no limit."""
    main = threading.current_thread() is threading.main_thread()
    if not (main and hasattr(signal, "setitimer")):
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _serve(pipe: Connection, setup: _Setup) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the scan
    sys.setrecursionlimit(3000)
    worker = _Worker(setup)
    with contextlib.suppress(EOFError):
        while True:
            for number, task in pipe.recv():
                pipe.send((number, worker.scan(task)))


@dataclass
class _Running:
    process: SpawnProcess
    pipe: Connection
    todo: deque[tuple[int, Task]] = field(default_factory=deque)
    since: float = 0.0


class _Pool:
    """Processes. One that a file holds up inside of C code is killed and replaced."""

    def __init__(self, tasks: Sequence[Task], setup: _Setup, size: int) -> None:
        self.tasks, self.setup, self.size = tasks, setup, size
        self.context = multiprocessing.get_context("spawn")
        self.waiting = deque(enumerate(tasks))
        self.ready: dict[int, FileOutcome] = {}

    def run(self, progress: Callable[[int], None]) -> Iterator[FileOutcome]:
        running = [self._start() for _ in range(self.size)]
        following = 0
        try:
            for one in running:
                self._feed(one)
            while following < len(self.tasks):
                self._collect(running)
                while following in self.ready:
                    yield self.ready.pop(following)
                    following += 1
                progress(following + len(self.ready))
        finally:
            for one in running:
                one.process.terminate()
                one.process.join()

    def _start(self) -> _Running:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=_serve, args=(theirs, self.setup), daemon=True)
        process.start()
        theirs.close()
        return _Running(process, ours, since=time.monotonic())

    def _feed(self, one: _Running) -> None:
        while self.waiting and len(one.todo) < _AT_ONCE:
            one.todo.append(self.waiting.popleft())
        one.since = time.monotonic()
        if one.todo:
            one.pipe.send(list(one.todo))

    def _collect(self, running: list[_Running]) -> None:
        pipes = {one.pipe: one for one in running if one.todo}
        for pipe in wait(list(pipes), timeout=1.0):
            one = pipes[pipe]  # type: ignore[index]
            try:
                number, outcome = one.pipe.recv()
            except (EOFError, OSError):
                self._replace(running, one, "the process that read it died")
                continue
            one.since = time.monotonic()
            self.ready[number] = outcome
            one.todo.popleft()
            if not one.todo:
                self._feed(one)
        for one in list(running):
            # The limit inside the process comes first; this one is for code that never returns.
            if one.todo and time.monotonic() - one.since > self.setup.limits.seconds + 10:
                one.process.kill()
                self._replace(running, one, "took too long and was killed")

    def _replace(self, running: list[_Running], one: _Running, reason: str) -> None:
        one.process.join()
        number, task = one.todo.popleft()
        name = self.setup.analysers[task.consumer].consumer.name
        self.ready[number] = FileOutcome.unread(task.shown, name, reason)
        self.waiting.extendleft(reversed(one.todo))
        running.remove(one)
        new = self._start()
        running.append(new)
        self._feed(new)
