"""legacy_baseline: the legacy tables exist, created in an empty schema or adopted as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from membership_refactor.checks.check import Check, Reach
from membership_refactor.checks.copied_rows import sequence_is_ahead
from membership_refactor.checks.source_rows import policies_hold, unvalidated_checks_hold
from membership_refactor.planning import Stage
from membership_refactor.portrait import Portrait, Table
from membership_refactor.portrait.adoption import adoption
from membership_refactor.sql.ddl.cannot_copy import cannot_carry
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH, create_tables
from membership_refactor.sql.ddl.distributed_tables import distributed_tables
from membership_refactor.sql.ddl.plan_fits import fits
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.portraits import with_tables
from membership_refactor.steps.step import Situation, Step

NAME = "legacy_baseline"
Tables = Callable[[str], Portrait]
"""The portrait of tables in the schema of that name."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Groups of tables; each group is created whole where none of it exists, else adopted."""

    groups: tuple[Tables, ...]

    def created(self, s: Situation) -> tuple[Portrait, ...]:
        """The groups that are not there yet."""
        found = s.before("legacy_baseline")
        made = (group(s.names.schema) for group in self.groups)
        return tuple(g for g in made if not any(found.find(t.name) for t in g.tables))

    def adopted(self, s: Situation) -> tuple[Portrait, ...]:
        """The groups of which at least one table is there."""
        created = {t.name for g in self.created(s) for t in g.tables}
        made = (group(s.names.schema) for group in self.groups)
        return tuple(g for g in made if g.tables[0].name not in created)


def step(*groups: Tables) -> Step:
    """The step for a baseline of ``groups``."""
    baseline = Baseline(groups)

    def refusals(s: Situation) -> tuple[str, ...]:
        if distributed := distributed_tables(s.plan, s.names.schema, s.server):
            return distributed
        found = s.before("legacy_baseline")
        stopping = [
            line for group in baseline.adopted(s) for line in adoption(group, found).stopping
        ]
        source = found.find(s.plan.source)
        if not stopping and source is not None:
            stopping += fits(s.plan, source) or cannot_carry(s.plan, source, server=s.server)
        return tuple(stopping)

    def up(s: Situation) -> tuple[Action, ...]:
        statements: list[Statement] = []
        for group in baseline.created(s):
            statements += create_tables(group)
            for table in group.tables:
                statements.append(_event(s, "created", {"table": table.name}))
        found = s.before("legacy_baseline")
        for group in baseline.adopted(s):
            recorded = adoption(group, found).recorded
            names = [t.name for t in group.tables]
            detail = {"tables": names, "differences": list(recorded)}
            statements.append(_event(s, "adopted", detail))
        return (
            Run(
                key="create_tables",
                title="Create missing tables",
                statements=(EMPTY_SEARCH_PATH, *statements),
            ),
        )

    def down(s: Situation) -> tuple[Action, ...]:
        drops = [
            qualified(s.names.schema, table.name)
            for group in baseline.created(s)
            for table in reversed(group.tables)
        ]
        return tuple(
            Brief(
                key=f"drop_table:{table}",
                title=f"Drop table {table}",
                locks=(),
                statements=(
                    Statement(f"DROP TABLE IF EXISTS {table}", Lock.ACCESS_EXCLUSIVE, table),
                ),
            )
            for table in drops
        )

    def before_down(s: Situation) -> tuple[Check, ...]:
        own = [table.name for group in baseline.created(s) for table in group.tables]
        checks = [ledger_is_spent(s)]
        if own:
            plan = s.plan
            if plan.source in own:
                # Asked from further up as well, where its rows are in the tables of the split.
                own = list(dict.fromkeys([*own, *plan.tables]))
            checks.insert(0, tables_are_empty(s, own))
        return tuple(checks)

    def becomes(s: Situation) -> Portrait:
        made = [t for group in baseline.created(s) for t in group.tables]
        return with_tables(s.before("legacy_baseline"), *made)

    return Step(
        name=NAME,
        stage=Stage.LEGACY,
        up=up,
        down=down,
        becomes=becomes,
        refusals=refusals,
        before_down=before_down,
        holds=wide_table_holds,
        ends_ledger=True,
    )


def _event(s: Situation, event: str, detail: Mapping[str, object]) -> Statement:
    values = ", ".join(literal(v) for v in (s.plan.name, NAME, "up", event, json.dumps(detail)))
    return Statement(
        f"INSERT INTO {qualified(s.names.ledger, 'event')} "
        f"(plan, step, direction, event, detail) VALUES ({values})"
    )


def wide_table_holds(s: Situation) -> tuple[Check, ...]:
    """What has to hold while there is only the wide table."""
    table = s.now.find(s.plan.source) if s.now is not None else None
    if table is None:
        return ()
    return (
        *policies_hold(s.plan, s.names.source),
        *unvalidated_checks_hold(s.plan, table),
        *sequence_holds(s, table, s.names.source),
    )


def sequence_holds(s: Situation, table: Table, where: str) -> tuple[Check, ...]:
    """The sequence that gives ``table`` its ids is ahead of the ids in ``where`` (quoted)."""
    return tuple(
        sequence_is_ahead(column.name, where, qualified(sequence.schema, sequence.name))
        for column in s.names.id.among_columns(table.columns)
        if (sequence := column.sequence) is not None
    )


def tables_are_empty(s: Situation, tables: Sequence[str]) -> Check:
    """Those of the tables that exist have no rows."""
    revision = s.revisions.of(NAME)
    listed = ", ".join(literal(name) for name in tables)
    return Check(
        name="own tables are empty",
        sentence=f"the tables that {revision} created here hold no rows",
        query=_holding(s.names.schema, f"c.relname IN ({listed})"),
        hint=f"The downgrade of {revision} drops no data: stop at {revision}, or empty the tables "
        "yourself.",
    )


def ledger_is_spent(s: Situation) -> Check:
    """No value is stored in the ledger alone, because the downgrade drops the ledger."""
    ledger = s.names.ledger
    return Check(
        name="ledger is spent",
        sentence="the ledger holds no values that stand nowhere else",
        query=_holding(ledger, "c.relname ~ '_(uuid_map|replaced|merge_move)$'"),
        reach=Reach.CATALOG,
        hint=f"Stop at {s.revisions.of(NAME)}, or copy those tables of schema {ledger} away and "
        "empty them.",
    )


def _holding(schema: str, condition: str) -> str:
    """The tables of a schema that meet ``condition`` (on pg_class ``c``) and hold a row.

    Which of them exist is not known when the statement is parsed, so the look-up goes by a computed
    name. Of the functions that run a text, ts_stat is the one that needs no XML support.
    """
    return (
        "SELECT c.relname::text FROM pg_catalog.pg_class AS c\n"
        f"WHERE c.relnamespace = pg_catalog.to_regnamespace({literal(ident(schema))})\n"
        f"  AND c.relkind = 'r' AND {condition}\n"
        "  AND EXISTS (SELECT FROM pg_catalog.ts_stat(pg_catalog.format(\n"
        "    'SELECT ''row''::pg_catalog.tsvector FROM %s LIMIT 1', "
        "c.oid::pg_catalog.regclass)))"
    )
