"""What a scan says about a file, as plain values."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from membership_refactor.consumers import Look
from membership_refactor.scan.parse.piece import Edit
from membership_refactor.scan.resolve.bindings import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands. Lines and columns count from one."""

    path: str
    line: int
    column: int
    offset: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One use of a column that goes or is gone."""

    place: Place
    table: str
    """The plan's name of the table."""
    column: str
    """The plan's name of the column, or ``*`` for a star or a whole row."""
    columns: tuple[str, ...]
    """The column, or all going columns that a star stands for."""
    written: str
    kind: Kind
    standing: str
    certain: bool = True
    why: str = ""
    """Why it is unsure; empty where it is certain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableUse:
    """One use of a table that goes, or whose name gets another meaning."""

    place: Place
    table: str
    columns: tuple[str, ...]
    """The columns of it that the statement uses."""
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Danger:
    """Something that breaks, or silently changes rows, without being a reference."""

    place: Place
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something that was not read or not understood. Nothing is skipped in silence."""

    place: Place
    look: Look
    message: str
    open: bool
    """Whether it may hide a reference. Then the consumer is not clear."""


@dataclass(slots=True)
class FileOutcome:
    """Everything that was found in one file."""

    path: str
    consumer: str
    statements: int = 0
    references: list[Reference] = field(default_factory=list)
    tables: list[TableUse] = field(default_factory=list)
    dangers: list[Danger] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    rewrites: list[Rewritten] = field(default_factory=list)
    digest: str = ""
    """Of the bytes that were read, where there is something to rewrite."""
    parts: dict[str, Place] = field(default_factory=dict)
    """Parts of tables' names that are texts, and ``_`` for what puts an underscore between two."""

    @classmethod
    def unread(cls, path: str, consumer: str, why: str, *, open: bool = True) -> FileOutcome:
        """The outcome of a file that was not read."""
        place = Place(path=path, line=1, column=1)
        note = Note(place=place, look=Look.SKIPPED, message=why, open=open)
        return cls(path, consumer, notes=[note])

    @property
    def empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.references or self.tables or self.dangers or self.notes or self.rewrites)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """One statement and its form for the split structure, or why there is none."""

    place: Place
    old: str
    """The statement as the database gets it, with templates filled in."""
    new: str | None
    dialect: str
    form: str
    """rename, join, derived, update, delete, insert or path; several are joined by ``+``."""
    reason: str = ""
    """Why it was left, or why the file cannot be edited."""
    edits: tuple[Edit, ...] = ()
    """Edits of the file: start, end, new text."""
    query: bool = False


def join_parts(outcomes: Sequence[FileOutcome], tables: Iterable[str]) -> None:
    """Leave open the parts of a table's name that stand in several files of one consumer."""
    held: dict[str, set[str]] = defaultdict(set)
    for outcome in outcomes:
        held[outcome.consumer] |= outcome.parts.keys()
    for table, outcome in itertools.product(tables, outcomes):
        parts = set(table.split("_"))
        if len(parts) > 1 and held[outcome.consumer] >= {*parts, "_"}:
            for part in sorted(parts & outcome.parts.keys()):
                message = f"{part} may be joined to {table}: its other parts are in other files"
                place = outcome.parts[part]
                outcome.notes.append(Note(place=place, look=Look.HOLE, message=message, open=True))
