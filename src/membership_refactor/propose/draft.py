"""Drafts a plan from a key that was counted, and from what somebody wishes."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from difflib import get_close_matches

from membership_refactor.checks.deprecated_defaults import gives_value
from membership_refactor.errors import WrongUse
from membership_refactor.planning import Conflict, ParentColumn, TableSplit
from membership_refactor.portrait import Table
from membership_refactor.propose import proposed_names as naming
from membership_refactor.propose.candidates import Candidate
from membership_refactor.propose.target_table import identity, needed_by_identity
from membership_refactor.sql.ddl.plan_fits import fits, may_be_changed
from membership_refactor.steps.version_column import looks_like_version

_CHANGED = re.compile(
    r"(^|_)(updated|modified|changed|amended|touched|last_update|last_change|last_modified)"
    r"(_?(at|on|date|time|ts|when|timestamp))?$|^modification_(date|time)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What somebody asked for. What is empty is proposed."""

    key: tuple[str, ...] = ()
    parent: str = ""
    child: str = ""
    in_place: bool = False
    rename: str = ""
    """The new name of a table that is only renamed."""
    name: str = ""
    parent_columns: tuple[ParentColumn, ...] = ()
    """Columns that move to the parent beside those that never disagree; a policy given counts."""
    child_columns: tuple[str, ...] = ()
    """Columns that stay with the child although they never disagree."""
    keep: tuple[str, ...] = ()
    """Key columns that stay with the child too."""
    changed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan, and what its owner should know about it."""

    plan: TableSplit
    candidate: Candidate | None
    """What was counted for the plan's key; None for a rename."""
    stays: tuple[tuple[str, str], ...] = ()
    """Columns that agree and stay with the child all the same, with the reason."""
    defaults: tuple[str, ...] = ()
    """Columns that move to the parent and whose default has to be dropped on the way."""

    @property
    def known_to_agree(self) -> bool:
        """Whether every column with the policy ``agree`` was counted, and agrees."""
        if self.candidate is None:
            return True
        counted = {*self.candidate.agree, *self.candidate.agree_by_part}
        return counted >= {*self.plan.with_policy(Conflict.AGREE)}


def draft(table: Table, candidate: Candidate, wishes: Wishes, taken: Collection[str]) -> Draft:
    """The plan of a split, or of a split in place. ``taken`` are names in use in the schema, and
    reserved words. Raises WrongUse for a wish that names no column, or contradicts another."""
    require_columns(table, wishes)
    parent = wishes.parent or naming.parent_name(table.name, candidate.key, taken)
    copy = None
    if not wishes.in_place:
        copy = wishes.child or naming.child_name(table.name, {*taken, parent})
    changed = wishes.changed or _changed(table, candidate)
    ids, kept = identity(table), needed_by_identity(table, candidate.key)
    bare = TableSplit(
        name=wishes.name or naming.identifier(table.name),
        source=table.name,
        copy=copy,
        parent=parent,
        key=candidate.key,
        child_columns=(),
        link=naming.link_name(parent, table.column_names),
        # Those in the key need keep, which needs the parent's other columns.
        id=tuple(c for c in ids if c not in candidate.key) or "id",
        parent_id=naming.parent_id_name(table.column_names),
        changed=changed,
        version=_version(table, candidate),
        retired="" if copy is None else naming.retired_name(table.name, {*taken, parent, copy}),
    )
    moving, stays = _moving(table, candidate, wishes, bare)
    gone = {*bare.ids, bare.changed, bare.version, *candidate.key, *(c.name for c in moving)}
    plan = replace(
        bare,
        id=ids or "id",
        parent_columns=moving,
        keep=tuple(dict.fromkeys((*wishes.keep, *kept))),
        child_columns=tuple(c for c in table.column_names if c not in gone),
    )
    defaults = tuple(c for c in plan.deprecated if gives_value(table.column(c)))
    return Draft(plan=plan, candidate=candidate, stays=stays, defaults=defaults)


def draft_rename(table: Table, wishes: Wishes, taken: Collection[str]) -> Draft:
    """The plan that gives a table another name, under which it is written meanwhile too."""
    plan = TableSplit(
        name=wishes.name or naming.identifier(table.name),
        source=table.name,
        copy=wishes.rename,
        child_columns=tuple(c for c in table.column_names if c not in identity(table)),
        id=identity(table) or "id",
        retired=naming.retired_name(table.name, {*taken, wishes.rename}),
    )
    return Draft(plan=plan, candidate=None)


def _changed(table: Table, candidate: Candidate) -> str | None:
    """The column with the time of a row's last change, by its type and name."""
    named = [
        c
        for c in table.columns
        if may_be_changed(c) and _CHANGED.search(c.name) and c.name not in candidate.key
    ]
    named.sort(key=lambda c: not c.not_null)
    return named[0].name if named else None


def _version(table: Table, candidate: Candidate) -> str | None:
    """The column by which applications notice that a row was saved meanwhile."""
    found = [c.name for c in table.columns if looks_like_version(c) and c.name not in candidate.key]
    return found[0] if len(found) == 1 else None


def _moving(
    table: Table, candidate: Candidate, wishes: Wishes, bare: TableSplit
) -> tuple[tuple[ParentColumn, ...], tuple[tuple[str, str], ...]]:
    """The parent's columns in the table's order, and those that stay with a reason."""
    wished = {c.name: c for c in wishes.parent_columns}
    staying = {*wishes.child_columns, bare.changed, bare.version, *bare.ids, *candidate.key}
    agreeing = {*candidate.agree, *candidate.agree_by_part}
    disagreeing = {d.column: d.groups for d in candidate.disagree}
    moving, stays = [], []
    before = set(fits(bare, table))
    for column in table.columns:
        name = column.name
        if name in wished:
            moving.append(wished[name])
        elif name in staying:
            continue
        elif name in agreeing:
            chosen = ParentColumn(name=name)
            # A column that cannot move must not make the whole plan impossible.
            why = [
                r for r in fits(replace(bare, parent_columns=(chosen,)), table) if r not in before
            ]
            if why:
                stays.append((name, why[0]))
            else:
                moving.append(chosen)
        elif name in disagreeing:
            if bare.changed:
                moving.append(ParentColumn(name=name, conflict=Conflict.LATEST))
            else:
                stays.append((name, _no_policy(name)))
    return tuple(moving), tuple(stays)


def _no_policy(name: str) -> str:
    return (
        "its rows disagree, and no column has the time of the last change. "
        f"--parent-columns {name}:first or {name}:max moves it"
    )


def require_columns(table: Table, wishes: Wishes) -> None:
    """Raise WrongUse where a wish names no column of the table, or one twice."""
    named = (
        *wishes.key,
        *(c.name for c in wishes.parent_columns),
        *wishes.child_columns,
        *wishes.keep,
        *((wishes.changed,) if wishes.changed else ()),
    )
    for name in named:
        if name not in table.column_names:
            raise WrongUse(f'table "{table.name}" has no column "{name}".', hint=_near(name, table))
    both = {c.name for c in wishes.parent_columns} & {*wishes.child_columns, *wishes.key}
    for name in sorted(both):
        raise WrongUse(
            f'column "{name}" is asked for in two places.', hint="Name it in one option only."
        )


def _near(name: str, table: Table) -> str:
    """Which columns may be meant."""
    close = get_close_matches(name, table.column_names, n=3, cutoff=0.4)
    return f"Did you mean {', '.join(close)}?" if close else "See the columns with psql's \\d."
