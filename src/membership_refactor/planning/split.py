"""TableSplit: the plan by which one wide table becomes a parent and a child."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from membership_refactor.errors import PlanError
from membership_refactor.planning.policies import Conflict

MAX_IDENTIFIER_BYTES = 63
"""PostgreSQL silently cuts longer names (NAMEDATALEN - 1)."""


class Nulls(StrEnum):
    """What a NULL in a key column means."""

    EQUAL = "equal"
    """Rows with NULL in the same key columns, and otherwise equal keys, share a parent."""
    REJECT = "reject"
    """A row with a NULL in its key stops the step, which lists it."""


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

    Names are bare and unquoted. The schema is given when the chain runs, so one plan serves every
    tenant. The plan is validated when it is created; ``PlanError`` names the wrong field.
    """

    name: str
    """The plan's name in the ledger. A changed plan needs another name."""
    source: str
    """The wide table."""
    copy: str
    """Its copy, which becomes the child."""
    parent: str
    """The new parent table. It may have the source's name, which is free from 0005 on."""
    key: tuple[str, ...]
    """The columns that identify a parent. Batches follow the first one."""
    parent_columns: tuple[ParentColumn, ...]
    """The parent's other columns, each with its conflict policy."""
    child_columns: tuple[str, ...]
    """The columns that stay with the child, besides ``id`` and ``changed``."""
    link: str
    """The child's new uuid column."""
    id: str = "id"
    """The single-column primary key of source, copy and child."""
    parent_id: str = "uuid"
    """The parent's uuid primary key."""
    changed: str | None = None
    """The column with the time of a row's last change, in both tables. ``latest`` needs it."""
    version: str | None = None
    """The integer column by which applications notice that a row was saved meanwhile (optimistic
    locking). It stays with the child. A value that the tool carries to a child raises it by one."""
    nulls: Nulls = Nulls.EQUAL
    link_on_delete: LinkOnDelete = LinkOnDelete.RESTRICT
    evidence_days: int = 14
    """For how many days the old structure has to be unused before a step drops it."""
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
        """Every column of the wide table that the plan names, in the plan's order."""
        others = (*self.child_columns, self.changed, self.version)
        return tuple(dict.fromkeys(c for c in (self.id, *self.deprecated, *others) if c))

    @property
    def fingerprint(self) -> str:
        """sha256 of the canonical text of the plan, without the schema."""
        named = asdict(self)
        if self.version is None:
            del named["version"]  # a plan that was recorded before this field came is the same
        canonical = json.dumps(named, sort_keys=True, separators=(",", ":"))
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
            raise PlanError(f'plan "{self.name}": key is empty. Name at least one column.')
        for one, other in (("source", "copy"), ("copy", "parent"), ("retired", "copy")):
            if named[one] == named[other]:
                raise PlanError(
                    f'plan "{self.name}": {one} and {other} have the same name "{named[one]}".'
                )
        if self.retired in (self.source, self.parent):
            raise PlanError(
                f'plan "{self.name}": retired has the name of the source or the parent.'
            )

    def _check_identifier(self, attribute: str, value: str) -> None:
        if not value or "\0" in value:
            raise PlanError(f'plan "{self.name}": {attribute} is empty or contains a NUL.')
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
                        f'plan "{self.name}": column "{name}" is in {seen[name]} '
                        f"and in {attribute}."
                    )
                seen[name] = attribute
        if self.version is not None:
            self._check_identifier("version", self.version)
            if seen.get(self.version, "child_columns") != "child_columns":
                raise PlanError(
                    f'plan "{self.name}": version "{self.version}" is in {seen[self.version]}. '
                    "It has to be a column that stays with the child and has no other task."
                )
            seen[self.version] = "version"
        if self.link in seen:
            raise PlanError(f'plan "{self.name}": link "{self.link}" is already a column.')
        if self.parent_id in (*self.deprecated, self.changed):
            raise PlanError(
                f'plan "{self.name}": parent_id "{self.parent_id}" is already a column.'
            )
        latest = self.with_policy(Conflict.LATEST)
        if latest and self.changed is None:
            raise PlanError(
                f'plan "{self.name}": parent_columns "{latest[0]}" has the policy latest. '
                "Set changed to the column with the time of a row's last change."
            )
