"""What a script asks before it goes on: plan, order, gates and checks, as blocks that raise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from membership_refactor.checks.check import Check
from membership_refactor.script.psql import block, ended
from membership_refactor.script.records import Records
from membership_refactor.sql.quoting import literal
from membership_refactor.steps.step import Direction, Step


def same_plan(records: Records) -> str:
    """Records the plan's fingerprint, and raises where another one stands."""
    plan = records.names.plan
    table = records.table("plan")
    body = f"""
DECLARE
  recorded text;
BEGIN
  INSERT INTO {table} (plan, fingerprint) VALUES ({records.plan}, {literal(plan.fingerprint)})
  ON CONFLICT DO NOTHING;
  SELECT p.fingerprint INTO recorded FROM {table} AS p WHERE p.plan = {records.plan};
  IF recorded <> {literal(plan.fingerprint)} THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = pg_catalog.format('plan "%s" is not the one the chain began with (ledger %s, '
        'script %s)', {records.plan}, pg_catalog.left(recorded, 12),
        {literal(plan.fingerprint[:12])}),
      HINT = 'Give a changed plan another name, or put the old text back.';
  END IF;
END
"""
    return block(body)


def no_other_step(records: Records) -> str:
    """Raises while another step, or this one the other way, is half done."""
    body = f"""
DECLARE
  half record;
BEGIN
  SELECT s.revision, s.direction, s.started_at,
    CASE WHEN s.direction = 'up' THEN 'upgrade ' || s.revision
      WHEN s.revision = '0001' THEN 'downgrade base'
      ELSE 'downgrade ' || pg_catalog.lpad((s.revision::int - 1)::text, 4, '0') END AS command
  INTO half FROM {records.table("step")} AS s
  WHERE s.plan = {records.plan} AND s.state = 'open'
    AND (s.revision, s.direction) <> ({literal(records.revision)}, {literal(records.direction)});
  IF FOUND THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = pg_catalog.format('step %s was left half-way %s (begun %s UTC)', half.revision,
        half.direction, pg_catalog.to_char(half.started_at, 'YYYY-MM-DD HH24:MI')),
      HINT = pg_catalog.format('Finish it with: alembic %s   or take it back with: '
        'membership-refactor abandon', half.command);
  END IF;
END
"""
    return block(body)


def neighbours(records: Records, steps: Mapping[str, Step]) -> str:
    """Raises where a lower step is not up, or a higher one still is."""
    if records.direction is Direction.UP:
        others = sorted(r for r in steps if r < records.revision)
        wrong, order = "NOT", "has not been taken up"
    else:
        others = sorted(r for r in steps if r > records.revision)
        wrong, order = "", "still stands"
    if not others:
        return ""
    listed = ", ".join(literal(r) for r in others)
    body = f"""
DECLARE
  wrong text;
BEGIN
  SELECT pg_catalog.min(o.revision) INTO wrong
  FROM pg_catalog.unnest(ARRAY[{listed}]) AS o (revision)
  WHERE {wrong} EXISTS (SELECT FROM {records.table("step")} AS s WHERE s.plan = {records.plan}
    AND s.revision = o.revision AND s.direction = 'up' AND s.state = 'done');
  IF wrong IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = pg_catalog.format('{records.revision} cannot go {records.direction}: '
        '%s {order}, says the ledger', wrong),
      HINT = 'Was the version stamped by hand? See: membership-refactor status';
  END IF;
END
"""
    return block(body)


def gate(records: Records, check: Check, *, accepted: str | None) -> str:
    """The evidence, asked; or a DBA's reason to go on without it, recorded."""
    return records.accept(accepted) if accepted else recorded(records, [check])


def recorded(records: Records, checks: Iterable[Check]) -> str:
    """The checks one after another, each with its result in the ledger, also when it raises."""
    return "\n".join(ended(_recorded(records, check)) for check in checks)


def _recorded(records: Records, check: Check) -> str:
    # Outside of a transaction the block may commit: the result stays when it raises.
    return check.block(
        recording=(
            f"INSERT INTO {records.table('check_result')}\n"
            "    (plan, revision, direction, name, broken, keys, seconds)\n"
            f"  VALUES ({records.key}, {literal(check.name)}, broken, keys,\n"
            "    extract(epoch FROM pg_catalog.clock_timestamp() - began));\n"
            "  COMMIT;"
        )
    ).text
