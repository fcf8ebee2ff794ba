"""Find the files of each consumer, in a fixed order, each once."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from membership_refactor.errors import WrongUse
from membership_refactor.scan.consumers import Consumer
from membership_refactor.scan.read.worker_processes import Task

_NEVER = {".git", ".hg", ".svn", "node_modules", "__pycache__", ".venv", ".tox", ".mypy_cache",
          ".gradle", ".idea", "site-packages"}  # fmt: skip
_ARCHIVES = {
    ".jar", ".war", ".ear", ".whl", ".egg", ".nupkg", ".phar", ".apk", ".zip", ".7z", ".rar",
    ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst", ".lz4", ".xlsx", ".xlsm",
    ".ods", ".docx", ".odt", ".pptx", ".pbix", ".twbx", ".tflx",
}  # fmt: skip

Unread = tuple[str, Path, str]
"""Consumer, path, and why it is not read."""


def tasks_for(
    consumers: Sequence[Consumer], given: Sequence[Path]
) -> tuple[list[Task], list[Unread]]:
    """Find every file to scan, and what cannot be scanned with the reason.

    A path of the command line belongs to each consumer whose own paths hold it. Without one, it
    belongs to the first consumer that has no paths, or else to the first.
    """
    tasks: list[Task] = []
    unread: list[Unread] = []
    seen: set[tuple[int, Path]] = set()
    for index, root in _roots(consumers, given):
        consumer = consumers[index]
        if not root.exists():
            if given:
                raise WrongUse(f"There is no path {root}.", hint="Give a file or a directory.")
            # One repository that is not checked out leaves that consumer open, not the others.
            unread.append((consumer.name, root, "this path does not exist"))
            continue
        for path, why in _files(root, consumer.exclude):
            if why:
                unread.append((consumer.name, path, why))
            elif (index, path.resolve()) not in seen:
                seen.add((index, path.resolve()))
                tasks.append(Task(index, path, _shown(path)))
    return tasks, unread


def _roots(consumers: Sequence[Consumer], given: Sequence[Path]) -> Iterator[tuple[int, Path]]:
    for index, consumer in enumerate(consumers if not given else ()):
        yield from ((index, path) for path in consumer.paths)
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


def _files(root: Path, exclude: Mapping[str, str]) -> Iterator[tuple[Path, str]]:
    """Yield the files below a path, sorted, each with the reason if it is not to be read."""
    if root.is_file():
        yield root, _why_not(root)
        return
    unreadable: list[OSError] = []
    for folder, folders, names in os.walk(root, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if name not in _NEVER)
        for name in sorted([*names, *(n for n in folders if Path(folder, n).is_symlink())]):
            path = Path(folder, name)
            relative = path.relative_to(root).as_posix()
            if any(fnmatch.fnmatch(f"/{relative}", f"*{pattern}") for pattern in exclude):
                continue
            if not path.is_dir():
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
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()
