"""What pgroll does to a table to add a column that is computed from others, by SQL of our own.

pgroll itself is not run. It adds the column to the table itself, and a flag that says which rows
lack its value. A BEFORE trigger fills it; the backfill updates batches of 1,000 rows by primary
key so that the trigger meets every row. At the end trigger and flag go, and the column is
required. (Read in its documentation and its source of May 2026.)
"""

from __future__ import annotations

from benchmarks.place import Connection
from benchmarks.target import NAMES, Target
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.parents.parent_uuid import computed
from membership_refactor.sql.quoting import ident

BATCH = 1_000
"""pgroll's default."""
FLAG = "needs_backfill"


def add_link(connection: Connection, wanted: Target) -> None:
    """The source has the link with its value in every row, an index on it, and NOT NULL."""

    def run(text: str) -> None:
        connection.execute(text.encode())

    table, link = NAMES.source, ident(SPLIT.link)
    run(f"ALTER TABLE {table} ADD COLUMN {link} uuid")
    run(f"ALTER TABLE {table} ADD COLUMN {FLAG} boolean DEFAULT true")
    _capture(connection, wanted)
    _backfill(connection)
    run(f"CREATE INDEX CONCURRENTLY ON {table} ({link})")
    run(f"ALTER TABLE {table} ADD CONSTRAINT has_link CHECK ({link} IS NOT NULL) NOT VALID")
    run(f"ALTER TABLE {table} VALIDATE CONSTRAINT has_link")
    run(f"ALTER TABLE {table} ALTER COLUMN {link} SET NOT NULL")
    run(f"ALTER TABLE {table} DROP CONSTRAINT has_link")
    run("DROP FUNCTION public.fill_link() CASCADE")
    run(f"ALTER TABLE {table} DROP COLUMN {FLAG}")
    run(f"ANALYZE {table}")


def _capture(connection: Connection, wanted: Target) -> None:
    """The trigger has a variable for each column, for the expression to use, and asks for the
    search_path, which says whether an old or a new application writes."""
    table, link = NAMES.source, ident(SPLIT.link)
    names = [ident(column.name) for column in wanted.source.columns]
    variables = "\n".join(f"  {name} {table}.{name}%TYPE := NEW.{name};" for name in names)
    connection.execute(
        f"""CREATE FUNCTION public.fill_link() RETURNS trigger LANGUAGE plpgsql AS $fill$
#variable_conflict use_variable
DECLARE
{variables}
  path text;
BEGIN
  SELECT current_setting INTO path FROM pg_catalog.current_setting('search_path');
  IF path <> 'public_new' THEN
    NEW.{link} := {computed(NAMES, "NEW")};
    NEW.{FLAG} := false;
  END IF;
  RETURN NEW;
END $fill$""".encode()
    )
    connection.execute(
        f"CREATE TRIGGER fill_link BEFORE INSERT OR UPDATE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION public.fill_link()".encode()
    )


def _backfill(connection: Connection) -> None:
    table, key = NAMES.source, ident(SPLIT.last_id)
    batch = f"""WITH batch AS (
  SELECT b.{key} FROM {table} AS b WHERE b.{FLAG} AND b.{key} > %s
  ORDER BY b.{key} LIMIT {BATCH} FOR NO KEY UPDATE
), touched AS (
  UPDATE {table} AS t SET {key} = t.{key} FROM batch WHERE t.{key} = batch.{key} RETURNING t.{key}
)
SELECT pg_catalog.max(touched.{key}) FROM touched""".encode()
    last: int | None = -1
    while last is not None:
        row = connection.execute(batch, (last,)).fetchone()
        last = row[0] if row is not None else None
