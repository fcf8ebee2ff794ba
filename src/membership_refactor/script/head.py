"""What a script begins with: psql's settings, and a block that raises for another database."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.planning import Revisions
from membership_refactor.portrait import Portrait
from membership_refactor.script.options import Pace
from membership_refactor.script.psql import block
from membership_refactor.script.records import Records, known_form, ledger
from membership_refactor.script.session import (
    as_owner,
    owner,
    pinned,
    put_back,
    remember,
    requirements,
)
from membership_refactor.script.shape import shape, shape_of_catalog, shape_of_document
from membership_refactor.script.throttle import judged
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import literal
from membership_refactor.steps.step import Direction

PSQL = """\
\\set ON_ERROR_STOP on
\\set ON_ERROR_ROLLBACK off
\\set AUTOCOMMIT on
\\set QUIET on
\\encoding UTF8"""


def print_head(
    names: Names,
    expected: Portrait,
    step: str,
    direction: Direction,
    *,
    tables: Sequence[str] = (),
    pace: Pace | None = None,
    revisions: Revisions | None = None,
) -> str:
    """The text before the first step, ``step`` in ``direction``. Afterwards the ledger exists.

    It raises, before anything is changed, where the plan's tables and ``tables`` are not those of
    ``expected``; a table that is not in it has to be absent. Where that step has begun already,
    the tables that the ledger has kept are compared instead.
    """
    plan = names.plan
    records = Records(names, step, direction, revisions or Revisions())
    own = tuple(dict.fromkeys([*plan.tables, *tables]))
    texts = (
        f"-- Made by membership_refactor for schema {' '.join(names.schema.split())}.\n"
        "-- Run it with: psql -X -f FILE. It commits as it goes. When it was interrupted, go on\n"
        "-- with alembic, or with a script from the version reached.",
        PSQL,
        remember(),
        pinned("script"),
        requirements(records, own),
        known_form(names),
        portrait_block(records, expected, own),
        judged(records, pace or Pace(), owner(names, own)),
        ledger(names, owner(names, own))[0],
        as_owner(names, own),
        ledger(names, owner(names, own))[1],
        put_back(),
    )
    return "\n\n".join(texts) + "\n"


def portrait_block(records: Records, expected: Portrait, tables: Sequence[str]) -> str:
    """Raise, with the first ten differences, where the tables have another shape."""
    step, steps = records.step, records.table("step")
    command = records.revisions.command(step, records.direction)
    again = records.hint(
        "Write their portrait: membership-refactor plan --format json > FILE   "
        f"and print the script for it: {command.replace(' ', ' -x portrait=FILE ', 1)} --sql"
    )
    body = f"""
DECLARE
  expected jsonb := {shape(expected, tables)};
  there jsonb; began jsonb; different text[];
BEGIN
  IF pg_catalog.to_regclass({literal(steps)}) IS NOT NULL THEN
    SELECT s.now INTO began FROM {steps} AS s
    WHERE s.plan = {records.plan} AND s.step = {literal(step)}
      AND s.direction = {literal(records.direction)};
  END IF;
  IF began IS NULL THEN
    SELECT coalesce(pg_catalog.jsonb_object_agg(f.item, f.text), '{{}}') INTO there FROM (
{shape_of_catalog(records.names.schema, tables)}
    ) AS f;
  ELSE
    -- The first step has begun: the tables are on their way, and this is what they were.
    SELECT coalesce(pg_catalog.jsonb_object_agg(f.item, f.text), '{{}}') INTO there FROM (
{shape_of_document("began", tables)}
    ) AS f;
  END IF;
  WITH d AS (
    SELECT coalesce(e.key, f.key) AS item, e.value AS wanted, f.value AS got
    FROM pg_catalog.jsonb_each_text(expected) AS e
    FULL JOIN pg_catalog.jsonb_each_text(there) AS f ON f.key = e.key
    WHERE f.value IS DISTINCT FROM e.value)
  SELECT pg_catalog.array_agg(CASE
    WHEN d.got IS NULL THEN d.item || ' is missing'
    WHEN d.wanted IS NULL THEN d.item || ' is not expected'
    ELSE pg_catalog.format('%s is %s, expected %s', d.item, d.got, d.wanted) END
    ORDER BY d.item) INTO different
  FROM d
  -- Of a table that is missing or too many nothing more is said.
  WHERE NOT EXISTS (SELECT FROM d AS o WHERE pg_catalog.starts_with(d.item, o.item || ': '));
  IF different IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = 'these are not the tables that the script was made for; nothing has been changed',
      DETAIL = pg_catalog.array_to_string(different[1:10], E'\\n') || CASE
        WHEN pg_catalog.cardinality(different) > 10
        THEN pg_catalog.format(E'\\nand %s more', pg_catalog.cardinality(different) - 10)
        ELSE '' END,
      HINT = {again};
  END IF;
END
"""
    return block(body)
