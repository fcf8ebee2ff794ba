"""The retired table: its portrait, and the renaming of the source and of its objects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.ddl.copy_portrait import under_name
from membership_refactor.sql.ddl.create import create_table
from membership_refactor.sql.ddl.renaming import DerivedNames
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.refuse_writes import close_retired
from membership_refactor.sql.statements import Lock, Statement


def retired_table(plan: TableSplit, source: Table) -> Table:
    """The portrait of the retired table from 0005 on. It has the source's grants, row security,
    indexes and checks, but no identity, foreign keys, triggers, rules or publications."""
    renamed = under_name(source, plan.retired)
    return replace(
        renamed,
        columns=tuple(_without_sequence(column) for column in source.columns),
        constraints=tuple(c for c in renamed.constraints if c.kind != "f"),
        triggers=(),
        rules=(),
        publications=(),
    )


def recreate_retired(names: Names, source: Table) -> tuple[Statement, ...]:
    """The retired table, empty, from the source's portrait in the ledger (0011's downgrade). Its
    NOT NULL constraints keep their names: the table was renamed, not made under this one."""
    retired = retired_table(names.plan, source)
    columns = tuple(
        replace(c, not_null_name=c.not_null_name or c.not_null_by_default) for c in retired.columns
    )
    return (*create_table(replace(retired, columns=columns)), *close_retired(names))


def rename_to_retired(plan: TableSplit, source: Table) -> Iterator[Statement]:
    """Renames the table, its indexes, constraints and statistics, so the names are free for the
    parent. Only the catalog changes. A constraint with an index is renamed with its index.
    """
    derived = DerivedNames(source, plan.retired)
    yield _rename_table(source.schema, source.name, plan.retired)
    yield from _rename_objects(source, plan.retired, {name: derived[name] for name in _of(source)})


def rename_to_source(plan: TableSplit, source: Table) -> Iterator[Statement]:
    """The exact reverse."""
    derived = DerivedNames(source, plan.retired)
    yield _rename_table(source.schema, plan.retired, source.name)
    back = {derived[name]: name for name in _of(source)}
    yield from _rename_objects(under_name(source, plan.retired), source.name, back)


def _without_sequence(column: Column) -> Column:
    if column.sequence is None or not column.sequence.owned:
        return column
    return replace(column, identity="", default=None, sequence=None)


def _of(table: Table) -> set[str]:
    kept = [c for c in table.constraints if c.kind != "f"]
    return (
        {item.name for item in kept}
        | {i.name for i in table.indexes}
        | {s.name for s in table.statistics}
    )


def _rename_table(schema: str, old: str, new: str) -> Statement:
    name = qualified(schema, old)
    return Statement(f"ALTER TABLE {name} RENAME TO {ident(new)}", Lock.ACCESS_EXCLUSIVE, name)


def _rename_objects(table: Table, now: str, given: dict[str, str]) -> Iterator[Statement]:
    relation = qualified(table.schema, now)
    for index in table.indexes:
        text = f"ALTER INDEX {qualified(table.schema, index.name)} RENAME TO"
        yield Statement(f"{text} {ident(given[index.name])}", Lock.SHARE_UPDATE_EXCLUSIVE, relation)
    for constraint in table.constraints:
        if constraint.kind == "c":
            text = f"ALTER TABLE {relation} RENAME CONSTRAINT {ident(constraint.name)} TO"
            yield Statement(
                f"{text} {ident(given[constraint.name])}", Lock.ACCESS_EXCLUSIVE, relation
            )
    for statistics in table.statistics:
        text = f"ALTER STATISTICS {qualified(statistics.schema, statistics.name)} RENAME TO"
        yield Statement(
            f"{text} {ident(given[statistics.name])}", Lock.SHARE_UPDATE_EXCLUSIVE, relation
        )
