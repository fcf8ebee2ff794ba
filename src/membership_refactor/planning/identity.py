"""UniqueIdentity: rows known by one of several nullable identities, each unique in its scope."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum

from membership_refactor.errors import PlanError
from membership_refactor.planning.split import MAX_IDENTIFIER_BYTES


class SurvivorRule(StrEnum):
    """One reason to keep a row of several; the rules of a plan are asked in order."""

    REALISED = "realised"
    """It has the first alternative (for enrollments: a user)."""
    STATUS = "status"
    """Its status stands earlier in the plan's ranking."""
    CHILDREN = "children"
    """More rows depend on it."""
    OLDEST = "oldest"
    """Its id is lower; always asked last, so that the choice is never open."""


class Keep(StrEnum):
    """Which of several ranked values stays."""

    SURVIVOR = "survivor"
    """The surviving row's own: a merge never re-activates what was cancelled."""
    BEST = "best"
    """The one that the ranking puts first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """One nullable identity column."""

    column: str
    constraint: str = ""
    """Its unique constraint; ``uq_<table>_<column>`` when not given."""
    text: bool = False
    """Written by people: spellings that differ in case or blanks are reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """A column of known values, best first; any other value ranks behind them."""

    column: str
    order: tuple[str, ...]
    keep: Keep = Keep.SURVIVOR

    def rank(self, value: object) -> int:
        """The place in the order, lowest is best."""
        return self.order.index(value) if value in self.order else len(self.order)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependent:
    """A table whose rows hang from the identity table, or from another dependent."""

    table: str
    parent: str
    """The column that holds the parent's id."""
    id: str = "id"
    unique: tuple[str, ...] | None = None
    """Together with ``parent`` a unique key; rows that are equal in it collide in a merge. Empty
    where ``parent`` alone is unique, None where any number of equal rows may stand."""
    unite: tuple[str, ...] = ()
    """Of colliding rows at most one value each, and a NULL gives way to it; two values forbid
    the merge, because one of them would be lost."""
    ranking: Ranking | None = None
    dependents: tuple[Dependent, ...] = ()

    @property
    def unique_columns(self) -> tuple[str, ...]:
        """The columns of the unique key besides ``parent``."""
        return self.unique or ()

    def walk(self) -> Iterator[Dependent]:
        """This table and every table that hangs from it."""
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
    """A row with a NULL in it is outside every unique constraint, as in PostgreSQL."""
    id: str = "id"
    """The single-column primary key."""
    required: str = ""
    """The CHECK that one identity is there; ``ck_<table>_identity`` when not given."""
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
        """sha256 over the canonical text of the plan; the schema is no part of it."""
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
            if not value or "\0" in value:
                raise PlanError(f'plan "{self.name}": {field} is empty or holds a NUL.')
            if len(value.encode()) > MAX_IDENTIFIER_BYTES:
                raise PlanError(
                    f'plan "{self.name}": {field} "{value}" is longer than '
                    f"{MAX_IDENTIFIER_BYTES} bytes."
                )
        constraints = [self.required, *(a.constraint for a in self.alternatives)]
        if len(set(constraints)) < len(constraints):
            raise PlanError(f'plan "{self.name}": two constraints have the same name.')

    def _check_columns(self) -> None:
        if not self.alternatives:
            raise PlanError(f'plan "{self.name}": alternatives is empty; name at least one.')
        columns = [self.id, *self.identity_columns, *self.scope]
        if self.status:
            columns.append(self.status.column)
        for column in columns:
            if columns.count(column) > 1:
                raise PlanError(f'plan "{self.name}": column "{column}" is named twice.')
        if SurvivorRule.STATUS in self.survivor and self.status is None:
            kept = tuple(rule for rule in self.survivor if rule is not SurvivorRule.STATUS)
            object.__setattr__(self, "survivor", kept)
        if SurvivorRule.OLDEST not in self.survivor:
            object.__setattr__(self, "survivor", (*self.survivor, SurvivorRule.OLDEST))

    def _check_dependents(self) -> None:
        for dependent in self.walk():
            given = (dependent.id, dependent.parent, *dependent.unique_columns)
            # The id may be united: one that somebody chose must not get lost.
            given = (*given, *(c for c in dependent.unite if c != dependent.id))
            if dependent.ranking:
                given = (*given, dependent.ranking.column)
            if len(set(given)) < len(given):
                raise PlanError(
                    f'plan "{self.name}": dependent "{dependent.table}" names a column twice.'
                )
