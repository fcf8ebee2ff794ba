"""dual_write: either table may be written; the other follows in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator

from membership_refactor.planning import Stage
from membership_refactor.portrait import Grant, Portrait, Table
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.comparisons.copied_rows import source_and_copy
from membership_refactor.sql.ddl.cannot_copy import rewriting_rules
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.refuse_writes import refusal_functions, refusal_triggers
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Lock
from membership_refactor.sql.trigger_statements import (
    bodies,
    disable_triggers,
    install_triggers,
    remove_triggers,
)
from membership_refactor.steps import copy_table
from membership_refactor.steps.actions import Action, Brief, create_functions, drop_functions
from membership_refactor.steps.captures import to_source
from membership_refactor.steps.firing_triggers import silent_triggers
from membership_refactor.steps.partition_triggers import hang, take_down
from membership_refactor.steps.revision_text import SHORT, RevisionText
from membership_refactor.steps.step import Situation, Step


def _both(s: Situation) -> tuple[tuple[str, Lock], ...]:
    """Source before copy: the order in which the source's writers take them."""
    mode = Lock.SHARE_ROW_EXCLUSIVE
    return ((s.names.source, mode), (s.names.copy, mode))


def up(s: Situation) -> tuple[Action, ...]:
    names, sync = s.names, to_source(s)
    refusing = refusal_triggers(names)
    return (
        create_functions(*sync.function_statements()),
        *hang("reverse_capture", s.child("dual_write"), sync.triggers()),
        Brief(
            key="open_copy",
            title="Open the copy to writers",
            locks=_both(s),
            statements=(
                raise_fence(names),
                *disable_triggers(refusing),
                *bodies(sync.triggers(), sync.function_statements()),
                *install_triggers(sync.triggers()),
            ),
        ),
        *take_down("refusal", s.child("dual_write"), refusing),
        Brief(
            key="drop_refusal",
            title="Drop the triggers that refuse writes",
            locks=((names.copy, Lock.ACCESS_EXCLUSIVE),),
            statements=remove_triggers(refusing),
        ),
    )


def down(s: Situation) -> tuple[Action, ...]:
    names, sync = s.names, to_source(s)
    refusing = refusal_triggers(names)
    functions = refusal_functions(
        names, s.source().columns, opens=s.revisions.mention("dual_write")
    )
    return (
        create_functions(*functions),
        *hang("refusal", s.child("dual_write"), refusing),
        Brief(
            key="close_copy",
            title="Close the copy to writers",
            locks=_both(s),
            statements=(
                *bodies(refusing, functions),
                *install_triggers(refusing),
                *disable_triggers(sync.triggers()),
            ),
        ),
        *take_down("reverse_capture", s.child("dual_write"), sync.triggers()),
        Brief(
            key="drop_reverse_capture",
            title="Drop the reverse capture's triggers",
            locks=((names.copy, Lock.ACCESS_EXCLUSIVE),),
            statements=remove_triggers(sync.triggers()),
        ),
        drop_functions(*sync.drop_statements()),
    )


def refusals(s: Situation) -> tuple[str, ...]:
    """Rules that were added since copy_table: they would rewrite what is carried over."""
    found = s.before("dual_write")
    return tuple(
        text
        for name in (s.plan.source, s.plan.child)
        for text in rewriting_rules(found.table(name))
    )


def notes(s: Situation) -> tuple[str, ...]:
    """Triggers of the source that miss a write of the copy, and who cannot insert into it."""
    source = s.before("dual_write").table(s.plan.source)
    return (*silent_triggers(source, s.plan.child), *_without_sequence(s, source))


def _without_sequence(s: Situation, source: Table) -> Iterator[str]:
    """An identity asks nobody for a privilege on its sequence; the copy's default does."""
    may_insert = {g.grantee for g in _inserting(source) if g.grantee != source.owner}
    for column in s.names.id.among_columns(source.columns):
        drawn = column.sequence
        if not column.identity or drawn is None:
            continue
        may_draw = {g.grantee for g in drawn.grants or () if g.privilege in ("USAGE", "UPDATE")}
        lacking = sorted(may_insert - may_draw) if "" not in may_draw else []
        if not lacking:
            continue
        sequence = qualified(drawn.schema, drawn.name)
        roles = ", ".join(ident(role) if role else "PUBLIC" for role in lacking)
        yield (
            f"An INSERT into {s.names.copy} draws its id from {sequence} until the next step, and "
            f"these roles may not use it (42501): {roles}. "
            f"Run: GRANT USAGE ON SEQUENCE {sequence} TO {roles};"
        )


def _inserting(table: Table) -> tuple[Grant, ...]:
    return tuple(
        g for g in (*(table.grants or ()), *table.column_grants) if g.privilege == "INSERT"
    )


def becomes(s: Situation) -> Portrait:
    return s.before("dual_write")


def compares(s: Situation) -> tuple[Comparison, ...]:
    return (source_and_copy(s.names, s.source(), copy_written=True),)


STEP = Step(
    name="dual_write",
    stage=Stage.COPY,
    up=up,
    down=down,
    becomes=becomes,
    refusals=refusals,
    notes=notes,
    holds=copy_table.after_up,
    compares=compares,
    text=RevisionText(
        title="Allow writes to {source} and {child}, each carried over in the same transaction",
        deploy="Before the code that writes {child}.",
        locks=f"Both tables SHARE ROW EXCLUSIVE, then {{child}} ACCESS EXCLUSIVE: {SHORT}.",
        undo="Closes the copy to writers again. What they wrote is in both tables.",
    ),
)
