"""Find the files of each consumer, in a fixed order, each once."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from membership_refactor.errors import WrongUse
from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.read.worker_processes import Task

_NEVER = {".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".tox", ".mypy_cache",
          ".gradle", ".idea", "site-packages"}  # fmt: skip
_BINARY = {".png", ".jpg", ".jpeg", ".gif", ".pdf", ".zip", ".gz", ".class", ".so", ".dll", ".exe",
           ".pyc", ".ico", ".woff", ".woff2", ".ttf", ".mp4", ".mp3"}  # fmt: skip
_ARCHIVES = {".jar", ".war", ".ear", ".whl"}


def tasks_for(
    consumers: Sequence[Consumer], given: Sequence[Path]
) -> tuple[list[Task], list[tuple[str, Path, str]]]:
    """Find every file to scan, and what cannot be scanned with the reason.

    A path of the command line belongs to each consumer whose own paths hold it. Without one, it
    belongs to the first consumer that has no paths, or else to the first.
    """
    tasks: list[Task] = []
    unread: list[tuple[str, Path, str]] = []
    seen: set[tuple[int, Path]] = set()
    for index, root in _roots(consumers, given):
        if not root.exists():
            if given:
                raise WrongUse(f"There is no path {root}.", hint="Give a file or a directory.")
            # One repository that is not checked out leaves that consumer open, not the others.
            unread.append((consumers[index].name, root, "this path does not exist"))
            continue
        for path in files(root, consumers[index].exclude):
            resolved = path.resolve()
            if (index, resolved) in seen:
                continue
            seen.add((index, resolved))
            if path.suffix.lower() in _ARCHIVES:
                message = "an archive: SQL inside it is not read; scan where it is made"
                unread.append((consumers[index].name, path, message))
            else:
                tasks.append(Task(index, path, _shown(path)))
    return tasks, unread


def _roots(consumers: Sequence[Consumer], given: Sequence[Path]) -> Iterator[tuple[int, Path]]:
    if not given:
        for index, consumer in enumerate(consumers):
            for path in consumer.paths:
                yield index, path
        return
    for path in given:
        yield from ((index, path) for index in _owners(consumers, path))


def _owners(consumers: Sequence[Consumer], path: Path) -> list[int]:
    resolved = path.resolve()
    owners = [
        index
        for index, consumer in enumerate(consumers)
        if any(resolved.is_relative_to(own.resolve()) for own in consumer.paths)
    ]
    if owners:
        return owners
    return [i for i, c in enumerate(consumers) if not c.paths and not c.unaffected][:1] or [0]


def files(root: Path, exclude: Sequence[str]) -> Iterator[Path]:
    """The files below a path, sorted; links to directories are not followed."""
    if root.is_file():
        yield root
        return
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in _NEVER)
        for name in sorted(names):
            path = Path(folder, name)
            if path.suffix.lower() in _BINARY or not path.is_file():
                continue
            relative = path.relative_to(root).as_posix()
            if not any(fnmatch.fnmatch(f"/{relative}", f"*{pattern}") for pattern in exclude):
                yield path


def _shown(path: Path) -> str:
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
