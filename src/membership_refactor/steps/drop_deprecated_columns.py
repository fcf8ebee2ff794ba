"""drop_deprecated_columns: the deprecated columns are gone; this is the current structure."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.checks.gate import gate
from membership_refactor.planning import LinkOnDelete, Stage
from membership_refactor.portrait import Portrait, Table
from membership_refactor.sql.ddl.bare_table import column_clause
from membership_refactor.sql.ddl.comments_and_statistics import comment, create_statistics
from membership_refactor.sql.ddl.constraints import add_constraint, validate_constraint
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH
from membership_refactor.sql.ddl.grants_and_policies import grant_table
from membership_refactor.sql.ddl.indexes import create_index
from membership_refactor.sql.parallel import freeze, freeze_triggers
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.triggers import remove_triggers
from membership_refactor.steps.actions import Action, Alone, Brief, Run
from membership_refactor.steps.link_children import rejoin_holds
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step
from membership_refactor.steps.stop_parallel_save import compares, parents_hold

EXCLUSIVE = Lock.ACCESS_EXCLUSIVE


def _child(s: Situation) -> Table:
    return s.child("drop_deprecated_columns")


def _going(s: Situation) -> Table:
    """The part of the child's portrait that is dropped with the deprecated columns."""
    child, gone = _child(s), set(s.plan.deprecated)
    return replace(
        child,
        columns=tuple(c for c in child.columns if c.name in gone),
        constraints=tuple(c for c in child.constraints if c.kind != "p" and gone & set(c.columns)),
        indexes=tuple(i for i in child.indexes if i.valid and gone & set(i.columns)),
        statistics=tuple(x for x in child.statistics if gone & set(x.columns)),
        grants=None,
        column_grants=tuple(g for g in child.column_grants if g.column in gone),
        comment=None,
    )


def refusals(s: Situation) -> tuple[str, ...]:
    """What uses the columns and would be dropped with them, or would stop the ALTER."""
    child, gone = _child(s), set(s.plan.deprecated)
    return (
        *(
            f"{d.kind} {d.name} uses {', '.join(sorted(gone & set(d.columns)))}; "
            "change it first (membership-refactor scan --rewrite writes the new form)"
            for d in child.dependents
            if not d.by_text and gone & set(d.columns)
        ),
        *(
            f'policy "{p.name}" uses {", ".join(sorted(gone & set(p.columns)))}; replace it first'
            for p in child.policies
            if gone & set(p.columns)
        ),
        *(
            f'trigger "{t.name}" uses {", ".join(sorted(gone & set(t.columns)))}; replace it first'
            for t in child.triggers
            if gone & set(t.columns)
        ),
    )


def evidence(s: Situation) -> Check:
    return gate(
        s.names,
        s.revisions,
        step="drop_deprecated_columns",
        target=f'deprecated columns of "{s.plan.copy}"',
        empty=s.names.copy,
    )


def notes(s: Situation) -> tuple[str, ...]:
    """Foreign keys that cascade today: such a delete is refused from here on."""
    if s.plan.link_on_delete is not LinkOnDelete.RESTRICT or "copy_table" not in s.portraits:
        return ()
    return tuple(
        f'today, deleting a row of "{key.references[1]}" deletes its rows of "{s.plan.source}" '
        f"({key.name} is ON DELETE CASCADE); from here on it is refused while children refer to "
        'the parent, unless the plan says link_on_delete="cascade"'
        for key in s.source().foreign_keys
        if key.on_delete == "c" and key.references and set(key.columns) <= set(s.plan.deprecated)
    )


def holds(s: Situation) -> tuple[Check, ...]:
    return (*parents_hold(s), *rejoin_holds(s))


def up(s: Situation) -> tuple[Action, ...]:
    plan, names = s.plan, s.names
    drops = ", ".join(f"DROP COLUMN IF EXISTS {ident(c)}" for c in plan.deprecated)
    # One by one and beforehand: otherwise the files of all indexes would be unlinked, and their
    # buffers searched, under the one lock.
    unindexed = tuple(
        Brief(
            key=f"drop_index:{index.name}",
            title=f"Drop index {index.name}",
            locks=((names.copy, EXCLUSIVE),),
            statements=(
                Statement(
                    f"DROP INDEX IF EXISTS {qualified(names.schema, index.name)}",
                    EXCLUSIVE,
                    names.copy,
                ),
            ),
        )
        for index in _going(s).indexes
        if index.constraint is None
    )
    return (
        *unindexed,
        Brief(
            key="drop_columns",
            title="Drop the deprecated columns",
            # One ALTER: the columns are only marked as gone, no row is rewritten.
            locks=((names.copy, EXCLUSIVE),),
            statements=(
                *remove_triggers(freeze_triggers(names, _child(s))),
                Statement(f"ALTER TABLE {names.copy} {drops}", EXCLUSIVE, names.copy),
            ),
        ),
    )


def down(s: Situation) -> tuple[Action, ...]:
    """The columns come back, empty and frozen; the next step down fills them."""
    plan, names, going = s.plan, s.names, _going(s)
    adds = ", ".join(f"ADD COLUMN IF NOT EXISTS {column_clause(c)}" for c in going.columns)
    frozen = freeze(names, s.child("link_children"))
    indexes = tuple(
        Alone(
            key=f"create_index:{index.name}",
            title=f"Create index {index.name}",
            statement=create_index(going, index, concurrently=True),
            index=qualified(going.schema, index.name),
        )
        for index in going.indexes
        if index.constraint is None
    )
    checks: list[Action] = []
    for constraint in going.constraints:
        if constraint.kind != "c":
            continue
        made = add_constraint(going, constraint, not_valid=True)
        checks.append(
            Brief(
                key=f"add_check:{constraint.name}",
                title=f"Add check {constraint.name} (NOT VALID)",
                locks=((names.copy, EXCLUSIVE),),
                statements=(EMPTY_SEARCH_PATH, made),
            )
        )
        if constraint.validated:
            valid = validate_constraint(going.schema, plan.copy, constraint.name)
            checks.append(
                Run(
                    key=f"validate_check:{constraint.name}",
                    title=f"Validate check {constraint.name}",
                    statements=(valid,),
                )
            )
    return (
        Run(
            key="create_functions",
            title="Create functions",
            statements=tuple(x for x in frozen if x.lock is Lock.NONE),
        ),
        Brief(
            key="add_columns",
            title="Add the deprecated columns, empty",
            locks=((names.copy, EXCLUSIVE),),
            statements=(
                EMPTY_SEARCH_PATH,
                Statement(f"ALTER TABLE {names.copy} {adds}", EXCLUSIVE, names.copy),
                *(x for x in frozen if x.lock is not Lock.NONE),
            ),
        ),
        *indexes,
        *checks,
        Run(
            key="describe",
            title="Restore statistics, comments and grants",
            statements=(
                EMPTY_SEARCH_PATH,
                *create_statistics(going),
                *comment(going),
                *grant_table(going),
            ),
        ),
    )


def becomes(s: Situation) -> Portrait:
    child, gone, going = _child(s), set(s.plan.deprecated), _going(s)
    lost = {c.name for c in going.constraints} | {i.name for i in going.indexes}
    lost |= {x.name for x in going.statistics}
    return with_tables(
        s.before("drop_deprecated_columns"),
        replace(
            child,
            columns=tuple(c for c in child.columns if c.name not in gone),
            constraints=tuple(c for c in child.constraints if c.name not in lost),
            indexes=tuple(i for i in child.indexes if i.name not in lost),
            statistics=tuple(x for x in child.statistics if x.name not in lost),
            column_grants=tuple(g for g in child.column_grants if g.column not in gone),
        ),
    )


STEP = Step(
    name="drop_deprecated_columns",
    stage=Stage.CURRENT,
    up=up,
    down=down,
    becomes=becomes,
    refusals=refusals,
    before_up=parents_hold,
    holds=holds,
    compares=compares,
    notes=notes,
    gate=evidence,
)
