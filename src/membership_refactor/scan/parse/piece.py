"""SQL as it was found in a file, ready to be analysed."""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.scan.parse.placed_text import Placed

UNKNOWN_TABLE = "?"
"""The row table of a trigger function whose trigger is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One statement, or a part of one."""

    placed: Placed
    dialect: str
    body: bool = False
    """Whether it is part of the body of a routine."""
    row_table: str = ""
    """The table whose rows NEW and OLD are."""
    fragment: bool = False
    """A part of a statement: the rest is in another place."""
    assigns: bool = False
    """The first name is assigned to."""
    escape: str = ""
    """The quote around it in the program. New text has to escape it."""
    editable: bool = True
    row_types: frozenset[str] = frozenset()
    """Words, in lower case, that the routine around it uses as types of results and variables."""
