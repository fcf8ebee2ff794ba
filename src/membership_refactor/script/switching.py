"""Drain and switch in a script: replay the log, and the rest of it under a short lock."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.script.locking import VARIABLES, executed, taken, tried_again
from membership_refactor.sql.build.table_build import TableBuild
from membership_refactor.sql.pacing.blockers import Locks
from membership_refactor.sql.pacing.pace import (
    AT_MOST_SECONDS,
    FEWEST,
    MOST,
    PATIENT_ROUNDS,
    REPLAY_ENTRIES,
    SPANS,
    UNDER_LOCK_SECONDS,
)
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.statements import Statement


def _outpaced(build: TableBuild, take_back: str) -> str:
    """plpgsql that gives up after spans in a row that leave the log no shorter.

    `came` counts what was replayed in the current span.
    """
    table = build.log.table.replace("%", "%%")
    message = (
        f"changes of {table} arrive faster than they can be replayed: "
        "in the last %s s %s keys a second came, %s a second were replayed, and %s wait"
    )
    hint = (
        "Reduce the writes for a while, mass changes above all. Then go on with alembic or with "
        f"a script from the version reached. To take it back: {take_back}"
    )
    return f"""        SELECT p.* INTO work.waiting FROM ({build.waiting_query()}) AS p;
        in_vain := CASE WHEN waiting >= left_before THEN in_vain + 1 ELSE 0 END;
        IF in_vain = {SPANS} THEN
          RAISE lock_not_available USING MESSAGE = pg_catalog.format({literal(message)},
            span::bigint, ((waiting - left_before + came) / span)::bigint,
            (came / span)::bigint, waiting), HINT = {literal(hint)};
        END IF;
        left_before := waiting; came := 0;
        since := pg_catalog.clock_timestamp();"""


def switch(
    build: TableBuild,
    locks: Locks,
    statements: Iterable[Statement],
    mark: str,
    *,
    seconds: int,
    take_back: str,
) -> str:
    """Return a block body; ``statements`` begin with the fence."""
    allowed = f"least(greatest(rate * budget, {FEWEST}), {MOST})"
    drain = build.function("drain")
    pending = build.pending_query()
    return f"""
#variable_conflict use_column
<<work>>
DECLARE
{VARIABLES}
  keys bigint; marks bigint; entries bigint; more boolean; taken bigint;
  replayed bigint := 0; rounds int;
  round_began timestamptz; since timestamptz; came bigint; left_before bigint; waiting bigint;
  in_vain int; span double precision;
  stuck timestamptz; rate double precision := 0; budget double precision := {UNDER_LOCK_SECONDS};
BEGIN
  PERFORM pg_catalog.set_config('synchronous_commit', 'off', false);
  LOOP
    -- Until little enough waits. Each round is a transaction of its own. There is always one
    -- round, so that the function is planned before the lock.
    rounds := 0; came := 0; left_before := NULL; in_vain := 0;
    since := pg_catalog.clock_timestamp();
    LOOP
      SELECT p.* INTO work.keys, work.marks, work.entries, work.more FROM ({pending}) AS p;
      EXIT WHEN rounds > 0 AND marks = 0 AND NOT more AND keys <= {allowed} / 2;
      span := extract(epoch FROM pg_catalog.clock_timestamp() - since);
      IF span >= {seconds} THEN
{_outpaced(build, take_back)}
      END IF;
      rounds := rounds + 1;
      -- A round takes only its share of a long log.
      taken := CASE WHEN entries > {REPLAY_ENTRIES} THEN keys * {REPLAY_ENTRIES} / entries
        ELSE keys END;
      round_began := pg_catalog.clock_timestamp();
      BEGIN
        PERFORM {drain}({REPLAY_ENTRIES});
        replayed := replayed + taken; came := came + taken; stuck := NULL;
        IF taken > 0 AND marks = 0 THEN
          -- The best rate: a round of few keys shows the cost of a round, not of a key.
          rate := greatest(rate, taken / greatest(
            extract(epoch FROM pg_catalog.clock_timestamp() - round_began), 0.000001));
        END IF;
      EXCEPTION WHEN lock_not_available OR deadlock_detected OR serialization_failure
        -- A unique value moved to another row between two statements of the replay.
        OR unique_violation OR exclusion_violation THEN
        stuck := coalesce(stuck, round_began);
        IF pg_catalog.clock_timestamp() >= stuck + interval '{seconds} s' THEN RAISE; END IF;
      END;
      COMMIT;
      IF rounds % {PATIENT_ROUNDS} = 0 THEN
        budget := least(budget * 1.5, {AT_MOST_SECONDS});
      END IF;
      IF stuck IS NOT NULL THEN
        PERFORM pg_catalog.pg_sleep(pg_catalog.random() * 0.1);
      END IF;
    END LOOP;
    COMMIT;
    tries := tries + 1;
    BEGIN
{taken(locks, members=build.names.partitioned)}
      SELECT p.* INTO work.keys, work.marks, work.entries, work.more FROM ({pending}) AS p;
      IF marks > 0 OR more OR keys > {allowed} THEN
        -- Too much came in the meantime. Release the locks and replay it without them.
        RAISE lock_not_available;
      END IF;
      PERFORM {drain}(NULL);
{executed(statements, "      ")}
      {mark}
      EXIT;
    EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
    END;
{tried_again(locks, seconds, take_back)}
  END LOOP;
  RESET synchronous_commit;
END
"""
