"""Find the files of each consumer, and scan them in several processes in a fixed order."""

from __future__ import annotations

import contextlib
import fnmatch
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from membership_refactor.consumers import Consumer
from membership_refactor.errors import WrongUse
from membership_refactor.scan.findings.values import FileOutcome
from membership_refactor.scan.read.scan_file import FileScanner
from membership_refactor.scan.resolve.analyse import Analyser

_FEW = 64
"""Below this number of files, processes cost more time than they save."""
_GRACE = 10.0
"""Seconds after the limit of a file until the process is killed that reads it."""


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


_OWN: ContextVar[_Worker] = ContextVar("worker")
"""The worker of a process of the pool."""


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
    affinity = getattr(os, "sched_getaffinity", lambda process: range(os.cpu_count() or 1))
    worker = _Worker(analysers, limits, rewrite, tasks)
    wanted = limits.processes or len(affinity(0))
    several = wanted > 1 and len(tasks) >= _FEW
    outcomes = _in_processes(tasks, worker, min(wanted, 16)) if several else map(worker.scan, tasks)
    for number, outcome in enumerate(outcomes, 1):
        yield outcome
        progress(number)


class _Worker:
    def __init__(
        self, analysers: Sequence[Analyser], limits: Limits, rewrite: bool, tasks: Sequence[Task]
    ) -> None:
        self.limits, paths = limits, [task.path for task in tasks]
        self.scanners = [FileScanner(one, limits.bytes, rewrite, paths) for one in analysers]

    def scan(self, task: Task) -> FileOutcome:
        scanner = self.scanners[task.consumer]
        try:
            with time_limit(self.limits.seconds):
                return scanner.scan(task.path, task.shown)
        except Exception as error:
            # One file must not stop the scan; that it was not read is a finding of its own.
            known = {
                TooLong: f"took longer than --max-seconds {self.limits.seconds:g}",
                RecursionError: "nested too deeply", MemoryError: "needs too much memory",
            }  # fmt: skip
            return self.unread(task, known.get(type(error), f"{type(error).__name__}: {error}"))

    def unread(self, task: Task, why: str) -> FileOutcome:
        """The outcome of a file that was not read."""
        name = self.scanners[task.consumer].analyser.consumer.name
        return FileOutcome.unread(task.shown, name, why)


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


def _begin(worker: _Worker) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends the scan
    sys.setrecursionlimit(3000)
    # A statement makes thousands of nodes. To look among them for garbage takes a tenth of the time
    # at Python's own threshold.
    gc.freeze()
    gc.set_threshold(50_000)
    _OWN.set(worker)


def _scan(task: Task) -> FileOutcome:
    return _OWN.get().scan(task)


def _in_processes(tasks: Sequence[Task], worker: _Worker, size: int) -> Iterator[FileOutcome]:
    """Scan in processes. One that a file holds up inside of C code is killed and replaced."""
    from pebble import ProcessExpired, ProcessPool

    context, limit = get_context("spawn"), worker.limits.seconds + _GRACE
    pool = ProcessPool(size, initializer=_begin, initargs=(worker,), context=context)
    waiting = [(task, pool.schedule(_scan, args=(task,), timeout=limit)) for task in tasks]
    try:
        for task, future in waiting:
            try:
                yield future.result()
            except ProcessExpired:
                yield worker.unread(task, "the process that read it died")
            except TimeoutError:
                yield worker.unread(task, "took too long and was killed")
    finally:
        pool.stop()  # type: ignore[no-untyped-call]
        pool.join()


_NEVER = {".git", ".hg", ".svn", "__pycache__", ".mypy_cache", ".idea"}
_PACKAGES = {"node_modules", "site-packages", ".venv", ".tox", ".gradle"}
"""Directories that other tools fill. They are not read, and are listed."""
_INSTALLED = "installed packages are not read: give this directory to scan it"
_ARCHIVES = {
    ".jar", ".war", ".ear", ".whl", ".egg", ".nupkg", ".phar", ".apk", ".zip", ".7z", ".rar",
    ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".lz4", ".xlsx", ".xlsm",
    ".ods", ".docx", ".odt", ".pptx", ".pbix", ".twbx", ".tflx",
}  # fmt: skip

Unread = tuple[str, Path, str, bool]
"""Consumer, path, why it is not read, and whether that is an open question."""


def tasks_for(
    consumers: Sequence[Consumer], given: Sequence[Path]
) -> tuple[list[Task], list[Unread]]:
    """Find every file to scan, and what cannot be scanned with the reason.

    A path of the command line belongs to each consumer whose own paths hold it. Without one, it
    belongs to the first consumer that has no paths, or else to the first.
    """
    tasks: dict[tuple[int, Path], Task] = {}
    unread: list[Unread] = []
    for index, root in _roots(consumers, given):
        consumer = consumers[index]
        if not root.exists():
            if given:
                raise WrongUse(f"There is no path {root}.", hint="Give a file or a directory.")
            # One repository that is not checked out leaves that consumer open, not the others.
            unread.append((consumer.name, root, "this path does not exist", True))
            continue
        for path, why in _files(root, consumer.exclude):
            if why:
                unread.append((consumer.name, path, why, why != _INSTALLED))
            else:
                tasks.setdefault((index, path.resolve()), Task(index, path, _shown(path)))
    return list(tasks.values()), unread


def _roots(consumers: Sequence[Consumer], given: Sequence[Path]) -> Iterator[tuple[int, Path]]:
    own = [(index, path) for index, one in enumerate(consumers) for path in one.paths]
    free = (i for i, c in enumerate(consumers) if not c.paths and not c.unaffected)
    otherwise = next(free, 0)
    for path in given:
        holds = {i: path for i, one in own if path.resolve().is_relative_to(one.resolve())}
        yield from (holds or {otherwise: path}).items()
    yield from own if not given else ()


def _files(root: Path, exclude: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Yield the files below a path, sorted, each with the reason if it is not to be read."""
    if root.is_file():
        yield root, _why_not(root)
        return
    unreadable: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=unreadable.append):
        packages = [name for name in folders if name in _PACKAGES]
        folders[:] = sorted(name for name in folders if name not in _NEVER | _PACKAGES)
        links = [name for name in folders if Path(folder, name).is_symlink()]
        for path in (Path(folder, name) for name in sorted([*names, *packages, *links])):
            relative = path.relative_to(root).as_posix()
            if any(fnmatch.fnmatch(f"/{relative}", f"*{pattern}") for pattern in exclude):
                continue
            if path.name in packages:
                yield path, _INSTALLED
            elif not path.is_dir():
                yield path, _why_not(path)
            elif not path.resolve().is_relative_to(root.resolve()):
                yield path, f"a link to {path.resolve()}, which is not followed"
    for error in unreadable:
        yield Path(str(error.filename)), f"this directory cannot be read: {error.strerror}"


def _why_not(path: Path) -> str:
    if path.suffix.lower() in _ARCHIVES:
        return "an archive: SQL inside of it is not read; scan what it was made of"
    if path.is_file():
        return ""
    return "a link to a file that does not exist" if path.is_symlink() else "not a regular file"


def _shown(path: Path) -> str:
    full, here = path.resolve(), Path.cwd()
    return (full.relative_to(here) if full.is_relative_to(here) else path).as_posix()
