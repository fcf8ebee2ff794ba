"""Compares the plan's key with keys that have one column more or less."""

from __future__ import annotations

from collections.abc import Iterator

from membership_refactor.errors import PortraitMismatch, WrongUse
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.inspect.keys_text import KeyChoice, Near
from membership_refactor.inspect.read_only import looking
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait, Table
from membership_refactor.sql.parents.key_statistics import (
    disagreeing_query,
    near_kinds,
    near_query,
    partition_query,
)
from membership_refactor.sql.quoting import qualified


def compare_keys(runner: Runner, *, others: bool = True) -> tuple[tuple[KeyChoice, ...], str, int]:
    """Return the choices, the plan's own first, then the table and its number of rows. Without
    ``others`` the plan's own is the only one. Each reads the whole table."""
    plan = runner.plan
    if not plan.key:
        raise WrongUse(
            f'plan "{plan.name}" renames its table and has no key to compare.',
            hint=f"Run {runner.chain.revisions.verb('plan')}.",
        )
    with looking(runner, "keys") as pg, pg.transaction():
        # One snapshot for all of it: numbers of different moments could not be compared.
        run(pg, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        table = _wide(plan, runner.read())
        where = qualified(table.schema, table.name)
        rows = int(value(pg, f"SELECT pg_catalog.count(*) FROM {where}"))
        keys = _keys(plan) if others else (("plan", plan.key),)
        choices = tuple(_choice(pg, plan, table, name, key) for name, key in keys)
    return choices, where, rows


def _wide(plan: TableSplit, portrait: Portrait) -> Table:
    for name in (plan.source, plan.child):
        table = portrait.find(name)
        if table is not None and {*plan.ids, *plan.deprecated} <= set(table.column_names):
            return table
    raise PortraitMismatch(
        f'no table of plan "{plan.name}" in schema "{portrait.schema}" has the key columns and '
        f"{', '.join(plan.ids)} side by side.",
        hint="Keys can be compared until the step that drops the deprecated columns has run.",
    )


def _keys(plan: TableSplit) -> Iterator[tuple[str, tuple[str, ...]]]:
    yield "plan", plan.key
    for column in plan.parent_values:
        yield f"+ {column}", (*plan.key, column)
    if len(plan.key) > 1:
        for column in plan.key:
            yield f"- {column}", tuple(c for c in plan.key if c != column)


def _choice(pg: Pg, plan: TableSplit, table: Table, name: str, key: tuple[str, ...]) -> KeyChoice:
    where = qualified(table.schema, table.name)
    others = tuple(
        c for c in (*plan.deprecated, *plan.child_columns) if c not in key and _has(table, c)
    )
    parts = run(pg, partition_query(table, where, plan.key, key)).fetchone()
    apart = run(pg, disagreeing_query(table, where, key, others)).fetchone() if others else ()
    assert parts is not None and apart is not None
    return KeyChoice(
        name=name,
        columns=key,
        groups=int(parts[0]),
        gaps=int(parts[1]),
        split=int(parts[2]),
        merged=int(parts[3]),
        near=tuple(near_keys(pg, table, where, key)),
        disagreeing=tuple((c, int(n)) for c, n in zip(others, apart, strict=True)),
    )


def near_keys(pg: Pg, table: Table, where: str, key: tuple[str, ...]) -> Iterator[Near]:
    """Count the keys that differ only in a NULL, in letter case or in blanks, each kind apart."""
    kinds = near_kinds(table, key)
    found = run(pg, near_query(table, where, key)).fetchall() if kinds else []
    for kind, (_, groups, examples) in zip(kinds, found, strict=True):
        differ_in = f"{kind}, which is NULL in one of them" if kind else "letter case or blanks"
        yield Near(differ_in=differ_in, groups=int(groups), examples=tuple(examples))


def _has(table: Table, column: str) -> bool:
    return column in table.column_names
