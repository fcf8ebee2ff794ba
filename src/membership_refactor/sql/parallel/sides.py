"""Sides: the child and the parent of a plan, and SQL fragments that this room shares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import dollar_quoted, ident
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import SYNC_MARK, SYNC_ON
from membership_refactor.sql.types import declared_type, differs, keyed

ROW_OF_CHILD, ROW_OF_PARENT = "saved", "parent"
"""plpgsql record variables with the current row of the child and of the parent."""


@dataclass(frozen=True)
class Sides:
    """Child and parent of one plan. In SQL, aliases are single letters and variables are words."""

    names: Names
    child: Table

    @property
    def plan(self) -> TableSplit:
        return self.names.plan

    @property
    def tables(self) -> tuple[str, str]:
        """Both tables, quoted and qualified."""
        return (self.names.child, self.names.parent)

    @cached_property
    def id(self) -> RowId:
        return self.names.id

    @cached_property
    def id_type(self) -> str:
        """The type of a word of the id, for arguments, variables and the ledger's columns."""
        column = self.child.column(self.id.columns[0])
        return self.id.word_type or declared_type(column)

    @cached_property
    def link(self) -> str:
        return ident(self.plan.link)

    @cached_property
    def uuid(self) -> str:
        return ident(self.plan.parent_id)

    @cached_property
    def key(self) -> tuple[Column, ...]:
        return keyed((self.child.column(name) for name in self.plan.key), self.plan.key)

    @cached_property
    def values(self) -> tuple[Column, ...]:
        return tuple(self.child.column(name) for name in self.plan.parent_values)

    @cached_property
    def deprecated(self) -> tuple[Column, ...]:
        return self.key + self.values

    @cached_property
    def leaving(self) -> tuple[Column, ...]:
        """The deprecated columns that the child loses."""
        return tuple(c for c in self.deprecated if c.name not in self.plan.keep)

    @cached_property
    def changed(self) -> tuple[str, ...]:
        """The column with the time of the last change, if the plan has one."""
        return (self.plan.changed,) if self.plan.changed else ()

    @cached_property
    def version(self) -> tuple[str, ...]:
        """The column for optimistic locking, if the plan has one. Only the child has it."""
        return (self.plan.version,) if self.plan.version else ()

    @cached_property
    def shared(self) -> tuple[str, ...]:
        """The columns of both child and parent: the deprecated ones and the time of change."""
        return (*self.plan.deprecated, *self.changed)

    def parent_row(self, alias: str) -> str:
        """The select list of a parent's row."""
        return listed((self.plan.parent_id, *self.shared), f"{alias}.")

    def row_of(self, prefix: str, columns: Iterable[Column] | None = None) -> str:
        """A list of columns of a row; by default the deprecated ones."""
        return listed((c.name for c in columns or self.deprecated), f"{prefix}.")

    def same_key(self, left: str, arguments: str) -> str:
        """A condition on one row: equal keys, where NULL equals NULL. No index serves it."""
        record = "pg_catalog.record"
        # A row with a domain cannot be compared with one of its base type.
        key = ", ".join(
            f"{left}.{ident(c.name)}" + (f"::{declared_type(c)}" if c.base_type else "")
            for c in self.key
        )
        return f"ROW({key})::{record} OPERATOR(pg_catalog.=) ROW({arguments})::{record}"

    def wrote(self, column: Column) -> str:
        """A condition: the statement of this event changed the column. It is also true for every
        column of a row with a new id. An application trigger may have changed the id between the
        write and its event, which then finds no row under the old id.

        An id column of the key changes whenever the row gets another parent. Then a column counts
        only if it differs from the parent that the row leaves, and the row does not still wait for
        that parent's values.
        """
        moved = [f"NEW.{c} <> OLD.{c}" for c in map(ident, self.id.columns)]
        kept = [m for m, c in zip(moved, self.id.columns, strict=True) if c in self.plan.key]
        parts = [differs((column,), "NEW", "OLD"), *(m for m in moved if m not in kept)]
        if kept:
            waits = (
                f"SELECT FROM {self.names.own('losers')} AS z "
                f'WHERE z."child id" = {self.id.word("OLD")}'
            )
            parts.append(
                f"(({' OR '.join(kept)}) AND {differs((column,), ROW_OF_CHILD, ROW_OF_PARENT)}\n"
                f"    AND NOT EXISTS ({waits}))"
            )
        return f"({' OR '.join(parts)})"

    def reread_child(self) -> str:
        """Reads the child's current row, not NEW, into ``saved``. Returns if the row is gone."""
        read = [n for n in self.id.columns if n not in self.shared]
        columns = listed((*read, self.plan.link, *self.shared), "c.")
        return (
            f"SELECT c.xmin, {columns} INTO {ROW_OF_CHILD}\n"
            f"  FROM {self.names.child} AS c WHERE {self.id.same('c', 'NEW')};\n"
            "  IF NOT FOUND THEN\n    RETURN NULL;\n  END IF;"
        )

    def reread_parent(self, uuid: str, into: str = ROW_OF_PARENT) -> str:
        """Reads the row of a parent that this transaction has locked into a record variable."""
        return (
            f"SELECT {self.parent_row('p')} INTO {into}\n"
            f"  FROM {self.names.parent} AS p WHERE p.{self.uuid} = {uuid};"
        )

    def touch(self, uuid: str, *, xid: str = "saved.xmin") -> str:
        """Updates a parent without changing it and reads its row. All columns are NULL if there is
        no such parent.

        A lock is not enough: after our commit a REPEATABLE READ writer would go on with its old
        snapshot. A new row version makes it fail with 40001. One update per transaction is enough,
        so a row that ``xid`` wrote is not updated again. Otherwise each look-up would have to pass
        thousands of versions of one row.
        """
        p, u, into = self.names.parent, self.uuid, ROW_OF_PARENT
        update = (
            f"UPDATE {p} AS p SET {u} = p.{u} WHERE p.{u} = {uuid} "
            f"AND p.xmin OPERATOR(pg_catalog.<>) {xid}"
        )
        # No such row, written by us already, or committed by another session since the snapshot.
        return (
            f"{update}\n  RETURNING {self.parent_row('p')} INTO {into};\n"
            "  IF NOT FOUND THEN\n"
            f"    SELECT {self.parent_row('p')}, p.xmin INTO {into}\n"
            f"    FROM {p} AS p WHERE p.{u} = {uuid} FOR NO KEY UPDATE;\n"
            f"    IF {into}.xmin OPERATOR(pg_catalog.<>) {xid} THEN\n      {update};\n"
            "    END IF;\n"
            "  END IF;"
        )

    def raised(self, condition: str = "") -> tuple[str, ...]:
        """SET items for a child ``c`` that gets values: its version is one higher, so that whoever
        read the row before cannot save it over them. ``condition``: only where it is true."""
        one = f"CASE WHEN {condition} THEN 1 ELSE 0 END" if condition else "1"
        return tuple(f"{ident(v)} = c.{ident(v)} + {one}" for v in self.version)

    def key_share(self) -> str:
        """The lock on the child row that is read again, for ``snapshot_fence.guard``."""
        mine = self.id.same("c", "NEW")
        return f"1 FROM {self.names.child} AS c WHERE {mine} FOR KEY SHARE"

    def carried(self, row: str, target: str) -> str:
        """Sets the time of change of a row that follows ``row``: to the writer's time. If the
        writer did not set it, the time never goes backwards: incremental readers would miss it."""
        if not self.plan.changed:
            return ""
        c = ident(self.plan.changed)
        return (
            f"{c} = CASE WHEN NEW.{c} IS DISTINCT FROM OLD.{c} THEN {row}.{c} "
            f"ELSE GREATEST({target}.{c}, {row}.{c}) END"
        )


def set_to(columns: Iterable[str], row: str) -> str:
    """A SET list: each column gets its value in ``row``."""
    return ", ".join(f"{ident(c)} = {row}.{ident(c)}" for c in columns)


def function(
    signature: str,
    arguments: str,
    returns: str,
    body: str,
    *,
    declare: str = "",
    volatility: str = "VOLATILE",
    marked: bool = False,
    path: str = "pg_catalog, pg_temp",
    settings: str = "",
) -> tuple[Statement, ...]:
    """A function for trigger functions, which run as the table's owner. EXECUTE is revoked from
    PUBLIC.

    ``signature`` is its name, ``arguments`` are names and types, OUT ones included. ``marked``:
    triggers that refuse writes let it through. ``settings`` are more SET clauses.
    """
    declared = f"DECLARE\n{declare}\n" if declare else ""
    text = f"\n#variable_conflict use_variable\n{declared}BEGIN\n{body}\nEND\n"
    result = f" RETURNS {returns}" if returns else ""
    mark = f" SET {SYNC_MARK} = {SYNC_ON}" if marked else ""
    return (
        Statement(
            f"CREATE OR REPLACE FUNCTION {signature}({arguments}){result}\n"
            f"LANGUAGE plpgsql {volatility} SET search_path = {path}{mark}{settings} "
            f"AS {dollar_quoted(text)}"
        ),
        Statement(f"REVOKE ALL ON FUNCTION {signature}({arguments}) FROM PUBLIC"),
    )
