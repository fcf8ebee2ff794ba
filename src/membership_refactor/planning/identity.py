"""UniqueIdentity: rows that are identified by one of several nullable columns, each unique."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from membership_refactor.planning.refused_plans import require_name, wrong

UNSEEN = (
    r"\u0001-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    r"\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0"
    r"\ufff9-\ufffb"
)
"""Characters that nobody sees: spaces of any width, zero width, controls. Written as escapes of a
regular expression, because a database that is not UTF-8 refuses some of the characters."""


class SurvivorRule(StrEnum):
    """A rule that picks one of several rows to keep. A plan's rules apply in order."""

    REALISED = "realised"
    """The row has the first alternative (for enrollments: a user)."""
    STATUS = "status"
    """Its status comes earlier in the plan's ranking."""
    CHILDREN = "children"
    """More rows depend on it."""
    OLDEST = "oldest"
    """Its id is lower. Always the last rule, so that there is always a choice."""


class Keep(StrEnum):
    """Which of several ranked values is kept."""

    SURVIVOR = "survivor"
    """The surviving row's own value: a merge never reactivates a cancelled row."""
    BEST = "best"
    """The value that comes first in the ranking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One nullable identity column."""

    column: str
    constraint: str = ""
    """Its unique constraint; ``uq_<table>_<column>`` when not given."""
    text: bool = False
    """Typed by people: values that differ only in case or blanks are reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """A column with known values, best first; all other values come after them."""

    column: str
    order: tuple[str, ...]
    keep: Keep = Keep.SURVIVOR

    def rank(self, value: object) -> int:
        """The position in the order; the lowest is the best."""
        return self.order.index(value) if value in self.order else len(self.order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """A table whose rows refer to the identity table, or to another dependent."""

    table: str
    parent: str
    """The column that holds the parent's id."""
    id: str = "id"
    unique: tuple[str, ...] | None = None
    """Columns that form a unique key together with ``parent``; rows with equal values collide in a
    merge. Empty if ``parent`` alone is unique, None if equal rows are allowed."""
    unite: tuple[str, ...] = ()
    """Columns in which colliding rows may have at most one value; it replaces NULLs. Two different
    values forbid the merge, because one would be lost."""
    ranking: Ranking | None = None
    dependents: tuple[Dependent, ...] = ()

    @property
    def unique_columns(self) -> tuple[str, ...]:
        """The columns of the unique key besides ``parent``."""
        return self.unique or ()

    def walk(self) -> Iterator[Dependent]:
        """This table and all tables that depend on it."""
        yield self
        for dependent in self.dependents:
            yield from dependent.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueIdentity:
    """Each row has at least one of ``alternatives``, and none of them twice within ``scope``.

    Names are bare and unquoted; the schema is given when the plan is used. Validated when made
    (``PlanError`` names the field).
    """

    name: str
    """Names the plan in the ledger."""
    table: str
    alternatives: tuple[Alternative, ...]
    scope: tuple[str, ...]
    """Unique constraints do not apply to a row with a NULL in it, as in PostgreSQL."""
    id: str = "id"
    """The single-column primary key."""
    no_identity: tuple[str, ...] = ()
    """Words that stand for a missing identity, such as ``N/A``, compared trimmed and without letter
    case. An empty or blank value is never an identity and need not be listed."""
    leave: tuple[str, ...] = ()
    """Columns that look like references to the table and that a merge leaves as they are, each as
    ``table.column`` or ``schema.table.column``."""
    required: str = ""
    """The CHECK that a row has an identity; ``ck_<table>_identity`` when not given."""
    status: Ranking | None = None
    survivor: tuple[SurvivorRule, ...] = (
        SurvivorRule.REALISED,
        SurvivorRule.STATUS,
        SurvivorRule.CHILDREN,
        SurvivorRule.OLDEST,
    )
    dependents: tuple[Dependent, ...] = ()

    def __post_init__(self) -> None:
        for at, one in enumerate(self.alternatives):
            if not one.constraint:
                named = Alternative(
                    column=one.column,
                    constraint=f"uq_{self.table}_{one.column}",
                    text=one.text,
                )
                rest = (*self.alternatives[:at], named, *self.alternatives[at + 1 :])
                object.__setattr__(self, "alternatives", rest)
        if not self.required:
            object.__setattr__(self, "required", f"ck_{self.table}_identity")
        self._check_names()
        self._check_columns()
        self._check_dependents()

    def accepts(self, value: str) -> bool:
        """Whether the value identifies somebody and has no blanks around it."""
        trimmed = re.sub(f"^[{UNSEEN}]+|[{UNSEEN}]+$", "", value)
        nobody = {word.strip().lower() for word in self.no_identity} | {""}
        return value == trimmed and value.lower() not in nobody

    @property
    def identity_columns(self) -> tuple[str, ...]:
        """The columns of the alternatives, in the plan's order."""
        return tuple(alternative.column for alternative in self.alternatives)

    @property
    def status_check(self) -> str:
        """The CHECK on the status values. Only a table that 0001 created has it."""
        return f"ck_{self.table}_status"

    def blank_check(self, alternative: Alternative) -> str:
        """The CHECK against blank and padded keys. Only a table that 0001 created has it.

        A row of an adopted table may break it, and such a row could no longer be updated.
        """
        return f"{alternative.constraint.replace('uq_', 'ck_', 1)}_blank"

    @property
    def fingerprint(self) -> str:
        """sha256 of the canonical text of the plan, without the schema."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def walk(self) -> Iterator[Dependent]:
        """Every dependent table, at any depth."""
        for dependent in self.dependents:
            yield from dependent.walk()

    def _check_names(self) -> None:
        names = {
            "name": self.name,
            "table": self.table,
            "id": self.id,
            "required": self.required,
            **{f"alternative {a.column}": a.column for a in self.alternatives},
            **{f"constraint of {a.column}": a.constraint for a in self.alternatives},
            **{f"scope column {column}": column for column in self.scope},
        }
        for field, value in names.items():
            require_name(self.name, field, value)
        constraints = [self.required, *(a.constraint for a in self.alternatives)]
        if len(set(constraints)) < len(constraints):
            raise wrong(self.name, "two constraints have the same name. Rename one of them.")

    def _check_columns(self) -> None:
        if not self.alternatives:
            raise wrong(self.name, "alternatives is empty. Name at least one column.")
        columns = [self.id, *self.identity_columns, *self.scope]
        if self.status:
            columns.append(self.status.column)
        for column in columns:
            if columns.count(column) > 1:
                raise wrong(self.name, f'column "{column}" is named twice. Name it once.')
        if SurvivorRule.STATUS in self.survivor and self.status is None:
            kept = tuple(rule for rule in self.survivor if rule is not SurvivorRule.STATUS)
            object.__setattr__(self, "survivor", kept)
        if SurvivorRule.OLDEST not in self.survivor:
            object.__setattr__(self, "survivor", (*self.survivor, SurvivorRule.OLDEST))

    def _check_dependents(self) -> None:
        for place in self.leave:
            if len(place.split(".")) not in (2, 3):
                raise wrong(self.name, f'leave "{place}" is not "table.column".')
        for dependent in self.walk():
            given = (dependent.id, dependent.parent, *dependent.unique_columns)
            # The id may also be in ``unite``, so that an id that somebody chose is not lost.
            given = (*given, *(c for c in dependent.unite if c != dependent.id))
            if dependent.ranking:
                given = (*given, dependent.ranking.column)
            if len(set(given)) < len(given):
                raise wrong(
                    self.name, f'dependent "{dependent.table}" names a column twice. Name it once.'
                )
