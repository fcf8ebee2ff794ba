"""0008: the link is a foreign key and NOT NULL; parent and child are saved in parallel."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.deprecated_defaults import deprecated_have_no_default
from membership_refactor.checks.parents import parallel_checks, parents_have_children
from membership_refactor.portrait import Constraint, IncomingKey, Portrait, Table
from membership_refactor.sql.capture.refuse_writes import close_functions, close_triggers
from membership_refactor.sql.ddl.access import create_policies, grant_table
from membership_refactor.sql.ddl.bare import revoke_default_privileges
from membership_refactor.sql.ddl.constraints import add_constraint, validate_constraint
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.parallel import (
    batch_functions,
    drop_functions,
    drop_triggers,
    install,
    ledger_tables,
    list_losers,
    note_child_functions,
    note_child_triggers,
    remove,
)
from membership_refactor.sql.parents.grouping import (
    derive_functions,
    derive_triggers,
    let_childless_go,
    settle_function,
)
from membership_refactor.sql.parents.keep_link import keep_link_function, keep_link_triggers
from membership_refactor.sql.parents.kept_uuids import (
    fill_kept_function,
    keep_uuid_function,
    keep_uuid_triggers,
    turn_kept,
)
from membership_refactor.sql.parents.parent_uuid import link_function
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import disable_triggers, install_triggers, remove_triggers
from membership_refactor.steps.actions import Action, Brief, Ranges, Run
from membership_refactor.steps.create_parent import CLOSED, closed_message, parent
from membership_refactor.steps.not_null import set_not_null
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step

SHARE_ROW, EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE


def opened_parent(s: Situation) -> Table:
    """The parent with the source's grants and the row security that its columns can carry."""
    table, child = parent(s), s.child("0006")
    names = set(table.column_names)
    return replace(
        table,
        grants=child.grants,
        column_grants=tuple(g for g in child.column_grants if g.column in names),
        row_security=child.row_security,
        force_row_security=child.force_row_security,
        policies=tuple(
            replace(p) for p in child.policies if not p.columns or names >= set(p.columns)
        ),
    )


def link_key(s: Situation) -> Constraint:
    """The child's foreign key to its parent."""
    plan, names = s.plan, s.names
    rule = plan.link_on_delete.value.upper()
    return Constraint(
        name=names.link_key_name,
        kind="f",
        definition=(
            f"FOREIGN KEY ({ident(plan.link)}) REFERENCES {names.parent}({ident(plan.parent_id)}) "
            f"ON DELETE {rule}"
        ),
        columns=(plan.link,),
        references=(names.schema, plan.parent),
        on_delete=rule[0].lower(),
        on_update="a",
    )


def refusals(s: Situation) -> tuple[str, ...]:
    """Policies of the child that the parent cannot have would let everybody read it."""
    child, names = s.child("0008"), set(parent(s).column_names)
    return tuple(
        f'policy "{p.name}" of "{child.name}" rests on columns that the parent does not have; '
        "replace it before the parent is opened"
        for p in child.policies
        if child.row_security and p.columns and not names >= set(p.columns)
    )


def before_up(s: Situation) -> tuple[Check, ...]:
    return (deprecated_have_no_default(s.names, s.child("0008")),)


def up(s: Situation) -> tuple[Action, ...]:
    plan, names, child = s.plan, s.names, s.child("0008")
    installed = install(names, child)
    functions = tuple(x for x in installed if x.lock is Lock.NONE)
    triggers = tuple(x for x in installed if x.lock is not Lock.NONE)
    resting = (
        *derive_triggers(names),
        *keep_link_triggers(names),
        *close_triggers(names, CLOSED, names.parent),
    )
    copy, key = names.copy, link_key(s)
    return (
        Run(
            name="functions",
            statements=(
                *ledger_tables(names, child),
                *batch_functions(names, child),
                *functions,
            ),
        ),
        Brief(
            name="save in parallel",
            # The foreign key comes in here: its row triggers would run before 0007's capture,
            # which makes parents only at the end of the statement.
            locks=((copy, SHARE_ROW), (names.parent, SHARE_ROW)),
            statements=(
                raise_fence(names),
                *disable_triggers(resting),
                *triggers,
                add_constraint(child, key, not_valid=True),
            ),
        ),
        Run(
            name="validate the link",
            statements=(validate_constraint(names.schema, plan.copy, names.link_key_name),),
        ),
        *set_not_null(s, "link", (plan.link,), relaxed=_required(s, child)),
        *_losers(s, child),
        Brief(
            name="take 0007's capture off the child",
            locks=((copy, EXCLUSIVE),),
            statements=remove_triggers(tuple(t for t in resting if t.table == copy)),
        ),
        Brief(
            name="take the refusal off the parent",
            locks=((names.parent, EXCLUSIVE),),
            statements=remove_triggers(tuple(t for t in resting if t.table == names.parent)),
        ),
        Run(
            name="open the parent",
            statements=(
                EMPTY_SEARCH_PATH,
                *create_policies(opened_parent(s)),
                *grant_table(opened_parent(s)),
            ),
        ),
    )


def _losers(s: Situation, child: Table) -> tuple[Action, ...]:
    """The winning values to the children that lost; batches over those alone."""
    plan, names = s.plan, s.names
    if not plan.parent_columns:
        return ()
    return (
        Run(name="list the children that lose", statements=list_losers(names, child)),
        Ranges(
            name="carry the winning values to the children",
            function=names.own("replace_listed"),
            table=names.own("losers"),
            key="child id",
            key_type=child.column(plan.id).type,
        ),
        Run(
            name="forget the list",
            statements=(Statement(f"DELETE FROM {names.own('losers')}"),),
        ),
    )


def _over_children(s: Situation, function: str, title: str) -> tuple[Action, ...]:
    """A batch function of parallel saving, along the child's ids; only where values move."""
    if function != "fill_uuid_map" and not s.plan.parent_columns:
        return ()
    return (
        Ranges(
            name=title,
            function=s.names.own(function),
            table=s.names.copy,
            key=s.plan.id,
            key_type=s.child("0008").column(s.plan.id).type,
        ),
    )


def after_up(s: Situation) -> tuple[Check, ...]:
    return parallel_checks(s.names, s.child("0008"))


def before_down(s: Situation) -> tuple[Check, ...]:
    return (parents_have_children(s.names),)


def down(s: Situation) -> tuple[Action, ...]:
    """Back to the parent that is made of its children: link and uuid are functions of the key,
    by way of what the ledger keeps for parents whose uuid is not the computed one."""
    plan, names, child = s.plan, s.names, s.child("0008")
    keeping = (*keep_uuid_triggers(names), *note_child_triggers(names, child))
    capture = (*derive_triggers(names), *keep_link_triggers(names))
    closing = close_triggers(names, CLOSED, names.parent)
    link, copy, required = ident(plan.link), names.copy, _required(s, child)
    return (
        Run(name="close the parent", statements=(revoke_default_privileges(names.parent),)),
        Run(
            name="functions",
            statements=(
                *ledger_tables(names, child),
                *batch_functions(names, child),
                *settle_function(names, child),
                *derive_functions(names),
                *keep_link_function(names),
                *close_functions(names, CLOSED, *closed_message(s)),
                *keep_uuid_function(names),
                *fill_kept_function(names),
                *note_child_functions(names, child),
                *(Statement(f"DELETE FROM {names.own(t)}") for t in ("kept", "uuid_map")),
            ),
        ),
        Brief(
            name="note uuids as they change",
            # The fence refuses snapshots older than these triggers.
            locks=((copy, SHARE_ROW), (names.parent, SHARE_ROW)),
            statements=(raise_fence(names), *install_triggers(keeping)),
        ),
        Ranges(
            name="note the parents' uuids",
            function=names.own("fill_kept"),
            table=names.parent,
            key=plan.parent_id,
            key_type="pg_catalog.uuid",
        ),
        *_over_children(s, "fill_uuid_map", "note the children's uuids"),
        Brief(
            name="make parents of their children",
            locks=((copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
            statements=(
                raise_fence(names),
                *remove(names, child),
                Statement(
                    f"ALTER TABLE {copy} DROP CONSTRAINT IF EXISTS {ident(names.link_key_name)}"
                ),
                turn_kept(names),
                link_function(names, child),
                *remove_triggers(keeping),
                *install_triggers(capture),
                *install_triggers(closing),
                Statement(f"ALTER TABLE {copy} ALTER COLUMN {link} DROP NOT NULL"),
            ),
        ),
        *_over_children(s, "restore_own", "give the children their own values back"),
        Run(
            name="let parents go that were left meanwhile",
            statements=(let_childless_go(names),),
        ),
        *(set_not_null(s, "key", required) if required else ()),
        Brief(
            name="take parallel saving off the child",
            locks=((copy, EXCLUSIVE),),
            statements=tuple(x for x in drop_triggers(names, child) if x.on in ("", copy)),
        ),
        Brief(
            name="take parallel saving off the parent",
            locks=((names.parent, EXCLUSIVE),),
            statements=tuple(x for x in drop_triggers(names, child) if x.on == names.parent),
        ),
        Run(
            name="drop the functions",
            statements=(
                *drop_functions(names),
                *(
                    Statement(f"DROP FUNCTION IF EXISTS {names.own(f)}")
                    for f in ("keep_uuid", "fill_kept", "note_child")
                ),
            ),
        ),
    )


def _required(s: Situation, child: Table) -> tuple[str, ...]:
    """The deprecated columns that are NOT NULL where the children are believed."""
    return tuple(c for c in s.plan.deprecated if child.column(c).not_null)


def becomes(s: Situation) -> Portrait:
    child = s.child("0008")
    columns = tuple(
        replace(c, not_null=True)
        if c.name == s.plan.link
        else replace(c, not_null=False)
        if c.name in s.plan.deprecated
        else c
        for c in child.columns
    )
    key = link_key(s)
    linked = replace(child, columns=columns, constraints=(*child.constraints, key))
    incoming = IncomingKey(
        schema=child.schema,
        table=child.name,
        name=key.name,
        definition=key.definition,
        columns=key.columns,
        references=(s.plan.parent_id,),
    )
    return with_tables(s.before("0008"), linked, replace(opened_parent(s), incoming=(incoming,)))


STEP = Step(
    revision="0008",
    name="link_children",
    up=up,
    down=down,
    becomes=becomes,
    refusals=refusals,
    before_up=before_up,
    after_up=after_up,
    before_down=before_down,
)
