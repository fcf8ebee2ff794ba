"""TableSplit: one wide table becomes a parent and a child, described once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from membership_refactor.errors import PlanError

MAX_IDENTIFIER_BYTES = 63
"""PostgreSQL cuts longer names silently (NAMEDATALEN - 1)."""


class Nulls(StrEnum):
    """What a missing value in a key column means."""

    EQUAL = "equal"
    """Rows with the same gaps share a parent."""
    REJECT = "reject"
    """A row with a gap stops the chain; the gate lists it."""


class Conflict(StrEnum):
    """Which value a parent takes where its rows disagree on a column outside the key."""

    AGREE = "agree"
    """None: disagreement stops the chain, with a list."""
    LATEST = "latest"
    """The row of the greatest (change time, id), its NULLs included."""
    FIRST = "first"
    """The row of the lowest id, its NULLs included."""
    MAX = "max"
    """The greatest value that is not NULL."""


class LinkOnDelete(StrEnum):
    """What deleting a parent that has children does, from 0008 on."""

    RESTRICT = "restrict"
    CASCADE = "cascade"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParentColumn:
    """A column outside the key that belongs to the parent."""

    name: str
    conflict: Conflict = Conflict.AGREE


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSplit:
    """One wide table is split into a parent and a child.

    Names are bare and unquoted; the schema is given when the chain is run, so that
    one plan serves every tenant. Validated when made (``PlanError`` names the field).
    """

    name: str
    """Names the plan in the ledger; a changed plan needs another name."""
    source: str
    """The wide table."""
    copy: str
    """Its copy, which becomes the child."""
    parent: str
    """The rebuilt table; it may take over the source's name, which is free from 0005 on."""
    key: tuple[str, ...]
    """The columns that identify a parent; the first is the one that batches run along."""
    parent_columns: tuple[ParentColumn, ...]
    """The parent's other columns, each with its conflict policy."""
    child_columns: tuple[str, ...]
    """What stays with the child, besides ``id`` and ``changed``."""
    link: str
    """The child's new uuid column."""
    id: str = "id"
    """The single-column primary key of source, copy and child."""
    parent_id: str = "uuid"
    """The parent's uuid primary key."""
    changed: str | None = None
    """The time of a row's last change; both tables have their own. ``latest`` needs it."""
    nulls: Nulls = Nulls.EQUAL
    link_on_delete: LinkOnDelete = LinkOnDelete.RESTRICT
    evidence_days: int = 14
    """How long nobody may have used the old structure before a gate opens."""
    retired: str = field(default="")
    """The archive's name; ``<source>_retired`` when not given."""

    def __post_init__(self) -> None:
        if not self.retired:
            object.__setattr__(self, "retired", f"{self.source}_retired")
        self._check_names()
        self._check_columns()
        if self.evidence_days < 0:
            raise PlanError(f'plan "{self.name}": evidence_days is negative.')

    @property
    def deprecated(self) -> tuple[str, ...]:
        """The child's columns that go in 0010: the key, then the parent's other columns."""
        return self.key + tuple(column.name for column in self.parent_columns)

    @property
    def parent_values(self) -> tuple[str, ...]:
        """The names of the parent's columns outside the key."""
        return tuple(column.name for column in self.parent_columns)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Every column the plan knows of the wide table, in the plan's order."""
        changed = (self.changed,) if self.changed else ()
        return (self.id, *self.deprecated, *self.child_columns, *changed)

    @property
    def fingerprint(self) -> str:
        """sha256 over the canonical text of the plan; the schema is no part of it."""
        canonical = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def with_policy(self, conflict: Conflict) -> tuple[str, ...]:
        """The parent columns that follow ``conflict``, in the plan's order."""
        return tuple(c.name for c in self.parent_columns if c.conflict is conflict)

    def _check_names(self) -> None:
        named = {
            "name": self.name,
            "source": self.source,
            "copy": self.copy,
            "parent": self.parent,
            "retired": self.retired,
            "link": self.link,
            "id": self.id,
            "parent_id": self.parent_id,
        }
        for attribute, value in named.items():
            self._check_identifier(attribute, value)
        if not self.key:
            raise PlanError(f'plan "{self.name}": key is empty; name at least one column.')
        for one, other in (("source", "copy"), ("copy", "parent"), ("retired", "copy")):
            if named[one] == named[other]:
                raise PlanError(f'plan "{self.name}": {one} and {other} are both "{named[one]}".')
        if self.retired in (self.source, self.parent):
            raise PlanError(f'plan "{self.name}": retired has the name of a living table.')

    def _check_identifier(self, attribute: str, value: str) -> None:
        if not value or "\0" in value:
            raise PlanError(f'plan "{self.name}": {attribute} is empty or holds a NUL.')
        if len(value.encode()) > MAX_IDENTIFIER_BYTES:
            raise PlanError(
                f'plan "{self.name}": {attribute} "{value}" is longer than '
                f"{MAX_IDENTIFIER_BYTES} bytes."
            )

    def _check_columns(self) -> None:
        columns = {
            "id": (self.id,),
            "key": self.key,
            "parent_columns": self.parent_values,
            "child_columns": self.child_columns,
            "changed": (self.changed,) if self.changed else (),
        }
        seen: dict[str, str] = {}
        for attribute, names in columns.items():
            for name in names:
                self._check_identifier(attribute, name)
                if name in seen:
                    raise PlanError(
                        f'plan "{self.name}": column "{name}" stands in {seen[name]} '
                        f"and in {attribute}."
                    )
                seen[name] = attribute
        if self.link in seen:
            raise PlanError(f'plan "{self.name}": link "{self.link}" is a column already.')
        if self.parent_id in (*self.deprecated, self.changed):
            raise PlanError(
                f'plan "{self.name}": parent_id "{self.parent_id}" is a column already.'
            )
        latest = self.with_policy(Conflict.LATEST)
        if latest and self.changed is None:
            raise PlanError(
                f'plan "{self.name}": parent_columns "{latest[0]}" says latest, '
                "but changed names no column to tell which row is the latest."
            )
