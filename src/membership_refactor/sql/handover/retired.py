"""The retired table: what it is called, what it keeps, and that it refuses writes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Column, Table, differences
from membership_refactor.sql.ddl.copy_portrait import under_name
from membership_refactor.sql.ddl.create import create_table
from membership_refactor.sql.ddl.renaming import DerivedNames
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import (
    OwnTrigger,
    before,
    install_triggers,
    remove_triggers,
    trigger_function,
)

_MESSAGE = "%I.%I is retired and cannot be written"
_HINT = "Write to %I.%I; the rows have been moved there."


def retired_table(plan: TableSplit, source: Table) -> Table:
    """The portrait that the retired table has from 0005 on: grants, row security, indexes and
    checks of the source; no identity, foreign keys, triggers, rules or publications."""
    renamed = under_name(source, plan.retired)
    return replace(
        renamed,
        columns=tuple(_without_sequence(column) for column in source.columns),
        constraints=tuple(c for c in renamed.constraints if c.kind != "f"),
        triggers=(),
        rules=(),
        publications=(),
    )


def retired_differences(plan: TableSplit, source: Table, retired: Table) -> tuple[str, ...]:
    """What the retired table shows that is unlike what 0005 left."""
    return differences(retired_table(plan, source), retired, without=("incoming",))


def recreate_retired(names: Names, source: Table) -> tuple[Statement, ...]:
    """The retired table, empty, from the source's portrait in the ledger (0011's downgrade)."""
    plan = names.plan
    return (*create_table(retired_table(plan, source)), *refuse_writes(names))


def rename_to_retired(plan: TableSplit, source: Table) -> Iterator[Statement]:
    """The table, its indexes, constraints and statistics; frees every name for the parent.

    All of these change the catalog only. A constraint that rests on an index is renamed with it.
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


def refuse_writes(names: Names) -> tuple[Statement, ...]:
    """Every write to the retired table raises 55000, whoever sends it; reading stays allowed."""
    arguments = ", ".join(literal(n) for n in (names.schema, names.plan.retired))
    successor = ", ".join(literal(n) for n in (names.schema, names.plan.copy))
    body = (
        "  RAISE object_not_in_prerequisite_state USING\n"
        f"    MESSAGE = pg_catalog.format({literal(_MESSAGE)}, {arguments}),\n"
        f"    HINT = pg_catalog.format({literal(_HINT)}, {successor});"
    )
    return (
        *trigger_function(names.own("refuse_retired"), body),
        *install_triggers((_refusal(names),)),
    )


def accept_writes(names: Names) -> tuple[Statement, ...]:
    """Takes the refusal away (before the downgrade of 0005 reconciles the retired rows)."""
    return (
        *remove_triggers((_refusal(names),)),
        Statement(f"DROP FUNCTION IF EXISTS {names.own('refuse_retired')}()"),
    )


def _refusal(names: Names) -> OwnTrigger:
    # BEFORE each statement: it speaks before constraints do, and also where no row is concerned.
    return OwnTrigger(
        name=before("refuse_retired"),
        table=names.retired,
        event="BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE",
        function=names.own("refuse_retired"),
    )


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
