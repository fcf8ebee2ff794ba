"""Reads log files from where they were left, through rotation, and says what is missing."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from membership_refactor.watch.server_log import Read, Record, read_records

_HEAD = 200


@dataclass(frozen=True, slots=True)
class Position:
    """How far a file was read. A file is known by what it begins with, whatever its name."""

    path: str
    head: str
    """Of the first bytes, as many as ``begins`` says."""
    begins: int
    offset: int
    newest: bool
    """Whether the server wrote into it at that time."""


@dataclass(frozen=True, slots=True)
class NewRecords:
    """What was written since the last time."""

    records: tuple[Record, ...]
    files: tuple[Position, ...]
    holes: tuple[str, ...]


def read_new(patterns: Iterable[str], known: Sequence[Position] | None) -> NewRecords:
    """Read every file of the patterns from where it was left. ``known`` is None at first: then
    nothing is read, and the ends of the files are where the next time begins."""
    paths = sorted({path for pattern in patterns for path in glob.glob(pattern)}, key=_age)
    records: list[Record] = []
    holes = [f"there is no log file {pattern}" for pattern in patterns if not glob.glob(pattern)]
    left = list(known or ())
    files = []
    for path in paths:
        try:
            before = next((p for p in left if _begins(path, p)), None)
            if before is not None:
                left.remove(before)
            elif known is None:
                before = Position(path, "", 0, _whole(path), False)
            found = _read(path, before.offset if before is not None else 0, holes)
        except OSError as error:
            holes.append(f"the log file {path} cannot be read: {error.strerror}")
            continue
        offset = (before.offset if before is not None else 0) + found.length
        records += found.records
        files.append(Position(path, *_head(path, offset), offset, path == paths[-1]))
    holes += [_gone(position) for position in left if position.newest or _is_there(position)]
    return NewRecords(tuple(records), tuple(files), tuple(holes))


def _age(path: str) -> tuple[float, str]:
    try:
        return os.stat(path).st_mtime, path
    except OSError:
        return 0.0, path


def _begins(path: str, position: Position) -> bool:
    """Whether the file is the one of that position: it begins alike, and is not shorter."""
    with open(path, "rb") as file:
        begins = sha256(file.read(position.begins)).hexdigest()
    return begins == position.head and os.stat(path).st_size >= position.offset


def _head(path: str, offset: int) -> tuple[str, int]:
    with open(path, "rb") as file:
        head = file.read(min(_HEAD, offset))
    return sha256(head).hexdigest(), len(head)


def _whole(path: str) -> int:
    """The end of the last whole line."""
    with open(path, "rb") as file:
        return file.read().rfind(b"\n") + 1


def _read(path: str, offset: int, holes: list[str]) -> Read:
    with open(path, "rb") as file:
        file.seek(offset)
        found = read_records(file.read(), as_csv=path.endswith(".csv"))
    if found.broken:
        holes.append(f"{found.broken:,} records of the log file {path} are not jsonlog or csvlog")
    return found


def _is_there(position: Position) -> bool:
    return os.path.exists(position.path)


def _gone(position: Position) -> str:
    if _is_there(position):
        return f"the log file {position.path} was cut off or replaced"
    return f"the log file {position.path} is gone, with what was written after the last sample"
