"""Plans: frozen descriptions of a refactoring, as plain values."""

from membership_refactor.planning.identity import (
    Alternative,
    Dependent,
    Keep,
    Ranking,
    SurvivorRule,
    UniqueIdentity,
)
from membership_refactor.planning.policies import Conflict
from membership_refactor.planning.revisions import Revisions
from membership_refactor.planning.shapes import Shape
from membership_refactor.planning.split import (
    LinkOnDelete,
    Nulls,
    ParentColumn,
    TableSplit,
)
from membership_refactor.planning.stages import Stage

__all__ = [
    "Alternative",
    "Conflict",
    "Dependent",
    "Keep",
    "LinkOnDelete",
    "Nulls",
    "ParentColumn",
    "Ranking",
    "Revisions",
    "Shape",
    "Stage",
    "SurvivorRule",
    "TableSplit",
    "UniqueIdentity",
]
