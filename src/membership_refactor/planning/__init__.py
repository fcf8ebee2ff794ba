"""Plans: frozen descriptions of one refactoring, as plain values."""

from membership_refactor.planning.identity import (
    Alternative,
    Dependent,
    Keep,
    Ranking,
    SurvivorRule,
    UniqueIdentity,
)
from membership_refactor.planning.split import (
    Conflict,
    LinkOnDelete,
    Nulls,
    ParentColumn,
    TableSplit,
)
from membership_refactor.planning.stages import CHAIN, Stage, stage_at

__all__ = [
    "CHAIN",
    "Alternative",
    "Conflict",
    "Dependent",
    "Keep",
    "LinkOnDelete",
    "Nulls",
    "ParentColumn",
    "Ranking",
    "Stage",
    "SurvivorRule",
    "TableSplit",
    "UniqueIdentity",
    "stage_at",
]
