"""Create the plan's tables in each structure, in schemas of a transaction that is undone."""

from __future__ import annotations

import contextlib
import json
import os
import random
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from membership_refactor.planning import Stage, TableSplit
from membership_refactor.scan.compare.generated_rows import DataSet
from membership_refactor.scan.compare.needs import WIDE, Needs, Row
from membership_refactor.scan.consumers import NameMap
from membership_refactor.scan.resolve.tables_at_stage import Role, structure_at
from membership_refactor.sql.own_statements import MARK, in_one_message
from membership_refactor.sql.quoting import columns as column_list
from membership_refactor.sql.quoting import ident, qualified

_OFF = {
    "sequential": {"enable_indexscan", "enable_bitmapscan"},
    "index": {"enable_seqscan", "enable_hashagg"},
    "merge": {"enable_hashjoin", "enable_nestloop", "enable_hashagg"},
    "hash": {"enable_mergejoin", "enable_nestloop", "enable_sort"},
}
_SETTINGS = sorted(set().union(*_OFF.values()))
PLANS = tuple(_OFF)
"""Names of the plans that every form is run with."""


def prefer(plan: str) -> str:
    """The settings under which the planner takes this plan where it can."""
    off = _OFF[plan]
    return "; ".join(f"SET LOCAL {name} = {'off' if name in off else 'on'}" for name in _SETTINGS)


OLD, MIRROR, INTERIM, CURRENT = "old", "mirror", "interim", "current"
"""The mirror has the old structure too, with all rows in the reverse order. So has current."""
FORMS = (OLD, MIRROR, INTERIM, CURRENT)
_REVERSED = (MIRROR, CURRENT)
_OTHERS = ("others", "others_reversed")
"""The tables outside the plan. The second has the rows in the reverse order."""
FIRST_NEW_ID = 800_000
"""Ids that a statement makes start here. Forms do not give the same row the same one."""
_INDEXED = 6
TAKEN = "mr_branch_taken"
"""The function that raises an error with its own name when it is called. Every form finds it."""


class StatementFailed(Exception):
    """Raised with what PostgreSQL said to a statement that was to be compared."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__(str(error.orig).strip().split("\n")[0])
        self.code = str(getattr(error.orig, "sqlstate", None) or "")
        """SQLSTATE."""


@dataclass
class Scratch:
    """One connection inside a transaction. Names are in lower case, as the consumer spells them.

    Tables are made anew for every statement. Rows that are rolled back stay in the files until the
    transaction ends, and a hundred statements later every scan would read them all.
    """

    connection: Connection
    plan: TableSplit
    old_stage: Stage
    names: NameMap
    needs: Needs
    token: str = field(default_factory=lambda: f"mr_compare_{os.getpid()}_{secrets.token_hex(3)}")
    made: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    """Form to table to the plan's columns."""
    _childless: tuple[str, ...] = ()
    _using: tuple[str, str] = ("", "")

    def run(self, text: str, parameters: tuple[Any, ...] | None = None) -> Any:
        """Run a statement. Raises StatementFailed."""
        options = {"no_parameters": parameters is None}
        try:
            return self.connection.exec_driver_sql(
                f"{text}\n{MARK}", parameters, execution_options=options
            )
        except DBAPIError as error:
            raise StatementFailed(error) from error

    def schema(self, form: str) -> str:
        """The schema of a form, or of the tables outside the plan."""
        return f"{self.token}_{form}"

    def create(self, *, timeout_ms: int) -> None:
        """Create the plan's tables in each form, and the tables outside the plan once."""
        # A plan that is preferred has a huge cost, and compiling it would take most of the time.
        settings = f"SET LOCAL statement_timeout = {timeout_ms}; SET LOCAL jit = off"
        schemas = (f"CREATE SCHEMA {ident(self.schema(form))}" for form in (*FORMS, *_OTHERS))
        self.run(in_one_message((settings, *schemas)))
        stages = (self.old_stage, self.old_stage, Stage.INTERIM, Stage.CURRENT)
        for form, stage in zip(FORMS, stages, strict=True):
            self._create_form(form, stage)
        for others in _OTHERS:
            for name, columns in self.needs.foreign.items():
                lines = [
                    f"{ident(column)} {type_}{' PRIMARY KEY' if column in ('id', 'uuid') else ''}"
                    for column, type_ in columns.items()
                ]
                asked = [column for column in columns if (name, column) in self.needs.groups]
                self._create_table(self._where(others, name), lines, asked)
            self.run(
                f"CREATE FUNCTION {self._where(others, TAKEN)}() RETURNS boolean "
                f"LANGUAGE plpgsql VOLATILE AS $$ BEGIN RAISE EXCEPTION '{TAKEN}'; END $$"
            )

    def _create_form(self, form: str, stage: Stage) -> None:
        plan, made = self.plan, self.made.setdefault(form, {})
        leaving = plan.leaving if stage is Stage.CURRENT else ()
        for table in structure_at(plan, stage).tables:
            own, parent = table.present, table.role is Role.PARENT
            if table.role is Role.RETIRED or table.name in made or not own:
                continue
            if not parent:
                own = tuple(n for n in dict.fromkeys((*self.needs.wide, *own)) if n not in leaving)
            made[table.name] = own
            identity = f"GENERATED BY DEFAULT AS IDENTITY (START WITH {FIRST_NEW_ID})"
            more = {plan.changed: "DEFAULT now()", plan.last_id: identity}
            more |= {plan.parent_id: "PRIMARY KEY DEFAULT gen_random_uuid()"} if parent else {}
            lines = [
                f"{ident(self.spell(n))} {self.needs.type_of((WIDE, n))} {more.get(n, '')}"
                for n in own
            ]
            key = column_list(map(self.spell, plan.key if parent else plan.ids))
            lines.append(f"{'UNIQUE NULLS NOT DISTINCT' if parent else 'PRIMARY KEY'} ({key})")
            asked = [self.spell(n) for n in own if n == plan.link or n in self.needs.used]
            self._create_table(self._where(form, self.table(table.name)), lines, asked)

    def _create_table(self, where: str, lines: Sequence[str], asked: Sequence[str]) -> None:
        """Create a table, with indexes so that plans with an index can be had."""
        indexes = (f"CREATE INDEX ON {where} ({ident(column)})" for column in asked[:_INDEXED])
        self.run(in_one_message((f"CREATE TABLE {where} ({', '.join(lines)})", *indexes)))

    def _where(self, form: str, table: str) -> str:
        return qualified(self.schema(form), table)

    def spell(self, column: str) -> str:
        """The name of the plan's column in the scratch tables."""
        return self.names.column(column).lower()

    def table(self, name: str) -> str:
        """The name of the plan's table in the scratch schemas."""
        return self.names.table(name).lower()

    def use(self, form: str, plan: str = PLANS[0]) -> None:
        """Let names without a schema mean the tables of the form, and prefer a plan."""
        if (form, plan) != self._using:
            others = self.schema("others_reversed" if form in _REVERSED else "others")
            path = f"{ident(self.schema(form))}, {ident(others)}"
            self.run(f"SET LOCAL search_path = {path}; {prefer(plan)}")
            self._using = (form, plan)

    def load(self, data: DataSet) -> None:
        """Put the same facts into every form. Deprecated columns hold the parent's values."""
        linked = {child[self.plan.link] for child in data.children}
        uuids = (str(parent[self.plan.parent_id]) for parent in data.parents)
        self._childless = tuple(uuid for uuid in uuids if uuid not in linked)
        texts: list[str] = []
        for form in FORMS:
            step = -1 if form in _REVERSED else 1
            for table, names in self.made[form].items():
                every = data.children if self.plan.last_id in names else data.parents
                rows = [{self.spell(n): row.get(n) for n in names} for row in every[::step]]
                texts.append(_insert(self._where(form, self.table(table)), rows))
        for table, rows in data.foreign.items():
            texts.append(_insert(self._where("others", table), rows))
            texts.append(_insert(self._where("others_reversed", table), rows[::-1]))
        self.run(in_one_message(text for text in texts if text) or "SELECT")

    def shuffle(self, source: random.Random, *forms: str) -> None:
        """Put the loaded rows of these forms, and of the tables beside them, into other orders."""
        tables = [(form, self.table(name)) for form in forms for name in self.made[form]]
        tables += [(others, name) for others in _OTHERS for name in self.needs.foreign]
        for schema, name in tables:
            where, seed = self._where(schema, name), source.random()
            self.run(
                f"WITH gone AS (DELETE FROM {where} t RETURNING t) INSERT INTO {where} "
                f"SELECT (t).* FROM gone ORDER BY md5(t::text || '{seed}')"
            )

    def childless(self, form: str) -> str | None:
        """The query of the parents that have no child before the statement runs, if there are."""
        if not self._childless:
            return None
        # A structure without a parent table is one where nothing can change such a parent.
        has_parents = self.plan.parent_id in self.made[form].get(self.plan.parent, ())
        own = form if has_parents else INTERIM
        listed = column_list(map(self.spell, (self.plan.parent_id, *self.plan.deprecated)))
        parents = self._where(own, self.table(self.plan.parent))
        uuids = ", ".join(f"'{uuid}'" for uuid in self._childless)
        uuid = ident(self.spell(self.plan.parent_id))
        return f"SELECT {listed} FROM {parents} WHERE {uuid} IN ({uuids})"

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo whatever happens inside."""
        self.run("SAVEPOINT mr_compare")
        before = self._using
        undo = "ROLLBACK TO SAVEPOINT mr_compare; RELEASE SAVEPOINT mr_compare"
        try:
            yield
        except BaseException:
            # Where the connection is lost there is nothing to undo. The first error tells why.
            with contextlib.suppress(SQLAlchemyError, StatementFailed):
                self.run(undo)
            raise
        else:
            self.run(undo)
        finally:
            self._using = before  # SET LOCAL is undone too

    def wide_tables(self) -> list[tuple[str, tuple[str, ...]]]:
        """The tables of the old structure that hold whole old rows, and their columns."""
        wanted = {*self.plan.deprecated, *self.plan.ids}
        return [(table, names) for table, names in self.made[OLD].items() if wanted <= set(names)]

    def old_shape(self, form: str) -> str:
        """The query that shows the content of a form as the wide table's rows."""
        if form not in (INTERIM, CURRENT):
            table, _ = self.wide_tables()[0]
            listed = column_list(map(self.spell, self.needs.wide))
            return f"SELECT {listed} FROM {self._where(form, self.table(table))}"
        child, parent, link = self.pair(form)
        listed = ", ".join(map(self.column, self.needs.wide))
        return f"SELECT {listed} FROM {child} LEFT JOIN {parent} ON {link}"

    def column(self, name: str) -> str:
        """A column of the wide table, of the parent ``p`` or of the child ``c``."""
        return f"{'p' if name in self.plan.deprecated else 'c'}.{ident(self.spell(name))}"

    def pair(self, form: str) -> tuple[str, str, str]:
        """Child and parent as in FROM, and the condition that joins the two."""
        plan = self.plan
        child, parent = (self._where(form, self.table(n)) for n in (plan.child, plan.parent))
        uuid, link = ident(self.spell(plan.parent_id)), ident(self.spell(plan.link))
        return f"{child} c", f"{parent} p", f"p.{uuid} = c.{link}"


def _insert(where: str, rows: list[Row]) -> str:
    """The statement that inserts the rows. Empty where there are none."""
    if not rows:
        return ""
    document = json.dumps(rows, default=lambda value: value.isoformat()).replace("'", "''")
    listed = column_list(rows[0])
    return (
        f"INSERT INTO {where} ({listed}) SELECT {listed} "
        f"FROM json_populate_recordset(NULL::{where}, '{document}'::json)"
    )
