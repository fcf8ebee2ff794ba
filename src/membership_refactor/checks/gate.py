"""The gate: a step that drops something first asks for evidence that it is unused.

The SQL reads the ledger's records, so an offline script asks the same. Without a watch there is no
evidence.
"""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.planning import Revisions
from membership_refactor.planning.targets import (
    old_meaning,
    old_shape,
    retired_table,
    scan_stage,
    source_table,
    stages_that_show,
    targets_of,
)
from membership_refactor.sql.evidence_clock import NOW
from membership_refactor.sql.ledger.step_rows import BEGUN_EMPTY
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import literal, qualified

STALEST = "1 day"
"""The greatest age of the newest sample of a watch."""

OPTION = "accept-usage"


def accepted(ledger: str, plan: str, option: str, *, step: str | None = None) -> str:
    """SQL that is true where a DBA gave a reason with that ``-x`` option, for this step or any.
    A reason for one step counts until that step goes down."""
    of_step = ""
    if step:
        of_step = (
            f" AND a.step = {literal(step)}\n  AND NOT EXISTS (SELECT FROM "
            f"{qualified(ledger, 'event')} AS d WHERE d.plan = a.plan AND d.step = a.step\n"
            "    AND d.direction = 'down' AND d.event = 'done' AND d.at > a.at)\n "
        )
    return (
        f"EXISTS (SELECT FROM {qualified(ledger, 'acceptance')} AS a WHERE a.plan = {literal(plan)}"
        f"{of_step} AND a.option = {literal(option)})"
    )


def _never_written(names: Names, table: str) -> str:
    """SQL that is true where the table had no page when the plan began, has none now, and took no
    row in between: a CI run, or a laptop.

    A DELETE leaves pages behind until a vacuum. The count of inserted rows lives until a crash, a
    failover or a reset of the statistics.
    """
    ledger, name = names.ledger, literal(names.plan.name)
    first = f"e.plan = {name} AND e.step = {literal(names.plan.steps[0])} AND e.direction = 'up'"
    there = f"pg_catalog.to_regclass({literal(table)})"
    # Whatever is unknown is no evidence.
    return (
        f"coalesce((SELECT e.event = {literal(BEGUN_EMPTY)}\n"
        f"    FROM {qualified(ledger, 'event')} AS e\n"
        f"    WHERE {first} AND e.event IN ('begun', {literal(BEGUN_EMPTY)})\n"
        "    ORDER BY e.n DESC LIMIT 1)\n"
        f"  AND pg_catalog.pg_relation_size({there}) = 0\n"
        "  AND pg_catalog.current_setting('track_counts')::pg_catalog.bool\n"
        f"  AND pg_catalog.pg_stat_get_tuples_inserted({there}) = 0, false)"
    )


def gates(names: Names, revisions: Revisions, step: str, *, own: bool = True) -> tuple[Check, ...]:
    """A gate for each structure that the step takes away. Without ``own``, which says that the
    tool's own role asks, no row is read: that would be a use."""
    return tuple(
        gate(names, revisions, step, target=target, own=own)
        for target in targets_of(names.plan, step)
    )


def gate(names: Names, revisions: Revisions, step: str, *, target: str, own: bool = True) -> Check:
    """Each row is a reason to wait. A recorded acceptance for ``step`` opens the gate, until the
    step goes down.

    For the old name's new meaning the window begins after the table has lost the name. Where the
    first step created the table and it has no row, or where nobody has ever written it, no evidence
    is needed.
    """
    since_step = "retire_source" if step == "create_parent" else None
    plan, ledger = names.plan, names.ledger
    tables = {source_table(plan): names.source, retired_table(plan): names.retired}
    empty = tables.get(target, names.child)
    name, about = literal(plan.name), literal(target)
    began = f"{NOW} - interval '{plan.evidence_days} days'"
    usage = (
        f"{qualified(ledger, 'usage_interval')} AS u WHERE u.plan = {name} AND u.target = {about}"
    )
    stages = stages_that_show(plan, target)
    fits = f"o.stage IN ({', '.join(literal(stage.value) for stage in stages)})"
    scans = (
        f"(SELECT DISTINCT ON (o.consumer) o.*, {fits} AS fits\n"
        f"  FROM {qualified(ledger, 'scan_outcome')} AS o "
        f"WHERE o.plan = {name} ORDER BY o.consumer, {fits} DESC, o.scanned_at DESC) AS o"
    )
    # A scan knows both only by the name that they have in SQL, which is the source's.
    by_name = dict.fromkeys((old_meaning(plan), old_shape(plan)), source_table(plan))
    scanned = literal(by_name.get(target, target))
    in_the_way = f"(o.detail -> 'in_the_way' ->> {scanned})::pg_catalog.int4"
    window = (
        f"pg_catalog.tstzrange({began}, greatest({began}, {NOW} - interval '{STALEST}',\n"
        f"  (SELECT pg_catalog.max(u.ended) FROM {usage})))"
        f" <@ coalesce(pg_catalog.range_agg(pg_catalog.tstzrange(u.began, u.ended, '[]')), "
        "'{}'::pg_catalog.tstzmultirange)"
    )
    why = (
        "SELECT coalesce(pg_catalog.format(': until %s it was not covered, because %s',\n"
        "  pg_catalog.to_char(u.ended AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI \"UTC\"'),\n"
        "  u.detail -> 'holes' ->> 0), '')\n"
        f"FROM {usage} AND NOT u.covered AND u.ended >= {began}\n"
        "ORDER BY u.ended DESC LIMIT 1"
    )
    missing = f"no unbroken watch of {plan.evidence_days} days on the {target}"
    reasons = [
        f"SELECT {literal(missing)} || coalesce((\n{why}), '')\n"
        f"WHERE NOT (SELECT {window} FROM {usage} AND u.covered)",
        "SELECT pg_catalog.format('%s used %s until %s%s (%s)', u.target, "
        "CASE u.uses WHEN 1 THEN 'once' ELSE u.uses || ' times' END, u.ended, "
        "' by ' || (u.detail ->> 'who'), u.source)\n"
        f"FROM {usage} AND u.uses > 0 AND u.ended >= {began}",
        f"SELECT 'the SQL of no consumer has been scanned'\nWHERE NOT EXISTS (SELECT FROM {scans})",
        "SELECT pg_catalog.format('consumer %s has %s references left', o.consumer,\n"
        f"  coalesce({in_the_way}, o.findings))\n"
        f"FROM {scans} WHERE o.fits AND NOT o.clear AND coalesce({in_the_way}, 1) > 0",
        "SELECT pg_catalog.format('the newest scan of consumer %s is for another structure: "
        f"scan it with --stage {scan_stage(plan, target)}', o.consumer)\n"
        f"FROM {scans} WHERE NOT o.fits OR EXISTS (SELECT FROM "
        f"{qualified(ledger, 'scan_outcome')} AS l WHERE l.plan = o.plan\n"
        f"  AND l.consumer = o.consumer AND l.scanned_at > o.scanned_at + interval '{STALEST}')",
    ]
    samples = f"{qualified(ledger, 'usage_sample')} AS s WHERE s.plan = {name}"
    downs = (
        f"(SELECT pg_catalog.count(*) FROM {qualified(ledger, 'event')} AS e WHERE e.plan = {name} "
        "AND e.direction = 'down' AND e.event IN ('begun', 'done'))"
    )
    reasons += [
        "SELECT 'a step went down after the newest sample, so others may use it again'\n"
        "WHERE (SELECT pg_catalog.max((s.state -> 'marks' ->> 'downgrades')::pg_catalog.int8) "
        f"FROM {samples}) <> {downs}",
        # By the server's own clock: the other may have been set forward, and back again.
        f"SELECT 'the newest sample is older than {STALEST}'\n"
        "WHERE (SELECT pg_catalog.max((s.state -> 'marks' ->> 'read at')::pg_catalog.float8) "
        f"FROM {samples}) < extract(epoch FROM pg_catalog.now() - interval '{STALEST}')",
        "SELECT pg_catalog.format('%s used at %s by %s (%s)', u.target, u.last_at, u.role, "
        f"u.source)\nFROM {qualified(ledger, 'usage')} AS u WHERE u.plan = {name} "
        f"AND u.target = {about} AND u.uses > 0 AND u.last_at >= {began}\n"
        f"AND NOT EXISTS (SELECT FROM {qualified(ledger, 'usage_interval')} AS i\n"
        "  WHERE i.plan = u.plan AND i.target = u.target AND i.source = u.source)",
    ]
    if since_step is not None:
        since = revisions.of(since_step)
        reasons.append(
            f"SELECT {literal(f'{since} ended less than {plan.evidence_days} days ago')}\n"
            f"FROM {qualified(ledger, 'step')} AS s WHERE s.plan = {name} "
            f"AND s.step = {literal(since_step)} AND s.ended_at > {began}"
        )
    condition = f"NOT {accepted(ledger, plan.name, OPTION, step=step)}"
    created = (
        f"EXISTS (SELECT FROM {qualified(ledger, 'event')} AS e WHERE e.plan = {name} "
        "AND e.event = 'created')"
    )
    # Without reading it a table is known to be empty only where it never had a row, or none is
    # left after VACUUM.
    size = f"pg_catalog.pg_relation_size(pg_catalog.to_regclass({literal(empty)}))"
    is_empty = f"NOT EXISTS (SELECT FROM {empty})" if own else f"coalesce({size}, 1) = 0"
    condition += f" AND NOT (({created} OR {_never_written(names, empty)})\n  AND {is_empty})"
    query = "\nUNION ALL ".join(f"({r})" for r in reasons)
    return Check(
        name=f"gate {step}" + (" (old shape)" if target == old_shape(plan) else ""),
        sentence=f"nobody uses the {target} any more",
        query=f"SELECT r.reason FROM ({query}) AS r (reason) WHERE {condition}",
        reach=Reach.CATALOG,
        hint=f"See who uses it, and when this gate opens: {revisions.verb('usage')}. Wait for "
        f"that, or accept the risk and record why: {revisions.accepting(OPTION, step)}",
    )
