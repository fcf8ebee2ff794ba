"""Drives the steps of one plan on one database, and reads its tables as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import psycopg
from alembic.config import Config
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from membership_refactor.catalog.read import read_portrait
from membership_refactor.cli.plan import revision_texts
from membership_refactor.database import libpq_url
from membership_refactor.execution.kept_sessions import KEPT, KeptSessions, kept_sessions
from membership_refactor.execution.options import Options
from membership_refactor.execution.progress import Progress
from membership_refactor.execution.runner import Runner
from membership_refactor.inspect.forecast import forecast
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait
from membership_refactor.sql.names import OWN_PREFIXES, Names
from membership_refactor.sql.quoting import ident
from membership_refactor.steps import steps_of
from tests.fixtures.steps import CHAIN, IDS, step_of
from tests.reference_model.split import Rows, id_of

REVISIONS = IDS
OPTIONS = Options(accept_usage="a test", batch_rows=7, lock_timeout=20)
QUIET = Progress(quiet=True)
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Subject:
    """A plan, where it is carried out, and the empty tables that it needs."""

    plan: TableSplit
    schema: str
    create: tuple[str, ...]
    """Statements that make the tables and what they refer to."""

    @property
    def names(self) -> Names:
        return Names(self.plan, self.schema)

    @property
    def revisions(self) -> tuple[str, ...]:
        """The ids of the revisions of the plan's steps."""
        return tuple(CHAIN.revisions.of(step) for step in self.plan.steps)

    @property
    def start(self) -> str:
        """The id below the plan's first revision."""
        return ("0002", *REVISIONS)[REVISIONS.index(self.revisions[0])]


@dataclass(frozen=True)
class Chain:
    """One database with the tables of a subject."""

    url: str
    subject: Subject
    options: Options = OPTIONS

    @cached_property
    def engine(self) -> Engine:
        options = {KEPT: KeptSessions()}
        return create_engine(self.url, poolclass=NullPool, execution_options=options)

    @property
    def plan(self) -> TableSplit:
        return self.subject.plan

    @property
    def names(self) -> Names:
        return self.subject.names

    def runner(self, *, engine: Engine | None = None, plan: TableSplit | None = None) -> Runner:
        return Runner(
            engine or self.engine,
            plan or self.plan,
            self.subject.schema,
            replace(CHAIN, steps=steps_of(plan or self.plan)),
            options=self.options,
            progress=QUIET,
        )

    def up(self, *revisions: str) -> None:
        """Takes each up, with the sessions of one run as the command line does."""
        with kept_sessions(self.engine).kept():
            for revision in revisions:
                self.runner().upgrade(step_of(revision))

    def up_to(self, last: str, *, after: str = "0002") -> None:
        self.up(*(r for r in self.subject.revisions if after < r <= last))

    def down(self, *revisions: str) -> None:
        """Takes each down; the first asks what refuses any of them."""
        with kept_sessions(self.engine).kept():
            for revision in revisions:
                self.runner().downgrade(step_of(revision), lowest=step_of(revisions[-1]))

    def down_to(self, goal: str, *, before: str = "0011") -> None:
        self.down(*(r for r in reversed(self.subject.revisions) if goal < r <= before))

    def run(self, *texts: str, settings: Sequence[str] = ()) -> None:
        """One transaction of an application; percent signs mean themselves."""
        with psycopg.connect(libpq_url(self.url)) as connection:
            for text in (*settings, *texts):
                connection.execute(text.encode())

    def query(self, text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(libpq_url(self.url)) as connection:
            return connection.execute(text.encode()).fetchall()

    def value(self, text: str) -> Any:
        return self.query(text)[0][0]

    def columns(self, table: str) -> list[str]:
        with psycopg.connect(libpq_url(self.url)) as connection:
            return columns_of(connection, table)

    def rows(self, table: str, *key: str) -> Rows:
        """Every row as text, by the text of its key, as `id_of` writes it."""
        with psycopg.connect(libpq_url(self.url)) as connection:
            return rows_of(connection, table, *key)

    def source(self) -> Rows:
        return self.rows(self.names.source, *self.plan.ids)

    def child(self) -> Rows:
        return self.rows(self.names.child, *self.plan.ids)

    def parents(self) -> Rows:
        return self.rows(self.names.parent, self.plan.parent_id)

    def retired(self) -> Rows:
        return self.rows(self.names.retired, *self.plan.ids)

    def types(self) -> dict[str, str]:
        """The types of the wide table's columns."""
        table = self.portrait().table(self.plan.source)
        return {c.name: c.type for c in table.columns}

    def portrait(self) -> Portrait:
        plan = self.plan
        names = plan.tables
        with self.engine.connect() as connection:
            return read_portrait(connection, self.subject.schema, tuple(names))

    def own_objects(self) -> set[str]:
        """The tool's own triggers and functions that stand at this moment, and its tables less
        the ledger's fixed ones; ENABLE states included."""
        prefixes = ", ".join(f"'{p}%'" for p in OWN_PREFIXES)
        ledger = self.names.ledger.replace("'", "''")
        return {text for (text,) in self.query(
            "SELECT format('trigger %s on %s %s', tgname, tgrelid::regclass, tgenabled) "
            f"FROM pg_trigger WHERE tgname LIKE ANY (ARRAY[{prefixes}]) UNION ALL "
            "SELECT format('function %s', p.oid::regprocedure) FROM pg_proc p "
            f"JOIN pg_namespace s ON s.oid = pronamespace WHERE nspname = '{ledger}' UNION ALL "
            "SELECT format('table %s', c.oid::regclass) FROM pg_class c "
            "JOIN pg_namespace s ON s.oid = relnamespace "
            f"WHERE nspname = '{ledger}' AND relkind = 'r'"
        )}  # fmt: skip


def columns_of(connection: psycopg.Connection[Any], table: str) -> list[str]:
    return [name for (name,) in connection.execute((
        "SELECT attname FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped "
        f"AND attrelid = '{table.replace(chr(39), chr(39) * 2)}'::regclass ORDER BY attnum"
    ).encode())]  # fmt: skip


def rows_of(connection: psycopg.Connection[Any], table: str, *key: str) -> Rows:
    columns = columns_of(connection, table)
    listed = ", ".join(f"t.{ident(c)}::text" for c in columns)
    connection.execute("SET TimeZone = 'UTC'")
    found = connection.execute(f"SELECT {listed} FROM {table} AS t".encode()).fetchall()
    rows = [dict(zip(columns, row, strict=True)) for row in found]
    return {id_of(row, key): row for row in rows}


def said(chain: Chain) -> str:
    """What plan says of the steps by name, before anything is changed."""
    made, _ = forecast(chain.runner(), revision_texts(Config(ROOT / "alembic.ini")))
    return "\n".join(text for step in made.steps for text in (*step.refusals, *step.notes))


@dataclass(frozen=True)
class Snapshot:
    """Everything that two runs have to have in common."""

    tables: dict[str, Rows]
    portrait: Portrait
    own: frozenset[str]


def snapshot(chain: Chain) -> Snapshot:
    plan = chain.plan
    tables = {}
    portrait = chain.portrait()
    with psycopg.connect(libpq_url(chain.url)) as connection:
        for table in portrait.tables:
            key = (plan.parent_id,) if plan.parent_id in table.column_names else plan.ids
            name = f"{ident(table.schema)}.{ident(table.name)}"
            tables[table.name] = rows_of(connection, name, *key)
    return Snapshot(tables, portrait, frozenset(chain.own_objects()))


def build(
    subject: Subject, fill: Callable[[psycopg.Connection[Any]], None]
) -> Callable[[str], None]:
    """For ``template_database``: the empty tables, filled."""

    def made(url: str) -> None:
        with psycopg.connect(libpq_url(url)) as connection:
            for text in subject.create:
                connection.execute(text.encode())
            fill(connection)

    return made


def insert(
    subject: Subject, rows: Iterable[dict[str, Any]], table: str = ""
) -> Callable[[Any], None]:
    """Puts rows (column to value, an infinite date as text) into the wide table."""

    def fill(connection: psycopg.Connection[Any]) -> None:
        for row in rows:
            listed = ", ".join(ident(c) for c in row).replace("%", "%%")
            places = ", ".join(["%s"] * len(row))
            target = (table or subject.names.source).replace("%", "%%")
            connection.execute(
                (
                    f"INSERT INTO {target} ({listed}) OVERRIDING SYSTEM VALUE VALUES ({places})"
                ).encode(),
                [v if v is None else str(v) for v in row.values()],
            )

    return fill
