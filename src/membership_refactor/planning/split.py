"""TableSplit: the plan by which one wide table becomes a parent and a child, or gets a new name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import chain

from membership_refactor.planning.policies import Conflict
from membership_refactor.planning.refused_plans import require_name, wrong
from membership_refactor.planning.shapes import Shape


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

    Without ``copy`` it is split in place: the table itself becomes the child. Without ``parent``
    it is not split: it only gets the name of ``copy``.

    Names are bare and unquoted. The schema is given when the chain runs, so one plan serves every
    tenant. The plan is validated when it is created; ``PlanError`` names the wrong field.
    """

    name: str
    """The plan's name in the ledger. A changed plan needs another name."""
    source: str
    """The wide table."""
    copy: str | None = None
    """Its copy, which becomes the child. Without one the source becomes the child, and keeps its
    name."""
    parent: str = ""
    """The new parent table. It may have the source's name if there is a copy, because that name is
    free once the source is retired."""
    key: tuple[str, ...] = ()
    """The columns that identify a parent. Batches follow the first one."""
    parent_columns: tuple[ParentColumn, ...] = ()
    """The parent's other columns, each with its conflict policy."""
    child_columns: tuple[str, ...] = ()
    """The columns that stay with the child, besides those of ``id`` and ``changed``."""
    link: str = ""
    """The child's new uuid column."""
    id: str | tuple[str, ...] = "id"
    """The column, or the columns, by which a row of source, copy and child is found: the primary
    key, or a UNIQUE constraint on columns that are NOT NULL. They keep this order."""
    parent_id: str = "uuid"
    """The parent's uuid primary key."""
    changed: str | None = None
    """The column with the time of a row's last change, in both tables. ``latest`` needs it."""
    version: str | None = None
    """The integer column by which applications notice that a row was saved meanwhile (optimistic
    locking). It stays with the child. A value that the tool carries to a child raises it by one."""
    keep: tuple[str, ...] = ()
    """Key columns that the child keeps too. From step stop_parallel_save on, the child's foreign
    key is over them and the link, ON UPDATE CASCADE, so they always equal the parent's."""
    nulls: Nulls = Nulls.EQUAL
    link_on_delete: LinkOnDelete = LinkOnDelete.RESTRICT
    evidence_days: int = 14
    """For how many days the old structure has to be unused before a step drops it."""
    old_shape_view: bool = False
    """Whether readers that lag behind get a view of the wide table under its old name, in the
    schema ``<schema>_old``, from step retire_source until drop_retired_table."""
    retired: str = field(default="")
    """The archive's name; ``<source>_retired`` when not given. Empty where nothing is copied."""

    def __post_init__(self) -> None:
        if not isinstance(self.id, str):
            # One column is the same plan, however it is written.
            object.__setattr__(self, "id", self.id[0] if len(self.id) == 1 else tuple(self.id))
        if not self.retired and self.copy is not None:
            object.__setattr__(self, "retired", f"{self.source}_retired")
        for what in chain(self._wrong_shape(), self._wrong_names(), self._wrong_columns()):
            raise wrong(self.name, what)

    @property
    def shape(self) -> Shape:
        """What the plan does with its table."""
        if self.copy is None:
            return Shape.IN_PLACE
        return Shape.SPLIT if self.parent else Shape.RENAME

    @property
    def ids(self) -> tuple[str, ...]:
        """The columns of the id, also where it is one."""
        return (self.id,) if isinstance(self.id, str) else self.id

    @property
    def last_id(self) -> str:
        """The id column in which rows of one key differ most: the last, or the only one."""
        return self.ids[-1]

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the plan's steps, in their order."""
        return self.shape.steps

    @property
    def child(self) -> str:
        """The table in which the source's rows go on: the copy, or the source itself."""
        return self.source if self.copy is None else self.copy

    @property
    def link_comes_at(self) -> str:
        """The step from which on the rows that applications write have the link."""
        return "create_parent" if self.copy is None else "retire_source"

    @property
    def tables(self) -> tuple[str, ...]:
        """Every table that has a name in the plan: source, child, parent and archive."""
        named = (self.source, self.child, self.parent, self.retired)
        return tuple(dict.fromkeys(name for name in named if name))

    @property
    def written_tables(self) -> tuple[str, ...]:
        """Those that applications or capture write: all but the archive."""
        return tuple(name for name in self.tables if name != self.retired)

    @property
    def deprecated(self) -> tuple[str, ...]:
        """The columns of the wide table that belong to the parent: the key, then the others."""
        return self.key + tuple(column.name for column in self.parent_columns)

    @property
    def leaving(self) -> tuple[str, ...]:
        """The deprecated columns that the child loses: all but the kept ones."""
        return tuple(name for name in self.deprecated if name not in self.keep)

    @property
    def parent_values(self) -> tuple[str, ...]:
        """The names of the parent's columns outside the key."""
        return tuple(column.name for column in self.parent_columns)

    @property
    def source_columns(self) -> tuple[str, ...]:
        """Every column of the wide table that the plan names, in the plan's order."""
        others = (*self.child_columns, self.changed, self.version)
        return tuple(dict.fromkeys(c for c in (*self.ids, *self.deprecated, *others) if c))

    @property
    def fingerprint(self) -> str:
        """sha256 of the canonical text of the plan, without the schema."""
        named = asdict(self)
        if self.version is None:
            del named["version"]  # a plan that was recorded before this field came is the same
        if not self.keep:
            del named["keep"]  # likewise
        if not self.old_shape_view:
            del named["old_shape_view"]  # likewise
        canonical = json.dumps(named, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def with_policy(self, conflict: Conflict) -> tuple[str, ...]:
        """The parent columns that follow ``conflict``, in the plan's order."""
        return tuple(c.name for c in self.parent_columns if c.conflict is conflict)

    def _wrong_shape(self) -> Iterator[str]:
        """Fields that a plan of this shape does not use, and those that it lacks."""
        in_place, rename = self.copy is None, not self.parent
        if in_place and rename:
            yield (
                "neither copy nor parent is given. Name parent to split the table, copy to give "
                "it another name, or both."
            )
        if in_place and self.retired:
            yield (
                "retired is given without copy. A table that is split in place has no archive. "
                "Leave retired out."
            )
        if in_place and self.old_shape_view:
            yield (
                "old_shape_view is given without copy. A table that is split in place keeps its "
                "name, and no step would take the view away. Leave old_shape_view out."
            )
        if rename:
            given = {"key": self.key, "parent_columns": self.parent_columns, "link": self.link}
            for attribute in (name for name, value in given.items() if value):
                yield (
                    f"{attribute} is given without parent. Name parent, or leave {attribute} out "
                    "to give the table another name only."
                )
        elif not self.key:
            yield "key is empty. Name at least one column."

    def _wrong_names(self) -> Iterator[str]:
        named = {"name": self.name, "source": self.source}
        if self.copy is not None:
            named |= {"copy": self.copy, "retired": self.retired}
        if self.parent:
            named |= {"parent": self.parent, "link": self.link, "parent_id": self.parent_id}
        for attribute, value in named.items():
            require_name(self.name, attribute, value)
        apart = [("source", "copy"), ("copy", "parent"), ("retired", "copy")]
        if self.copy is None:
            apart = [("source", "parent")]
        for one, other in apart:
            if named[one] == named.get(other):
                yield f'{one} and {other} have the same name "{named[one]}". Change one of them.'
        if self.retired in (self.source, self.parent):
            yield "retired has the name of the source or the parent. Give it another name."

    def _wrong_columns(self) -> Iterator[str]:
        columns = {
            "id": self.ids,
            "key": self.key,
            "parent_columns": self.parent_values,
            "child_columns": self.child_columns,
            "changed": (self.changed,) if self.changed else (),
        }
        if not self.ids:
            yield "id is empty. Name at least one column."
        seen: dict[str, str] = {}
        for attribute, names in columns.items():
            for name in names:
                require_name(self.name, attribute, name)
                if attribute == "key" and seen.get(name) == "id":
                    if name in self.keep:
                        continue
                    yield (
                        f'column "{name}" is in id and in key, and the columns of the id have to '
                        "stay with the child. Name it in keep too."
                    )
                if name in seen:
                    yield (
                        f'column "{name}" is in {seen[name]} and in {attribute}. Name it in one.'
                    )
                seen[name] = attribute
        if self.version is not None:
            require_name(self.name, "version", self.version)
            if seen.get(self.version, "child_columns") != "child_columns":
                yield (
                    f'version "{self.version}" is in {seen[self.version]}. It has to be a column '
                    "that stays with the child and has no other task."
                )
            seen[self.version] = "version"
        if self.link and self.link in seen:
            yield f'link "{self.link}" is already a column. Choose another name.'
        if self.parent_id in (*self.deprecated, self.changed):
            yield f'parent_id "{self.parent_id}" is already a column. Choose another name.'
        for name in self.keep:
            if name not in self.key:
                yield f'keep "{name}" is not a column of the key. Only key columns can be kept.'
        if len(set(self.keep)) < len(self.keep):
            yield "keep names a column twice. Name it once."
        if self.parent and not self.leaving:
            yield (
                "keep names every column of the key, and no other column would leave the child. "
                "Keep fewer columns."
            )
        latest = self.with_policy(Conflict.LATEST)
        if latest and self.changed is None:
            yield (
                f'parent_columns "{latest[0]}" has the policy latest. Set changed to the column '
                "with the time of a row's last change."
            )
        if self.evidence_days < 0:
            yield "evidence_days is negative. Give 0 or more."
