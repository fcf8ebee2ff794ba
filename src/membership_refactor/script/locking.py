"""Short table locks in a script: each try waits 50 ms at most, and the tries end in an error."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.sql.pacing.blockers import Locks, blockers
from membership_refactor.sql.pacing.member_locks import lock_members
from membership_refactor.sql.pacing.pace import SECOND_WAIT_MS, WAIT_MS
from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.statements import Statement

VARIABLES = """\
  began timestamptz := pg_catalog.clock_timestamp();
  asked timestamptz; got timestamptz; tries int := 0; blockers record;"""
MEASURED = {
    "lock_waited_ms": "1000 * extract(epoch FROM got - asked)",
    "lock_held_ms": "1000 * extract(epoch FROM pg_catalog.clock_timestamp() - got)",
    "tries": "work.tries",
}
"""Columns of the record of an action, and their expressions."""


def executed(statements: Iterable[Statement], indent: str) -> str:
    """Run each statement as it is run online; plpgsql does not parse it."""
    return "\n".join(f"{indent}EXECUTE {dollar_quoted(s.text)};" for s in statements)


def taken(locks: Locks, *, members: bool) -> str:
    """plpgsql that takes the locks, in the order in which writers take them; with ``members`` those
    on partitions too."""
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
        wait = SECOND_WAIT_MS if n else WAIT_MS
        text = f"LOCK TABLE {table} IN {mode} MODE"
        if members:
            text = f"EXECUTE {dollar_quoted(lock_members(table, mode, wait))}"
        lines.append(f"{text};")
        if n == 0:
            lines.append("got := pg_catalog.clock_timestamp();")
    if not locks:
        lines.append("got := asked;")
    return "\n".join(f"      {line}" for line in lines)


def tried_again(locks: Locks, seconds: int, take_back: str) -> str:
    """plpgsql after a failed try: give up when the time is over, else wait a random moment.

    ``take_back`` is the command that takes the step back, where there is one.
    """
    tables = ", ".join(table for table, _ in locks)
    go_on = " Then go on with alembic or with a script from the version reached."
    back = f" To take the step back: {take_back}" if take_back else ""
    return f"""\
    -- The next try is a transaction of its own; this one would hold back old row versions.
    COMMIT;
    IF pg_catalog.clock_timestamp() >= began + interval '{seconds} s' THEN
      -- The login may see more of other sessions than the owner of the tables.
      PERFORM pg_catalog.set_config('role', 'none', true);
      SELECT w.* INTO work.blockers FROM (
{blockers(locks)}) AS w;
      RAISE lock_not_available USING
        MESSAGE = pg_catalog.format('no lock on %s in %s tries over {seconds} s; %s',
          {literal(tables)}, tries, coalesce('in the way: ' || work.blockers.named,
            'nothing is in the way any more')),
        HINT = work.blockers.advice || {literal(go_on + back)};
    END IF;
    PERFORM pg_catalog.pg_sleep(pg_catalog.random() * least(1, 0.02 * 2 ^ least(tries, 6)));"""


def brief(
    locks: Locks,
    statements: Iterable[Statement],
    mark: str,
    *,
    seconds: int,
    take_back: str = "",
    more: Locks = (),
    members: bool = False,
) -> str:
    """Return a block body that runs the statements and the mark under the locks, in one commit.
    ``more`` are locks that the statements take by themselves."""
    return f"""
#variable_conflict use_column
<<work>>
DECLARE
{VARIABLES}
BEGIN
  LOOP
    tries := tries + 1;
    BEGIN
{taken(locks, members=members)}
{executed(statements, "      ")}
      {mark}
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
{tried_again((*locks, *more), seconds, take_back)}
  END LOOP;
END
"""
