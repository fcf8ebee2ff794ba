"""What `alembic check` and `revision --autogenerate` leave alone while a plan is under way.

The steps change the plan's tables, and the models follow at some other time. What autogenerate
would propose meanwhile would undo a step, or do by one statement what the steps do.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from alembic.autogenerate.api import AutogenContext
from alembic.operations import ops
from alembic.runtime.migration import MigrationContext
from alembic.util import PriorityDispatchResult
from sqlalchemy import Connection, ForeignKeyConstraint, text

from membership_refactor.environment.clear_errors import clear_errors
from membership_refactor.planning import TableSplit
from membership_refactor.project.alembic_project import USUAL_SCHEMA, AlembicProject
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import qualified

_LOG = logging.getLogger("alembic.membership_refactor")


class HowFar(Enum):
    """How far a plan is, by its ledger."""

    TO_COME = "no step has run"
    UNDER_WAY = "some steps have run"
    ENDED = "all steps have run"


@dataclass(frozen=True, slots=True)
class PlanInSchema:
    """A plan in one schema, and how far it is there."""

    plan: TableSplit
    schema: str
    how_far: HowFar

    def owns(self, schema: str, operation: ops.MigrateOperation) -> bool:
        """Whether the steps do what this operation on a table of ``schema`` would do."""
        if self.how_far is HowFar.ENDED:
            return False
        if self._refers(schema, operation):
            return True
        table = getattr(operation, "table_name", None) or getattr(operation, "source_table", None)
        if schema != self.schema or table not in self.plan.tables:
            return False
        if self.how_far is HowFar.UNDER_WAY or table != self.plan.source:
            return True
        if self.plan.parent == self.plan.source or isinstance(operation, ops.DropTableOp):
            return True
        return not columns_of(operation).isdisjoint({*self.plan.deprecated, self.plan.link})

    def _refers(self, schema: str, operation: ops.MigrateOperation) -> bool:
        """Whether it makes or drops a foreign key to a table that a step gives another name."""
        made = operation.reverse() if isinstance(operation, ops.DropConstraintOp) else operation
        if not isinstance(made, ops.CreateForeignKeyOp):
            return False
        to = made.kw.get("referent_schema") or schema
        moves = set(self.plan.tables) - {self.plan.source}
        if self.how_far is HowFar.UNDER_WAY:
            moves.add(self.plan.source)
        return to == self.schema and made.referent_table in moves


def leave_alone(context: AutogenContext, upgrade: ops.UpgradeOps) -> PriorityDispatchResult:
    """Take what belongs to the steps out of what autogenerate proposes.

    For Alembic, as a comparator that runs last.
    """
    migration = context.migration_context
    if context.connection is None or migration is None:
        return PriorityDispatchResult.CONTINUE
    usual = migration.dialect.default_schema_name or USUAL_SCHEMA
    with clear_errors():
        plans = tuple(_plans(migration, context.connection))
        ledgers = set(_ledgers(context.connection))
    kept = [k for k in (_kept(o, plans, ledgers, usual) for o in upgrade.ops) if k is not None]
    left = _count(upgrade.ops) - _count(kept)
    upgrade.ops[:] = kept
    if left:
        going = [known.plan.name for known in plans if known.how_far is not HowFar.ENDED]
        _LOG.info(
            "Left out %s differences of tables of the ledger or of a plan that has not ended: %s",
            left,
            ", ".join(going) or "none",
        )
    return PriorityDispatchResult.CONTINUE


def _kept(
    operation: ops.MigrateOperation,
    plans: Iterable[PlanInSchema],
    ledgers: Iterable[str],
    usual: str,
) -> ops.MigrateOperation | None:
    schema = getattr(operation, "schema", None) or usual
    if schema in ledgers:
        return None
    if isinstance(operation, ops.ModifyTableOps):
        kept = [o for o in operation.ops if not any(p.owns(schema, o) for p in plans)]
        if not kept:
            return None
        return ops.ModifyTableOps(operation.table_name, kept, schema=operation.schema)
    return None if any(p.owns(schema, operation) for p in plans) else operation


def _count(operations: Iterable[ops.MigrateOperation]) -> int:
    return sum(len(o.ops) if isinstance(o, ops.ModifyTableOps) else 1 for o in operations)


def columns_of(operation: ops.MigrateOperation) -> frozenset[str]:
    """The columns of its own table that an operation changes, or builds on."""
    match operation:
        case ops.AddColumnOp():
            return frozenset([operation.column.name])
        case ops.DropColumnOp() | ops.AlterColumnOp():
            return frozenset([operation.column_name])
        case ops.CreateIndexOp() | ops.DropIndexOp():
            return frozenset(column.name for column in operation.to_index().columns)
        case ops.AddConstraintOp() | ops.DropConstraintOp():
            made = operation.to_constraint()
            if isinstance(made, ForeignKeyConstraint):
                return frozenset(made.column_keys)
            return frozenset(column.name for column in getattr(made, "columns", ()))
    return frozenset()


def _plans(migration: MigrationContext, connection: Connection) -> Iterator[PlanInSchema]:
    project = AlembicProject(migration.config, migration.opts.get("script"))
    for registered in project.plans:
        for schema in project.schemas(registered.plan):
            steps = {step.name for step in project.steps(registered.plan)}
            how_far = _how_far(connection, registered.plan, schema, steps)
            yield PlanInSchema(registered.plan, schema, how_far)


def _how_far(connection: Connection, plan: TableSplit, schema: str, steps: set[str]) -> HowFar:
    ledger = ledger_schema(schema)
    if ledger not in _ledgers(connection):
        return HowFar.TO_COME
    table = qualified(ledger, "step")
    allowed = connection.execute(
        text("SELECT pg_catalog.has_schema_privilege(:schema, 'USAGE')"), {"schema": ledger}
    ).scalar()
    if not allowed or not _may_read(connection, table):
        # Unknown; to leave too much alone does no harm.
        return HowFar.UNDER_WAY
    rows = connection.execute(
        text(f"SELECT step, direction, state FROM {table} WHERE plan = :plan"), {"plan": plan.name}
    )
    found = {step: (direction, state) for step, direction, state in rows}
    if not found:
        return HowFar.TO_COME
    ended = {step for step, how in found.items() if how == ("up", "done")}
    return HowFar.ENDED if steps <= ended else HowFar.UNDER_WAY


def _may_read(connection: Connection, table: str) -> bool:
    asked = text("SELECT pg_catalog.has_table_privilege(:name, 'SELECT')")
    return bool(connection.execute(asked, {"name": table}).scalar())


def _ledgers(connection: Connection) -> list[str]:
    """The schemas that are ledgers of this tool."""
    rows = connection.execute(
        text(
            "SELECT n.nspname::text FROM pg_catalog.pg_namespace AS n "
            "WHERE n.nspname LIKE '%\\_refactor' AND 3 = ("
            "SELECT count(*) FROM pg_catalog.pg_class AS c WHERE c.relnamespace = n.oid "
            "AND c.relname IN ('form', 'step', 'own_object'))"
        )
    )
    return [row[0] for row in rows]
