"""Compare the old and the new form of a statement on made-up rows, and on the user's own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlglot import exp
from sqlglot.errors import SqlglotError

from membership_refactor.planning import Stage, TableSplit
from membership_refactor.scan.compare.needs import Types
from membership_refactor.scan.compare.one_statement import StatementComparison
from membership_refactor.scan.compare.results import (
    NOWHERE,
    Compared,
    Outcome,
    Result,
    Verdict,
    differs,
)
from membership_refactor.scan.compare.scratch_schemas import (
    CURRENT,
    INTERIM,
    PLANS,
    StatementFailed,
    prefer,
)
from membership_refactor.scan.compare.to_postgres import (
    NotComparable,
    Refused,
    placeholders,
    text_of,
    tree_of,
)
from membership_refactor.scan.consumers import DEFAULT, Consumer
from membership_refactor.scan.findings.values import Place, Rewritten
from membership_refactor.scan.read.catalog import columns_portrait
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import structure_at, wide_columns
from membership_refactor.sql.own_statements import MARK
from membership_refactor.sql.quoting import ident


@dataclass
class Comparer:
    """Compares the forms of statements of one consumer, each in a transaction that is undone."""

    connection: Connection
    plan: TableSplit
    stage: Stage = Stage.INTERIM
    consumer: Consumer = DEFAULT
    random_sets: int = 20
    seconds: float = 5.0
    schema: str = "public"
    """Where the user's own tables and functions are."""

    def __post_init__(self) -> None:
        portrait = columns_portrait(self.connection, self.schema)
        self.connection.rollback()
        self.types = Types.from_portrait(portrait)
        self.columns = wide_columns(self.plan, portrait=portrait)
        self.old_stage = Stage.INTERIM if self.stage is Stage.CURRENT else self.stage
        self.view = View(structure_at(self.plan, self.old_stage), self.consumer, "postgres")

    def compare(
        self, old: str, new: str, dialect: str = "postgres", *, place: Place = NOWHERE,
        seed: int = 1, forms: Sequence[str] = (INTERIM, CURRENT),
    ) -> Compared:  # fmt: skip
        """Compare the two forms. Whatever the statements do is undone."""
        started = time.monotonic()
        try:
            self.connection.begin()
            form = StatementComparison(self, old, new, dialect, seed=seed, forms=tuple(forms))
            compared = form.run()
        except (Refused, NotComparable, StatementFailed) as error:
            refused = isinstance(error, Refused)
            verdict = Verdict.DIFFERENT if refused else Verdict.NOT_COMPARED
            compared = Compared(verdict=verdict, why=str(error))
        except (SQLAlchemyError, SqlglotError, RecursionError) as error:
            # The server, the parser or the depth of the text: this ends no run, it is a verdict.
            # A fault of the comparison itself is no verdict, and is raised.
            why = f"{type(error).__name__}: {str(error).strip().split(chr(10))[0]}"
            compared = Compared(verdict=Verdict.NOT_COMPARED, why=why)
        finally:
            with contextlib.suppress(SQLAlchemyError):
                self.connection.rollback()
        if dialect == "mysql" and compared.verdict is Verdict.EQUAL:
            remark = "run on PostgreSQL: it shows the split, not the port from MySQL"
            compared = replace(compared, remarks=(*compared.remarks, remark))
        return replace(compared, place=place, seconds=time.monotonic() - started)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression without columns. None where PostgreSQL does not take it."""
        try:
            with self.connection.begin_nested():
                return self.connection.exec_driver_sql(
                    f"SELECT {expression}", execution_options={"no_parameters": True}
                ).scalar_one()
        except DBAPIError:
            return None


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
    if reason := differs(Outcome(before), Outcome(after)):
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
