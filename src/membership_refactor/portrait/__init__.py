"""Portraits: what the catalog says about tables, as values, and their comparison."""

from membership_refactor.portrait.adoption import Adoption, adoption
from membership_refactor.portrait.called_functions import Need, PathSchema, Routine
from membership_refactor.portrait.document import from_json, to_json
from membership_refactor.portrait.partitions import Member, Partitioning
from membership_refactor.portrait.portrait_differences import (
    Change,
    Difference,
    compared,
    differences,
)
from membership_refactor.portrait.server_facts import Server
from membership_refactor.portrait.table_parts import (
    Column,
    ColumnUse,
    Constraint,
    Dependent,
    Grant,
    IncomingKey,
    Index,
    Policy,
    Publication,
    Rule,
    Sequence,
    Statistics,
    Trigger,
)
from membership_refactor.portrait.tables import Portrait, Table

__all__ = [
    "Adoption",
    "Change",
    "Column",
    "ColumnUse",
    "Constraint",
    "Dependent",
    "Difference",
    "Grant",
    "IncomingKey",
    "Index",
    "Member",
    "Need",
    "Partitioning",
    "PathSchema",
    "Policy",
    "Portrait",
    "Publication",
    "Routine",
    "Rule",
    "Sequence",
    "Server",
    "Statistics",
    "Table",
    "Trigger",
    "adoption",
    "compared",
    "differences",
    "from_json",
    "to_json",
]
