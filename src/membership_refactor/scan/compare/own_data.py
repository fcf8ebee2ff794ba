"""Run the old and the new form on the user's own interim tables, read-only, in one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlglot import exp

from membership_refactor.planning import Stage
from membership_refactor.scan.compare.comparer import Comparer
from membership_refactor.scan.compare.results import Compared, Outcome, Result, Verdict, differs
from membership_refactor.scan.compare.scratch_schemas import PLANS, prefer
from membership_refactor.scan.compare.to_postgres import (
    NotComparable,
    placeholders,
    text_of,
    tree_of,
)
from membership_refactor.scan.findings.values import Rewritten
from membership_refactor.sql.own_statements import MARK
from membership_refactor.sql.quoting import ident

_ROWS = 200_000


def compare_on_own_data(
    engine: Engine, schema: str, comparer: Comparer, rewritten: Rewritten, compared: Compared
) -> Compared:
    """Add to the compared what the user's rows show: a difference, or a remark."""
    if compared.verdict is not Verdict.EQUAL:
        return compared
    if not rewritten.query:
        return _remark(compared, "own data: a statement that writes is not run on it")
    if comparer.stage is not Stage.INTERIM:
        return _remark(compared, "own data: both forms can be run at interim only")
    try:
        old = tree_of(rewritten.old, rewritten.dialect)
        new = tree_of(rewritten.new or "", rewritten.dialect, rewritten=True)
        if placeholders(old, new):
            return _remark(compared, "own data: not run, the statement has parameters")
        for tree in (old, new):
            _in_database_names(tree, comparer)
        texts = [text_of(old, {}), text_of(old, {}), text_of(new, {})]
        before, again, after = _results(engine, schema, texts, comparer.seconds)
    except NotComparable as error:
        return _remark(compared, f"own data: {error}")
    except DBAPIError as error:
        return _remark(compared, f"own data: {str(error.orig).strip().splitlines()[0]}")
    if not Outcome(before).same_rows(Outcome(again)):
        return _remark(compared, "own data: not compared, the old form itself has ties")
    reason = differs(Outcome(before), Outcome(after))
    if reason:
        example = f"on your own data: {reason}"
        return replace(compared, verdict=Verdict.DIFFERENT, example=example)
    return _remark(compared, f"own data: equal, {len(before.rows)} rows")


def _remark(compared: Compared, text: str) -> Compared:
    return replace(compared, remarks=(*compared.remarks, text))


def _in_database_names(tree: Any, comparer: Comparer) -> None:
    """Turn the consumer's spelling of the plan's names into the database's."""
    plan, names = comparer.plan, comparer.consumer.names
    tables = {names.table(t).lower(): t for t in (plan.source, plan.child, plan.parent)}
    own = (*comparer.columns, plan.link, plan.parent_id)
    columns = {names.column(c).lower(): c for c in own}
    for node in tree.find_all(exp.Identifier):
        known = tables if isinstance(node.parent, exp.Table) else columns
        node.set("this", known.get(node.name, node.name))


def _results(
    engine: Engine, schema: str, texts: Sequence[str], seconds: float
) -> tuple[Result, ...]:
    """The results of all texts in one snapshot, each with another plan than the one before."""
    results: list[Result] = []
    with engine.connect() as connection, connection.begin() as transaction:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
        connection.exec_driver_sql("SET LOCAL jit = off")
        path = f"SET LOCAL search_path = {ident(schema)}"
        connection.exec_driver_sql(path, execution_options={"no_parameters": True})
        for text, plan in zip(texts, PLANS, strict=False):
            connection.exec_driver_sql(prefer(plan))
            marked = f"{text}\n{MARK}"
            cursor = connection.exec_driver_sql(marked, execution_options={"no_parameters": True})
            results.append(Result.fetched(cursor, limit=_ROWS + 1))
            if len(results[-1].rows) > _ROWS:
                raise NotComparable(f"it returns more than {_ROWS:,} rows, which are not compared")
        transaction.rollback()
    return tuple(results)
