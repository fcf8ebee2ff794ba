"""The catalog as values, and the comparison of two portraits."""

from membership_refactor.portrait.tables import (
    Column,
    Constraint,
    Dependent,
    Grant,
    IncomingKey,
    Index,
    Policy,
    Portrait,
    Publication,
    Rule,
    Sequence,
    Statistics,
    Table,
    Trigger,
)

__all__ = [
    "Column",
    "Constraint",
    "Dependent",
    "Grant",
    "IncomingKey",
    "Index",
    "Policy",
    "Portrait",
    "Publication",
    "Rule",
    "Sequence",
    "Statistics",
    "Table",
    "Trigger",
]
