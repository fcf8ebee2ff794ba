"""The child's foreign keys that change when the deprecated columns are frozen.

Those over deprecated columns leave, and one over kept columns takes the place of the link's.
"""

from __future__ import annotations

from collections.abc import Iterator

from membership_refactor.planning import LinkOnDelete
from membership_refactor.portrait import Constraint, Table
from membership_refactor.steps.actions import Action
from membership_refactor.steps.firing_triggers import fired_by_cascade
from membership_refactor.steps.foreign_keys import add_keys, drop_keys, validate_everywhere
from membership_refactor.steps.keys_to_parent import kept_key, link_key
from membership_refactor.steps.step import Situation


def deprecated_keys(s: Situation, child: Table) -> tuple[Constraint, ...]:
    """The foreign keys that use a leaving column, or kept columns only: the parent has those."""
    gone, shared = set(s.plan.leaving), set(s.plan.deprecated)
    return tuple(k for k in child.foreign_keys if gone & set(k.columns) or shared >= set(k.columns))


def notes_of_keys(s: Situation, table: Table) -> tuple[str, ...]:
    """Foreign keys that cascade today, and what kept columns ask of applications."""
    return (*_cascades(s, table), *_of_kept_columns(s, table))


def _of_kept_columns(s: Situation, table: Table) -> Iterator[str]:
    plan = s.plan
    if not plan.keep:
        return
    named = ", ".join(f'"{name}"' for name in plan.keep)
    yield (
        f'from here on an INSERT into "{plan.child}" has to give {named} of the parent together '
        f'with "{plan.link}", and only the parent\'s value can be changed: the foreign key '
        f"{s.names.kept_key_name} carries the change to the children"
    )
    yield from fired_by_cascade(plan, table)
    for key in table.foreign_keys:
        shared = set(key.columns) & set(plan.keep)
        if shared and not set(key.columns) <= set(plan.deprecated) and key.on_update == "c":
            yield (
                f"foreign key {key.name} is ON UPDATE CASCADE and stays: a change that it carries "
                f"to {', '.join(sorted(shared))} is refused from here on, because it does not "
                f'change the parent. Change "{plan.parent}" first'
            )


def _cascades(s: Situation, table: Table) -> tuple[str, ...]:
    """Without the child's key only the parent is left to delete, and that is refused while it has
    children."""
    if s.plan.link_on_delete is not LinkOnDelete.RESTRICT:
        return ()
    return tuple(
        f'today, deleting a row of "{key.references[1]}" deletes its rows of "{table.name}" '
        f"({key.name} is ON DELETE CASCADE); from here on it is refused while children refer to "
        'the parent, unless the plan says link_on_delete="cascade"'
        for key in table.foreign_keys
        if key.on_delete == "c" and key.references and set(key.columns) <= set(s.plan.deprecated)
    )


def kept_key_alone(s: Situation, child: Table) -> tuple[Action, ...]:
    """Validate the key over the kept columns; it holds all that the key of the link held."""
    if not s.plan.keep:
        return ()
    return (
        *validate_everywhere(
            child,
            kept_key(s),
            key_of_action="validate_kept",
            title="Validate the foreign key of the kept columns and the link",
        ),
        *drop_keys(s.names.child, (link_key(s),)),
    )


def link_key_again(s: Situation, child: Table) -> tuple[Action, ...]:
    """The key of the link alone, before parallel saving needs the one over kept columns gone."""
    return add_keys(child, (link_key(s),), again=True) if s.plan.keep else ()
