"""Which column of which table stays, goes or is gone at a stage of the split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from membership_refactor.planning import Stage, TableSplit
from membership_refactor.portrait import Portrait


class Standing(StrEnum):
    """What a reference to a column means at a stage."""

    LIVE = "live"
    """It stays where it is."""
    MOVED = "moved"
    """It stays with the child, and its table takes another name."""
    DEPRECATED = "deprecated"
    """It works at this stage. The chain takes it away later."""
    GONE = "gone"
    """The table had it before. At this stage the statement fails."""


GOING = (Standing.DEPRECATED, Standing.GONE)


class Role(StrEnum):
    """What a table is to the plan at a stage."""

    SOURCE = "source"
    COPY = "copy"
    PARENT = "parent"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class TableAtStage:
    """One table of the plan. Columns carry the plan's names, in the table's order."""

    name: str
    role: Role
    columns: tuple[tuple[str, Standing], ...]
    leaves: bool = False
    """Whether the table itself goes, or its name gets another meaning."""

    def standing(self, column: str) -> Standing | None:
        return next((standing for name, standing in self.columns if name == column), None)

    @property
    def going(self) -> tuple[str, ...]:
        return tuple(name for name, standing in self.columns if standing in GOING)

    @property
    def present(self) -> tuple[str, ...]:
        """The columns that exist at the stage, in order."""
        return tuple(name for name, standing in self.columns if standing is not Standing.GONE)


@dataclass(frozen=True, slots=True)
class Structure:
    """Every table of the plan at one stage."""

    plan: TableSplit
    stage: Stage
    tables: tuple[TableAtStage, ...]

    def assigned(self, column: str | None, standing: Standing | None) -> Standing | None:
        """What SET means for a column of the wide table. The child keeps some columns of the
        parent, and only the parent's can be changed once parallel saving has stopped."""
        if column not in self.plan.keep or standing in GOING:
            return standing
        return Standing.GONE if self.stage is Stage.CURRENT else Standing.DEPRECATED


def structure_at(plan: TableSplit, stage: Stage, *, portrait: Portrait | None = None) -> Structure:
    """The plan's tables at ``stage``. A portrait gives the order of columns and extra ones."""
    wide = wide_columns(plan, portrait=portrait)
    leaving = set(plan.leaving)

    def columns(going: Standing, rest: Standing) -> tuple[tuple[str, Standing], ...]:
        return tuple((name, going if name in leaving else rest) for name in wide)

    early, in_place = stage in (Stage.LEGACY, Stage.COPY), plan.copy is None
    here = Standing.GONE if stage is Stage.CURRENT else Standing.DEPRECATED
    link = ((plan.link, Standing.LIVE),) if plan.link and stage is not Stage.LEGACY else ()
    child = TableAtStage(plan.child, Role.COPY, (*columns(here, Standing.LIVE), *link))
    moving = columns(Standing.DEPRECATED, Standing.MOVED)
    source = TableAtStage(plan.source, Role.SOURCE, moving, leaves=True)
    if early and not in_place:
        return Structure(plan, stage, (source,) if stage is Stage.LEGACY else (source, child))
    tables = [child, *([_parent(plan, wide)] if plan.parent and not early else [])]
    if not in_place:
        retired = tuple((name, Standing.DEPRECATED) for name in wide)
        tables.append(TableAtStage(plan.retired, Role.RETIRED, retired, leaves=True))
    if not in_place and not plan.parent:
        tables.append(source)  # gone by its name only
    elif not in_place and plan.source != plan.parent:
        gone = tuple((name, Standing.GONE) for name in wide)
        tables.append(TableAtStage(plan.source, Role.SOURCE, gone, leaves=True))
    return Structure(plan, stage, tuple(tables))


def wide_columns(plan: TableSplit, *, portrait: Portrait | None = None) -> tuple[str, ...]:
    """The wide table's columns in order. Extra columns of the portrait stay with the child."""
    if portrait is None:
        return plan.source_columns
    for name in (plan.source, plan.child, plan.retired):
        table = portrait.find(name)
        # At interim the source's name is the parent's, which has the deprecated columns too.
        if table is not None and {*plan.ids, *plan.deprecated} <= set(table.column_names):
            return tuple(name for name in table.column_names if name != plan.link)
    return plan.source_columns


def parent_columns(plan: TableSplit) -> tuple[str, ...]:
    """The parent's columns, the uuid first."""
    changed = (plan.changed,) if plan.changed else ()
    return (plan.parent_id, *plan.deprecated, *changed)


def _parent(plan: TableSplit, wide: Sequence[str]) -> TableAtStage:
    own = parent_columns(plan)
    columns = [(name, Standing.LIVE) for name in own]
    if plan.parent == plan.source:
        # The name is the wide table's: what was read under it and is not here any more fails.
        columns += [(name, Standing.GONE) for name in wide if name not in own]
    return TableAtStage(plan.parent, Role.PARENT, tuple(columns))
