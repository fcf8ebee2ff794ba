"""The synchronous captures between source and copy, made from a situation."""

from __future__ import annotations

from membership_refactor.sql.capture.later_partitions import LaterPartitions
from membership_refactor.sql.capture.synchronous import Sync
from membership_refactor.sql.refuse_writes import refusal_functions
from membership_refactor.sql.statements import Statement
from membership_refactor.steps.step import Situation


def to_copy(s: Situation) -> Sync:
    """Carries each write of the source to the copy, from copy_table to retire_source."""
    return Sync(
        names=s.names,
        purpose="to_copy",
        origin=s.names.source,
        target=s.names.copy,
        id=s.names.id,
        columns=s.source().columns,
        exclusive=_exclusive(s),
        marked=True,
    )


def later_to_copy(s: Situation) -> LaterPartitions:
    """The same of partitions that the source gets later."""
    return LaterPartitions(s.names, to_copy(s), "to_copy")


def to_source(s: Situation) -> Sync:
    """Carries each write of the copy to the source, from dual_write to retire_source."""
    return Sync(
        names=s.names,
        purpose="to_source",
        origin=s.names.copy,
        target=s.names.source,
        id=s.names.id,
        columns=s.source().columns,
        exclusive=_exclusive(s),
        adopts=True,
    )


def following_functions(s: Situation, *, both: bool) -> tuple[Statement, ...]:
    """The functions that stand between copy_table and retire_source, as far as they name columns.
    With ``both`` either table may be written."""
    if both:
        return (*to_copy(s).function_statements(), *to_source(s).function_statements())
    opens = s.revisions.mention("dual_write")
    return (
        *to_copy(s).function_statements(),
        *refusal_functions(s.names, s.source().columns, opens=opens),
    )


def _exclusive(s: Situation) -> bool:
    """Whether a value other than the id has to be unique."""
    source = s.source()
    keys = {c.index for c in source.constraints if c.kind == "p"}
    return any(i.unique and i.name not in keys for i in source.indexes) or any(
        c.kind == "x" for c in source.constraints
    )
