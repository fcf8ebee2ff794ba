"""The child's foreign keys to its parent: over the link, and over kept columns and the link."""

from __future__ import annotations

from membership_refactor.portrait import Constraint, IncomingKey
from membership_refactor.sql.quoting import ident
from membership_refactor.steps.step import Situation


def link_key(s: Situation) -> Constraint:
    """The child's foreign key to its parent."""
    return _key_to_parent(s, s.names.link_key_name, ())


def kept_key(s: Situation) -> Constraint:
    """The child's foreign key to its parent over the kept columns too. A NULL in one of them would
    switch it off, and they are NOT NULL on both sides."""
    return _key_to_parent(s, s.names.kept_key_name, s.plan.keep)


def _key_to_parent(s: Situation, name: str, kept: tuple[str, ...]) -> Constraint:
    plan, names = s.plan, s.names
    rule = plan.link_on_delete.value.upper()
    own, other = (", ".join(map(ident, (*kept, c))) for c in (plan.link, plan.parent_id))
    follows = "ON UPDATE CASCADE " if kept else ""
    return Constraint(
        name=name,
        kind="f",
        definition=(
            f"FOREIGN KEY ({own}) REFERENCES {names.parent}({other}) {follows}ON DELETE {rule}"
        ),
        columns=(*kept, plan.link),
        references=(names.schema, plan.parent),
        on_delete=rule[0].lower(),
        on_update="c" if kept else "a",
    )


def key_into_parent(s: Situation, key: Constraint) -> IncomingKey:
    """That foreign key as the parent's portrait has it."""
    plan = s.plan
    return IncomingKey(
        schema=s.names.schema,
        table=plan.child,
        name=key.name,
        definition=key.definition,
        columns=key.columns,
        references=tuple(plan.parent_id if c == plan.link else c for c in key.columns),
    )
