"""Checks over whole tables: the copy, the keys, the parents. Each reads in one snapshot."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.planning import Conflict, Nulls, TableSplit
from membership_refactor.portrait import Table
from membership_refactor.sql.ddl.constraints import check_expression
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.grouping import grouped, parent_columns
from membership_refactor.sql.parents.parent_uuid import wrong_link
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.sql.shared_scan import Look
from membership_refactor.sql.types import differs, keyed


def policies_hold(plan: TableSplit, table: str) -> tuple[Check, ...]:
    """What ``agree`` and ``reject`` ask of ``table`` (quoted), before 0003 and before 0006."""
    checks = []
    agreeing = plan.with_policy(Conflict.AGREE)
    key = listed(plan.key, "t.")
    if agreeing:
        apart = " OR ".join(
            # As records: two rows may both be NULL in it, and json has no equality.
            f"pg_catalog.count(DISTINCT pg_catalog.to_jsonb(t.{ident(c)})) "
            f"+ pg_catalog.max((t.{ident(c)} IS NULL)::int) > 1"
            for c in agreeing
        )
        checks.append(
            Check(
                name="groups agree",
                sentence=f"the rows of a key agree on {', '.join(agreeing)}",
                query=(
                    f"SELECT pg_catalog.concat_ws(', ', {_shown(plan, 't')})\n"
                    f"FROM {table} AS t GROUP BY {key} HAVING {apart}"
                ),
                hint="Mend those rows, or give the columns another conflict policy in the plan.",
            )
        )
    if plan.nulls is Nulls.REJECT:
        gap = " OR ".join(f"t.{ident(c)} IS NULL" for c in plan.key)
        checks.append(
            Check(
                name="keys are complete",
                sentence="no key column is missing",
                query=f"SELECT t.{ident(plan.id)}::text FROM {table} AS t WHERE {gap}",
                hint='Fill those columns, or say nulls="equal" in the plan.',
            )
        )
    return tuple(checks)


def _shown(plan: TableSplit, row: str) -> str:
    return ", ".join(f"coalesce({row}.{ident(c)}::text, 'NULL')" for c in plan.key)


def unvalidated_checks_hold(plan: TableSplit, source: Table) -> tuple[Check, ...]:
    """What a CHECK that was never validated lets stand cannot be written again: not by a column
    that follows its parent, nor by the way down."""
    table = qualified(source.schema, source.name)
    rows = [
        # Without an alias: a definition may name the whole row by the table's name.
        f"SELECT pg_catalog.format('%s (%s)', {ident(plan.id)}, {literal(c.name)}) FROM {table}\n"
        f"WHERE NOT ({check_expression(c.definition)})"
        for c in source.constraints
        if c.kind == "c" and c.enforced and not c.validated
    ]
    if not rows:
        return ()
    return (
        Check(
            name="unvalidated checks hold",
            sentence="no row breaks a CHECK that is NOT VALID",
            query="\nUNION ALL ".join(rows),
            hint="Mend those rows or drop the constraint, then run the same command again.",
        ),
    )


def _source_and_copy(names: Names) -> str:
    plan = names.plan
    key = ident(plan.id)
    return f"{names.source} AS a FULL JOIN {names.copy} AS b ON a.{key} = b.{key}"


def copy_is_exact(names: Names, source: Table) -> Check:
    """Every source row is in the copy, in every column bit for bit, and nothing else."""
    plan = names.plan
    key = ident(plan.id)
    others = [c for c in source.columns if c.name != plan.id]
    return Check.of(
        Look(
            rows=_source_and_copy(names),
            key=f"coalesce(a.{key}, b.{key})::text",
            broken=f"a.{key} IS NULL OR b.{key} IS NULL OR {differs(others, 'a', 'b')}",
        ),
        name="copy is exact",
        sentence="the copy holds every row of the source, bit for bit, and nothing else",
        hint="membership-refactor verify names rows and columns; repair mends them.",
    )


def links_are_of_their_keys(names: Names, *, beside_source: bool = False) -> Check:
    """Until 0008 the link is the uuid of the row's key. ``beside_source``: in one pass with
    ``copy_is_exact``."""
    plan = names.plan
    key = f"b.{ident(plan.id)}"
    of_key = wrong_link(names, f"b.{ident(plan.link)}", "b")
    return Check.of(
        Look(
            rows=_source_and_copy(names) if beside_source else f"{names.copy} AS b",
            key=f"{key}::text",
            broken=f"{key} IS NOT NULL AND {of_key}" if beside_source else of_key,
        ),
        name="link is of the key",
        sentence="every link is the uuid of its row's key",
    )


def sequence_is_ahead(plan: TableSplit, table: str, sequence: str) -> Check:
    """No id that is in ``table`` will be handed out again."""
    key = ident(plan.id)
    return Check(
        name="sequence is ahead",
        sentence="the sequence will not hand out an id twice",
        query=(
            f"SELECT pg_catalog.format('greatest id %s, next %s', m.id, s.last_value)\n"
            f"FROM {sequence} AS s, (SELECT pg_catalog.max(t.{key}) AS id FROM {table} AS t) AS m\n"
            "WHERE m.id > s.last_value OR (m.id = s.last_value AND NOT s.is_called)"
        ),
        hint=f"SELECT setval({literal(sequence)}, ...) behind the greatest id.",
    )


def parents_are_of_their_children(names: Names, child: Table) -> Check:
    """Each parent is what its children say, and none is without children."""
    plan = names.plan
    select = grouped(names, child, "true")
    link, uuid = ident(plan.link), ident(plan.parent_id)
    return Check(
        name="parents follow the policies",
        sentence=(
            "every parent has children, and the key and values that they and the policies give it"
        ),
        query=(
            f"SELECT coalesce(p.{uuid}::text, g.{link}::text, 'no link')\n"
            f"FROM ({select}) AS g FULL JOIN {names.parent} AS p ON p.{uuid} = g.{link}\n"
            f"WHERE p.{uuid} IS NULL OR g.{link} IS NULL\n"
            f"OR {differs(keyed(parent_columns(plan, child), plan.key), 'p', 'g')}"
        ),
    )


def children_have_parents(names: Names) -> Check:
    """Every child has exactly one parent (the uuid is unique), NULL-safe by the uuid."""
    plan = names.plan
    link, uuid = ident(plan.link), ident(plan.parent_id)
    return Check(
        name="every child has its parent",
        sentence="every child's link is the uuid of a parent",
        query=(
            f"SELECT c.{ident(plan.id)}::text FROM {names.copy} AS c\n"
            f"WHERE NOT EXISTS (SELECT FROM {names.parent} AS p WHERE p.{uuid} = c.{link})"
        ),
    )


def keys_are_unique(names: Names) -> Check:
    """No two parents of one key, counted and not taken from an index."""
    plan = names.plan
    return Check(
        name="keys are unique",
        sentence="no two parents have the same key",
        query=(
            f"SELECT pg_catalog.concat_ws(', ', {_shown(plan, 'p')})\n"
            f"FROM {names.parent} AS p GROUP BY {listed(plan.key, 'p.')} HAVING count(*) > 1"
        ),
    )
