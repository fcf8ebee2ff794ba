"""What is found out about a table: keys that could make parents, with exact counts."""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.inspect.keys_text import Near


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A group in which a column has several values, and two of them."""

    key: tuple[str, ...]
    values: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disagreement:
    """A column that has more than one value in some groups."""

    column: str
    groups: int
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One key, counted in the whole table."""

    key: tuple[str, ...]
    parents: int
    repeated: int
    """Parents with more than one row."""
    gaps: int
    """Parents with a NULL in the key."""
    largest: int
    """Rows of the largest group."""
    agree: tuple[str, ...]
    """Columns that never disagree within the key, and not by a part of the key alone."""
    agree_by_part: tuple[str, ...] = ()
    """Columns that a part of the key determines already: they may belong to a table of their
    own."""
    hardly_vary: tuple[str, ...] = ()
    """Columns that never disagree, and would not by chance either: nearly every row has the same
    value. They stay with the child."""
    disagree: tuple[Disagreement, ...] = ()
    """Columns that disagree in few groups, which may be errors in the data."""
    differ: tuple[str, ...] = ()
    """Columns that disagree in many groups. They stay with the child."""
    same: tuple[tuple[str, ...], ...] = ()
    """Other keys that seem to make the same groups. Judged on a sample."""
    near: tuple[Near, ...] | None = None
    """Keys that may be separate only because of NULLs, case or blanks; None if not looked for."""
    bytes_saved: int = 0
    """An estimate for the tables without their indexes. Negative if the split costs space."""
    cells: float = 0.0
    """Values that the tables hold less, the measure by which candidates are ordered."""

    @property
    def splits(self) -> bool:
        """Whether the key is worth a parent. That its index holds it once more does not count."""
        return bool(self.agree) and self.cells + self.parents * len(self.key) > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """Everything that was found out about one table."""

    table: str
    """Quoted, with its schema."""
    rows: int
    candidates: tuple[Candidate, ...]
    """The best first."""
    constant: tuple[str, ...] = ()
    """Columns with one value, or only NULL, in all rows."""
    asked: int = 0
    """Keys that were judged on samples."""
    seconds: float = 0.0
    out_of_time: bool = False
    """Whether the search ended before everything was tried."""
    uncounted: tuple[str, ...] = ()
    """The best key of the samples, where there was no time to count any."""
