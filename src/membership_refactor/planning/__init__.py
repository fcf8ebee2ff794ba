"""Plans: frozen descriptions of one refactoring, as plain values."""

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
    "Conflict",
    "LinkOnDelete",
    "Nulls",
    "ParentColumn",
    "Stage",
    "TableSplit",
    "stage_at",
]
