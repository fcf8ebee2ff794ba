"""A check that parent and child, joined and with replaced values restored, equal the old table."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.portrait import Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.ledger_tables import lost, was
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.types import differs, keyed


def rejoined_equals_archive(names: Names, source: Table) -> Check:
    """Compares unchanged rows with the retired table, row by row.

    A row is unchanged if its change time equals that of the retired row and its parent did not
    change after the latest retired row. So the plan needs ``changed``, and applications have to
    keep it.
    """
    plan = names.plan
    assert plan.changed is not None
    id, link, uuid = names.id, ident(plan.link), ident(plan.parent_id)
    changed = ident(plan.changed)
    replaced, of_entry = names.own("replaced"), id.word_is('r."child id"', "c")
    parts = []
    for column in source.columns:
        name = ident(column.name)
        if column.name in plan.parent_values:
            value = f"CASE WHEN r.{lost(column.name)} THEN r.{was(column.name)} ELSE p.{name} END"
        elif column.name in plan.key:
            value = f"p.{name}"
        elif column.name in (plan.changed, plan.version):
            value = f"coalesce(r.{was(column.name)}, c.{name})"
        else:
            value = f"c.{name}"
        parts.append(f"{value} AS {name}")
    others = keyed(id.others(source.columns), plan.key)
    return Check(
        name="rejoin equals the archive",
        sentence="parent and child joined, with replaced values restored, equal the retired rows",
        query=(
            f"SELECT {id.text('a')} FROM {names.retired} AS a\n"
            f"JOIN (SELECT {', '.join(parts)}, p.{changed} AS parent_changed\n"
            f"  FROM {names.copy} AS c JOIN {names.parent} AS p ON p.{uuid} = c.{link}\n"
            f"  LEFT JOIN {replaced} AS r ON {of_entry}) AS j ON {id.same('j', 'a')}\n"
            f"WHERE j.{changed} = a.{changed}\n"
            f"  AND j.parent_changed <= (SELECT pg_catalog.max(b.{changed}) "
            f"FROM {names.retired} AS b)\n"
            f"  AND {differs(others, 'a', 'j')}"
        ),
        hint="Rows that were changed without a new change time are listed too.",
    )
