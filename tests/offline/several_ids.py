"""The tables of 0001 with a primary key of two columns: the portrait that scripts are made of."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.portrait import Portrait, Table
from tests.chain.subjects import COMPOSITE

_ALONE = "(id)"


def portrait() -> Portrait:
    """What `COMPOSITE` creates."""
    before = legacy_tables(COMPOSITE.schema)
    return replace(
        before,
        tables=tuple(_with_key(t) if t.name == COMPOSITE.plan.source else t for t in before.tables),
    )


def _with_key(table: Table) -> Table:
    ids, key = COMPOSITE.plan.ids, table.primary_key
    assert key is not None
    together = f"({', '.join(ids)})"
    return replace(
        table,
        constraints=tuple(
            replace(c, columns=ids, definition=c.definition.replace(_ALONE, together))
            if c == key
            else c
            for c in table.constraints
        ),
        indexes=tuple(
            replace(i, columns=ids, definition=i.definition.replace(_ALONE, together))
            if i.name == key.index
            else i
            for i in table.indexes
        ),
    )
