"""What a script asks before it goes on: plan, order, gates and checks; blocks that raise."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from membership_refactor.checks.check import Check, block_of_pass, passes
from membership_refactor.planning import Revisions
from membership_refactor.script.psql import block, ended
from membership_refactor.script.records import Records
from membership_refactor.sql.quoting import literal
from membership_refactor.steps.step import Direction
from membership_refactor.steps.step_chain import Chain


def same_plan(records: Records) -> str:
    """Record the plan's fingerprint; raise where the ledger has another one."""
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


def no_other_step(records: Records, chain: Chain) -> str:
    """Raise while another step is open, or this one the other way."""
    known = ",\n    ".join(_known(chain.revisions, step.name) for step in chain)
    take_back = literal(chain.revisions.verb("abandon"))
    body = f"""
DECLARE
  half record;
BEGIN
  SELECT coalesce(k.label, s.step) AS label, s.direction, s.started_at,
    CASE s.direction WHEN 'up' THEN k.up ELSE k.down END AS command
  INTO half FROM {records.table("step")} AS s
  LEFT JOIN (VALUES
    {known}) AS k (step, label, up, down) ON k.step = s.step
  WHERE s.plan = {records.plan} AND s.state = 'open'
    AND (s.step, s.direction) <> ({literal(records.step)}, {literal(records.direction)});
  IF FOUND THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = pg_catalog.format('step %s is open: it went %s and has not finished (begun %s UTC)',
        half.label, half.direction, pg_catalog.to_char(half.started_at, 'YYYY-MM-DD HH24:MI')),
      HINT = pg_catalog.format('Finish it with: %s   or take it back with: %s', half.command,
        {take_back});
  END IF;
END
"""
    return block(body)


def _known(revisions: Revisions, step: str) -> str:
    """The step, what messages call it, and the commands that take it up and down."""
    commands = (revisions.command(step, direction) for direction in Direction)
    return f"({', '.join(map(literal, (step, revisions.label(step), *commands)))})"


def neighbours(records: Records, chain: Chain) -> str:
    """Raise where a lower step is not applied, or a higher one still is."""
    if records.direction is Direction.UP:
        others, wrong, order = chain.below(records.step), "NOT", "has not been applied"
    else:
        others, wrong, order = chain.above(records.step), "", "is still applied"
    if not others:
        return ""
    listed = ", ".join(
        f"({n}, {literal(s.name)}, {literal(chain.revisions.of(s.name))})"
        for n, s in enumerate(others)
    )
    message = f"{chain.revisions.label(records.step)} cannot go {records.direction}: "
    see = f"Was the version stamped by hand? See: {chain.revisions.verb('status')}"
    body = f"""
DECLARE
  wrong text;
BEGIN
  SELECT o.label INTO wrong
  FROM (VALUES {listed}) AS o (n, step, label)
  WHERE {wrong} EXISTS (SELECT FROM {records.table("step")} AS s WHERE s.plan = {records.plan}
    AND s.step = o.step AND s.direction = 'up' AND s.state = 'done')
  ORDER BY o.n LIMIT 1;
  IF wrong IS NOT NULL THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = {literal(message)} || wrong || ' {order}, according to the ledger',
      HINT = {literal(see)};
  END IF;
END
"""
    return block(body)


def gate(records: Records, check: Check, *, accepted: str | None) -> str:
    """Ask for the evidence, or record a DBA's reason to go on without it."""
    return records.accept(check.option, accepted) if accepted else recorded(records, [check])


def recorded(records: Records, checks: Iterable[Check]) -> str:
    """The checks, those that read the same rows in one pass, each with its result in the ledger,
    also when it raises."""
    named = [replace(c, hint=records.revisions.naming(c.hint)) for c in checks]
    return "\n".join(ended(_recorded(records, together)) for together in passes(named))


def _recorded(records: Records, together: Sequence[Check]) -> str:
    # Outside of a transaction a block may commit: the result stays when it raises.
    took = "extract(epoch FROM pg_catalog.clock_timestamp() - began)"
    insert = (
        f"INSERT INTO {records.table('check_result')}\n"
        "    (plan, step, direction, name, broken, keys, seconds)\n"
        f"  VALUES ({records.key}, "
    )
    if len(together) == 1:
        only = together[0]
        recording = f"{insert}{literal(only.name)}, broken, keys,\n    {took});\n  COMMIT;"
        return only.block(recording=recording).text
    recording = f"{insert}name, broken, keys,\n    coalesce({took}, 0));"
    return block_of_pass(together, recording=recording).text
