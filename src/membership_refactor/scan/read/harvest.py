"""What a reader found in a file: pieces of SQL, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field

from membership_refactor.scan.findings.reasons_to_look import Look
from membership_refactor.scan.parse.piece import Piece


@dataclass(slots=True)
class Harvest:
    """Pieces, and remarks with their offsets in the file."""

    pieces: list[Piece] = field(default_factory=list)
    remarks: list[tuple[int, Look, str]] = field(default_factory=list)
    passed: list[tuple[int, int]] = field(default_factory=list)
    """Where comments, and statements of other tables, stand in the file."""
    texts: list[tuple[int, int]] = field(default_factory=list)
    """Where the literals of a program stand."""
    broken: bool = False
    """Whether the grammar did not understand a part of the program."""

    def add(self, other: Harvest) -> None:
        """Add what another reader found in the same file."""
        self.pieces += other.pieces
        self.remarks += other.remarks
        self.passed += other.passed
        self.texts += other.texts
        self.broken |= other.broken
