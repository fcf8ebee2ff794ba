"""The way down of link_children: parents are derived from their children again."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.ddl.bare_table import revoke_default_privileges
from membership_refactor.sql.parallel.emptied_parents import delete_childless_function
from membership_refactor.sql.parallel.install import (
    all_triggers,
    drop_own_functions,
    drop_triggers,
    remove,
)
from membership_refactor.sql.parallel.ledger_tables import ledger_tables
from membership_refactor.sql.parallel.noted_children import (
    note_child_functions,
    note_child_triggers,
)
from membership_refactor.sql.parallel.restored_values import (
    batch_functions,
    choose_restored,
    settle_noted_function,
)
from membership_refactor.sql.parents.grouping import (
    derive_functions,
    derive_triggers,
    settle_function,
)
from membership_refactor.sql.parents.keep_link import keep_link_function, keep_link_triggers
from membership_refactor.sql.parents.kept_uuids import (
    fill_kept_function,
    keep_uuid_function,
    keep_uuid_triggers,
    replace_used_uuids,
)
from membership_refactor.sql.parents.parent_uuid import link_function
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.refuse_writes import close_functions, close_triggers
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import (
    bodies,
    idle_functions,
    install_triggers,
    remove_triggers,
)
from membership_refactor.sql.triggers import drop_own
from membership_refactor.steps.actions import (
    Action,
    Brief,
    Ranges,
    Run,
    create_functions,
    drop_functions,
    over_children,
    over_parents,
)
from membership_refactor.steps.create_parent import CLOSED, closed_message
from membership_refactor.steps.foreign_keys import drop_of_leaves
from membership_refactor.steps.not_null import drop_not_null, set_not_null
from membership_refactor.steps.parent_policies import drop_parent_policies
from membership_refactor.steps.partition_triggers import hang, take_down
from membership_refactor.steps.step import Situation

SHARE_ROW, EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE
_FUNCTIONS = ("keep_uuid", "fill_kept", "note_child", "settle_noted", "delete_childless")
_NOTES = ("kept", "uuid_map", "unsettled")
"""Tables of the ledger that each attempt fills again."""


def _over_children(s: Situation, function: str, key: str, title: str) -> tuple[Action, ...]:
    """Run a batch function of parallel saving along the child's ids, only where values move."""
    if function != "fill_uuid_map" and not s.plan.parent_columns:
        return ()
    return (over_children(s.names, s.child("link_children"), function, key, title),)


def down(s: Situation) -> tuple[Action, ...]:
    """Derive parents from their children again: link and uuid follow from the key.

    The ledger keeps each uuid that is not the computed one.
    """
    plan, names, child = s.plan, s.names, s.child("link_children")
    noting = note_child_triggers(names, child)
    keeping = (*keep_uuid_triggers(names), *noting)
    capture = (*derive_triggers(names), *keep_link_triggers(names))
    closing = close_triggers(names, CLOSED, names.parent)
    link, copy, required = ident(plan.link), names.child, required_columns(s, child)
    saving = all_triggers(names, child)
    restoring, keeping_link = derive_functions(names, restoring=True), keep_link_function(names)
    chosen = ((c, child.column(c).not_null_name) for c in required)
    named = {c: name for c, name in chosen if name}
    return (
        Run(
            key="close_parent",
            title="Revoke all privileges on the parent",
            statements=(revoke_default_privileges(names.parent),),
        ),
        *drop_parent_policies(s),
        create_functions(
            *ledger_tables(names, child),
            *batch_functions(names, child),
            *settle_function(names, child),
            *restoring,
            *settle_noted_function(names),
            *delete_childless_function(names, child),
            *keeping_link,
            *close_functions(names, CLOSED, *closed_message(s)),
            *keep_uuid_function(names),
            *fill_kept_function(names),
            *note_child_functions(names, child),
            *(Statement(f"DELETE FROM {names.own(t)}") for t in _NOTES),
        ),
        *hang("notes", child, noting, at_once=True),
        Brief(
            key="record_uuids",
            title="Record changes of uuids",
            # The fence refuses snapshots older than these triggers.
            locks=((copy, SHARE_ROW), (names.parent, SHARE_ROW)),
            statements=(raise_fence(names), *install_triggers(keeping)),
        ),
        over_parents(
            names, "fill_kept", "keep_parent_uuids", "Keep the parents' uuids in the ledger"
        ),
        *_over_children(
            s, "fill_uuid_map", "keep_child_uuids", "Keep the children's uuids in the ledger"
        ),
        *hang("capture", child, capture),
        # As on the way up, where it comes last: parallel saving needs no NOT NULL.
        *((drop_not_null(s, plan.link),) if names.partitioned else ()),
        Brief(
            key="derive_parents",
            title="Derive the parents from their children",
            locks=((copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
            statements=(
                raise_fence(names),
                *remove(names, child),
                Statement(
                    f"ALTER TABLE {copy} DROP CONSTRAINT IF EXISTS {ident(names.link_key_name)}, "
                    # An upgrade that was stopped may have left it.
                    f"DROP CONSTRAINT IF EXISTS {ident(names.link_check_name)}"
                ),
                *drop_of_leaves(child, names.link_key_name),
                replace_used_uuids(names),
                link_function(names, child),
                *bodies(capture, (*restoring, *keeping_link)),
                *(idle_functions(noting) if names.partitioned else ()),
                *remove_triggers([t for t in keeping if not t.cloned]),
                *install_triggers(capture),
                *install_triggers(closing),
                *(
                    ()
                    if names.partitioned
                    else (Statement(f"ALTER TABLE {copy} ALTER COLUMN {link} DROP NOT NULL"),)
                ),
            ),
        ),
        *take_down("notes", child, noting),
        *take_down("parallel", child, saving),
        *_own_values(s, child),
        # It locks the parents that it deletes. A range is tried again when a writer is in its way.
        over_parents(
            names,
            "delete_childless",
            "delete_childless",
            "Delete parents that lost their last child",
        ),
        *(set_not_null(s, "deprecated columns", required, named=named) if required else ()),
        Brief(
            key="drop_child_saving",
            title="Drop parallel saving's triggers on the child",
            locks=((copy, EXCLUSIVE),),
            statements=tuple(x for x in drop_triggers(names, child) if x.on in ("", copy)),
        ),
        Brief(
            key="drop_parent_saving",
            title="Drop parallel saving's triggers on the parent",
            locks=((names.parent, EXCLUSIVE),),
            statements=tuple(x for x in drop_triggers(names, child) if x.on == names.parent),
        ),
        drop_functions(
            *drop_own_functions(names),
            *drop_own(names, *_FUNCTIONS),
        ),
    )


def _own_values(s: Situation, child: Table) -> tuple[Action, ...]:
    """Restore what children lost, then derive their parents once each."""
    names = s.names
    plain = Run(
        key="create_capture",
        title="Create the capture's functions without exceptions",
        statements=derive_functions(names),
    )
    if not s.plan.parent_columns:
        return (plain,)
    return (
        Run(
            key="choose_values",
            title="Choose the own values that can be restored",
            statements=(choose_restored(names, child),),
        ),
        *_over_children(s, "restore_own", "restore_values", "Restore the children's own values"),
        Ranges(
            key="settle_parents",
            title="Derive the parents of those children again",
            function=names.own("settle_noted"),
            # Along the children, because the size of a batch is their number.
            table=names.child,
            along=names.link,
            key_type="pg_catalog.uuid",
        ),
        plain,
    )


def required_columns(s: Situation, child: Table) -> tuple[str, ...]:
    """The leaving columns that are NOT NULL while the children hold the truth."""
    return tuple(c for c in s.plan.leaving if child.column(c).not_null)
