"""The demo's database: refused where it holds tables, and filled."""

from __future__ import annotations

import psycopg
from sqlalchemy import Engine

from membership_refactor.demo.data import load
from membership_refactor.demo.writers import WRITERS_ID
from membership_refactor.errors import RefactorError
from membership_refactor.execution.progress import Progress
from membership_refactor.sql.quoting import ident

DEMO_PERSONS = 30


def refuse_filled(engine: Engine, schema: str) -> None:
    """Raise RefactorError where the schema holds tables, which the demo must not touch."""
    with engine.connect() as connection:
        count = connection.exec_driver_sql(
            "SELECT count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n "
            "ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r'",
            (schema,),
        ).scalar_one()
    if count:
        raise RefactorError(
            f'schema "{schema}" of the demo\'s database already holds {count} tables.',
            hint="Use an empty database.",
        )


def fill(dsn: str, schema: str, *, rows: int, seed: int, progress: Progress) -> range:
    """Load the generated data, and persons for the writers' rows. Return the ids of those
    persons."""
    with psycopg.connect(dsn) as pg:
        pg.execute("SELECT pg_catalog.set_config('search_path', %s, false)", (ident(schema),))
        with progress.task(f"generating {rows:,} memberships", None) as task:
            loaded = load(
                pg,
                rows=rows,
                seed=seed,
                progress=lambda table, done, total: task.advance(0, table),
            )
        first = pg.execute("SELECT max(id) + 1 FROM person").fetchone()
        assert first is not None
        pg.execute(
            "INSERT INTO programme (id, programme_name) VALUES (%s, 'Writers') "
            "ON CONFLICT DO NOTHING",
            (WRITERS_ID,),
        )
        pg.execute(
            "INSERT INTO curriculum (id, name) VALUES (%s, 'Writers') ON CONFLICT DO NOTHING",
            (WRITERS_ID,),
        )
        pg.execute(
            "INSERT INTO person (id, surname) SELECT i, 'Writer ' || i "
            "FROM generate_series(%s::bigint, %s::bigint) AS i",
            (first[0], first[0] + DEMO_PERSONS - 1),
        )
        pg.execute("SELECT setval(pg_get_serial_sequence('person', 'id'), max(id)) FROM person")
    progress.say(f"{loaded.memberships:,} memberships in {loaded.seconds:.1f} s")
    return range(first[0], first[0] + DEMO_PERSONS)
