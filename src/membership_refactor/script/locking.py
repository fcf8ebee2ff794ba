"""Short table locks in a script: waited for 50 ms, tried again with jitter, honestly given up."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.sql.pacing.blockers import Locks, blockers
from membership_refactor.sql.pacing.pace import SECOND_WAIT_MS, WAIT_MS
from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.statements import Statement

VARIABLES = """\
  began timestamptz := pg_catalog.clock_timestamp();
  asked timestamptz; got timestamptz; tries int := 0;"""
MEASURED = ", lock_waited_ms, lock_held_ms, tries"
MEASUREMENTS = """,
        1000 * extract(epoch FROM got - asked),
        1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got), work.tries"""


def executed(statements: Iterable[Statement], indent: str) -> str:
    """Each statement as it is run online; plpgsql does not look into it."""
    return "\n".join(f"{indent}EXECUTE {dollar_quoted(s.text)};" for s in statements)


def taken(locks: Locks) -> str:
    """The locks, in the order in which writers take them; what was held too long is given back."""
    lines = [
        f"PERFORM pg_catalog.set_config('lock_timeout', '{WAIT_MS}', true),",
        "  pg_catalog.set_config('synchronous_commit', 'off', true);",
        "asked := pg_catalog.clock_timestamp();",
    ]
    for n, (table, mode) in enumerate(locks):
        if n == 1:
            lines.append(
                f"PERFORM pg_catalog.set_config('lock_timeout', '{SECOND_WAIT_MS}', true);"
            )
        lines.append(f"LOCK TABLE {table} IN {mode} MODE;")
        if n == 0:
            lines.append("got := pg_catalog.clock_timestamp();")
    if not locks:
        lines.append("got := asked;")
    return "\n".join(f"      {line}" for line in lines)


def tried_again(locks: Locks, seconds: int) -> str:
    """plpgsql after a failed try: gives up when the time is over, else waits a random moment."""
    tables = ", ".join(table for table, _ in locks)
    return f"""\
    -- A transaction of its own for the next try; this one would hold old row versions back.
    COMMIT;
    IF pg_catalog.clock_timestamp() >= began + interval '{seconds} s' THEN
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over {seconds} s; %s',
          {literal(tables)}, tries, coalesce((
            SELECT 'in the way: ' || pg_catalog.string_agg(pg_catalog.format('%s (%s, for %s)',
              w.who, pg_catalog.concat_ws(', ', w.role, nullif(w.application, ''),
                nullif(w.state, '')), coalesce(w.age::text, 'an unknown time')), '; ')
            FROM ({blockers(locks)}) AS w),
          'whoever was in the way has gone meanwhile')),
        HINT = 'End or wait for those transactions, then go on with alembic or with a script '
          'from the version reached; membership-refactor abandon takes the step back.';
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));"""


def brief(locks: Locks, statements: Iterable[Statement], mark: str, *, seconds: int) -> str:
    """The body of a block that runs the statements and the mark under the locks, in one commit."""
    return f"""
#variable_conflict use_column
<<work>>
DECLARE
{VARIABLES}
BEGIN
  LOOP
    tries := tries + 1;
    BEGIN
{taken(locks)}
{executed(statements, "      ")}
      {mark}
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
{tried_again(locks, seconds)}
  END LOOP;
END
"""
