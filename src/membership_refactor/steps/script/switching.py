"""Drain and switch in a script: the log is replayed, the rest of it under a short lock."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.sql.moves import Move
from membership_refactor.sql.statements import Statement
from membership_refactor.steps.script.locking import VARIABLES, Locks, executed, taken, tried_again
from membership_refactor.steps.script.pace import FEWEST, MOST, REPLAY_ENTRIES, UNDER_LOCK_SECONDS


def switch(
    move: Move, locks: Locks, statements: Iterable[Statement], mark: str, *, seconds: int
) -> str:
    """The body of a block; ``statements`` begin with the fence."""
    allowed = f"least(greatest(rate * {UNDER_LOCK_SECONDS}, {FEWEST}), {MOST})"
    drain = move.function("drain")
    pending = move.pending_query()
    return f"""
#variable_conflict use_column
<<work>>
DECLARE
{VARIABLES}
  keys bigint; marks bigint; replayed bigint := 0; stuck timestamptz;
  rate double precision := {MOST / UNDER_LOCK_SECONDS}; from_then timestamptz;
BEGIN
  PERFORM pg_catalog.set_config('synchronous_commit', 'off', false);
  LOOP
    -- Until little enough waits; each round is a transaction of its own.
    LOOP
      SELECT p.* INTO work.keys, work.marks FROM ({pending}) AS p;
      EXIT WHEN work.marks = 0 AND work.keys <= {allowed} / 2;
      from_then := pg_catalog.clock_timestamp();
      BEGIN
        PERFORM {drain}({REPLAY_ENTRIES});
        replayed := replayed + work.keys; stuck := NULL;
        IF work.marks = 0 THEN
          rate := work.keys / greatest(
            extract(epoch FROM pg_catalog.clock_timestamp() - from_then), 0.000001);
        END IF;
      EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
        stuck := coalesce(stuck, from_then);
        IF pg_catalog.clock_timestamp() >= stuck + interval '{seconds} s' THEN RAISE; END IF;
      END;
      COMMIT;
      IF stuck IS NOT NULL THEN
        PERFORM pg_catalog.pg_sleep(pg_catalog.random() * 0.1);
      END IF;
    END LOOP;
    COMMIT;
    tries := tries + 1;
    BEGIN
{taken(locks)}
      SELECT p.* INTO work.keys, work.marks FROM ({pending}) AS p;
      IF work.marks > 0 OR work.keys > {allowed} THEN
        -- Too much came in the meantime: the locks go back, and it is replayed without them.
        RAISE lock_not_available;
      END IF;
      PERFORM {drain}(NULL);
{executed(statements, "      ")}
      {mark}
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
{tried_again(locks, seconds)}
  END LOOP;
  RESET synchronous_commit;
END
"""
