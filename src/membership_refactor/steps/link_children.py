"""link_children: the link is a foreign key and NOT NULL; both tables are saved in parallel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.constraints_fit import values_of_parents_fit
from membership_refactor.checks.deprecated_defaults import deprecated_have_no_default, gives_value
from membership_refactor.checks.parents import parallel_checks, parents_have_children
from membership_refactor.checks.rejoin import rejoined_equals_archive
from membership_refactor.planning import Stage
from membership_refactor.portrait import Policy, Portrait, Table
from membership_refactor.sql.comparisons.childless_parents import saved_childless_parents
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.comparisons.saved_parents import children_of_parents
from membership_refactor.sql.ddl.cannot_copy import ambiguous_policies
from membership_refactor.sql.ddl.copy_portrait import policy_under_name
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.grants_and_policies import grant_table
from membership_refactor.sql.ddl.renaming import reads_whole_row
from membership_refactor.sql.parallel.install import install, two_way_triggers
from membership_refactor.sql.parallel.ledger_tables import CHILD_ID, ledger_tables
from membership_refactor.sql.parallel.lost_values import list_losers
from membership_refactor.sql.parallel.restored_values import (
    batch_functions,
)
from membership_refactor.sql.parents.grouping import (
    derive_triggers,
)
from membership_refactor.sql.parents.keep_link import keep_link_triggers
from membership_refactor.sql.refuse_writes import close_triggers
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Lock, Statement, apart
from membership_refactor.sql.trigger_statements import bodies, disable_triggers, remove_triggers
from membership_refactor.steps.actions import Action, Brief, Ranges, Run, create_functions
from membership_refactor.steps.create_parent import CLOSED, parent
from membership_refactor.steps.firing_triggers import fired_by_carrying
from membership_refactor.steps.foreign_keys import add_everywhere, add_keys, validate_everywhere
from membership_refactor.steps.keys_to_parent import key_into_parent, link_key
from membership_refactor.steps.not_null import set_not_null
from membership_refactor.steps.parent_policies import create_parent_policies
from membership_refactor.steps.partition_triggers import hang, take_down
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.revision_text import OWN_TRIGGERS, SHORT, RevisionText
from membership_refactor.steps.step import Situation, Step
from membership_refactor.steps.unlink_children import down, required_columns
from membership_refactor.steps.version_column import unnamed_versions

SHARE_ROW, EXCLUSIVE = Lock.SHARE_ROW_EXCLUSIVE, Lock.ACCESS_EXCLUSIVE


def opened_parent(s: Situation, child: Table) -> Table:
    """The parent with the child's grants, and its row security as far as the columns carry it.

    What was granted or revoked since the parent was made is in the ``child`` of this moment.
    """
    table = parent(s)
    names = set(table.column_names)
    return replace(
        table,
        grants=child.grants,
        column_grants=tuple(g for g in child.column_grants if g.column in names),
        row_security=child.row_security,
        force_row_security=child.force_row_security,
        policies=tuple(
            policy_under_name(p, child, table.name)
            for p in child.policies
            if not p.columns or names >= set(p.columns)
        ),
    )


def refusals(s: Situation) -> tuple[str, ...]:
    """Policies of the child that the parent cannot have. Without them everybody could read the
    parent."""
    child, names = s.child("link_children"), set(parent(s).column_names)
    if not child.row_security:
        return ()
    return (
        *(
            f'policy "{p.name}" of "{child.name}" uses {what}; '
            "replace it before the parent is opened"
            for p in child.policies
            for what in _not_in_parent(p, child, names)
        ),
        *(f'table "{child.name}" {text}' for text in ambiguous_policies(child, s.plan.parent)),
    )


def _not_in_parent(policy: Policy, child: Table, names: set[str]) -> Iterator[str]:
    if policy.columns and not names >= set(policy.columns):
        yield "columns that the parent does not have"
    elif any(reads_whole_row(sql, child.name) for sql in (policy.using, policy.check) if sql):
        yield "the whole row, and the parent's row has other columns"


def notes(s: Situation) -> tuple[str, ...]:
    """Defaults that this step refuses; they are known long before. What applications notice."""
    child = s.child("link_children")
    given = [n for n in s.plan.deprecated if n in child.column_names]
    listed = ", ".join(n for n in given if gives_value(child.column(n)))
    defaults = f"to be dropped before this step: the defaults of {listed}"
    return (
        *([defaults] if listed else []),
        *_of_moving_rows(s, child),
        *unnamed_versions(s.plan, child),
        *fired_by_carrying(s.plan, child),
    )


def _of_moving_rows(s: Situation, child: Table) -> tuple[str, ...]:
    if child.partitioning is None:
        return ()
    moving = ", ".join(child.partitioning.key_columns)
    later = s.revisions.mention("drop_deprecated_columns")
    return (
        f"from here on an UPDATE of {moving}, by which a row moves to another partition, is "
        f'refused (55000) if it also changes a column of "{s.plan.parent}": use two statements. '
        f"From step stop_parallel_save until {later} every UPDATE that moves a row is refused "
        "(55000)",
    )


def before_up(s: Situation) -> tuple[Check, ...]:
    child = s.child("link_children")
    return (
        deprecated_have_no_default(s.names, child),
        *values_of_parents_fit(s.names, child),
    )


def up(s: Situation) -> tuple[Action, ...]:
    plan, names, child = s.plan, s.names, s.child("link_children")
    functions, triggers = apart(install(names, child))
    saving = two_way_triggers(names, child)
    replaced = (
        *derive_triggers(names),
        *keep_link_triggers(names),
        *close_triggers(names, CLOSED, names.parent),
    )
    copy, key = names.child, link_key(s)
    opened = opened_parent(s, s.current(plan.child))
    return (
        create_functions(
            *ledger_tables(names, child),
            *batch_functions(names, child),
            *functions,
        ),
        *hang("parallel", child, saving),
        Brief(
            key="save_in_parallel",
            title="Start parallel saving",
            # The foreign key is added here: its row triggers would run before the earlier capture,
            # which makes parents only at the end of the statement. To partitions it is added
            # afterwards, one after the other.
            locks=((copy, SHARE_ROW), (names.parent, SHARE_ROW)),
            statements=(
                raise_fence(names),
                *disable_triggers(replaced),
                *bodies(saving, functions),
                *triggers,
                *(() if names.partitioned else add_everywhere(child, key)),
            ),
        ),
        *(
            add_keys(child, (key,))
            if names.partitioned
            else validate_everywhere(
                child,
                key,
                key_of_action="validate_link",
                title="Validate the foreign key of the link",
            )
        ),
        *set_not_null(s, "link", (plan.link,), relaxed=required_columns(s, child)),
        *_losers(s, child),
        *take_down("capture", child, [t for t in replaced if t.table == copy]),
        Brief(
            key="drop_child_capture",
            title="Drop the earlier capture's triggers on the child",
            locks=((copy, EXCLUSIVE),),
            statements=remove_triggers(tuple(t for t in replaced if t.table == copy)),
        ),
        Brief(
            key="drop_parent_refusal",
            title="Drop the triggers that refuse writes to the parent",
            locks=((names.parent, EXCLUSIVE),),
            statements=remove_triggers(tuple(t for t in replaced if t.table == names.parent)),
        ),
        # One that is taken back and taken again finds the policies of the first time.
        *create_parent_policies(s, opened),
        Run(
            key="open_parent",
            title="Open the parent: grants",
            statements=(EMPTY_SEARCH_PATH, *grant_table(opened)),
        ),
    )


def _losers(s: Situation, child: Table) -> tuple[Action, ...]:
    """Write the winning values to the children that lost, in batches of those children only."""
    plan, names = s.plan, s.names
    if not plan.parent_columns:
        return ()
    return (
        Run(
            key="list_losers",
            title="List the children whose values are replaced",
            statements=list_losers(names, child),
        ),
        Ranges(
            key="carry_values",
            title="Write the winning values to those children",
            function=names.own("replace_listed"),
            table=names.own("losers"),
            along=CHILD_ID,
            key_type=names.id.type_in(child.columns),
        ),
        Run(
            key="drop_list",
            title="Delete the list of those children",
            statements=(Statement(f"DELETE FROM {names.own('losers')}"),),
        ),
    )


def after_up(s: Situation) -> tuple[Check, ...]:
    return parallel_checks(s.names, s.child("link_children"))


def holds(s: Situation) -> tuple[Check, ...]:
    return (*after_up(s), *rejoin_holds(s))


def rejoin_holds(s: Situation) -> tuple[Check, ...]:
    """The joined tables equal the archive. It is asked while there is an archive."""
    if s.plan.copy is None or s.plan.changed is None:
        return ()
    return (rejoined_equals_archive(s.names, s.source()),)


def compares(s: Situation) -> tuple[Comparison, ...]:
    child = s.child("link_children")
    return (children_of_parents(s.names, child), saved_childless_parents(s.names))


def before_down(s: Situation) -> tuple[Check, ...]:
    return (parents_have_children(s.names),)


def becomes(s: Situation) -> Portrait:
    child = s.child("link_children")
    columns = tuple(
        replace(c, not_null=True)
        if c.name == s.plan.link
        else replace(c, not_null=False)
        if c.name in s.plan.leaving
        else c
        for c in child.columns
    )
    key = link_key(s)
    linked = replace(child, columns=columns, constraints=(*child.constraints, key))
    return with_tables(
        s.before("link_children"),
        linked,
        replace(opened_parent(s, child), incoming=(key_into_parent(s, key),)),
    )


STEP = Step(
    name="link_children",
    stage=Stage.INTERIM,
    up=up,
    down=down,
    becomes=becomes,
    refusals=refusals,
    notes=notes,
    before_up=before_up,
    after_up=after_up,
    before_down=before_down,
    holds=holds,
    compares=compares,
    text=RevisionText(
        title="Link each {child} to its {parent}, and keep both equal",
        deploy="Before the code that writes {parent} and the link.",
        locks=f"Both tables SHARE ROW EXCLUSIVE, then ACCESS EXCLUSIVE four times: {SHORT}. "
        f"Batches lock the rows of groups that disagree. {OWN_TRIGGERS}",
        undo="Restores the values that were replaced, and keeps the uuids in the ledger. Is "
        "refused, with a list, while a {parent} has no {child}.",
    ),
)
