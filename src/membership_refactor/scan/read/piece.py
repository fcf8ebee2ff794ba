"""Piece: SQL as it was found in a file, ready to be analysed."""

from __future__ import annotations

from dataclasses import dataclass, field

from membership_refactor.scan.findings.values import Look
from membership_refactor.scan.parse.placed_text import Placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One statement, or a part of one."""

    placed: Placed
    dialect: str
    host: str
    row_table: str = ""
    """The table whose rows NEW and OLD are."""
    row_sure: bool = True
    fragment: bool = False
    """A part of a statement: the rest of it stands elsewhere."""
    assigns: bool = False
    """The first name is assigned to."""
    escape: str = ""
    """The quote around it in the host language; new text has to escape it."""
    editable: bool = True


@dataclass(slots=True)
class Harvest:
    """What a host language gave: pieces, and what could not be read."""

    pieces: list[Piece] = field(default_factory=list)
    remarks: list[tuple[int, Look, str]] = field(default_factory=list)
