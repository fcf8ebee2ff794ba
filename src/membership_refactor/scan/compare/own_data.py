"""Compare the old and the new form of a query on the user's own rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlglot import exp

from membership_refactor.planning import Stage
from membership_refactor.scan.compare.comparer import Comparer, Different
from membership_refactor.scan.compare.results import Compared, Outcome, Result, Verdict, differs
from membership_refactor.scan.compare.scratch_schemas import PLANS, prefer
from membership_refactor.scan.compare.to_postgres import Forms, NotComparable, text_of
from membership_refactor.scan.findings.values import Rewritten
from membership_refactor.sql.own_statements import MARK
from membership_refactor.sql.quoting import ident

_ROWS = 200_000


def compare_on_own_data(
    engine: Engine, comparer: Comparer, rewritten: Rewritten, compared: Compared
) -> Compared:
    """Add to the compared what the user's rows show: a difference, or a remark."""
    if compared.verdict is not Verdict.EQUAL:
        return compared
    try:
        remark = _on_own_data(engine, comparer, rewritten)
    except Different as error:
        example = f"on your own data: {error}"
        return replace(compared, verdict=Verdict.DIFFERENT, example=example)
    except NotComparable as error:
        remark = str(error)
    except DBAPIError as error:
        remark = str(error.orig).strip().splitlines()[0]
    return replace(compared, remarks=(*compared.remarks, f"own data: {remark}"))


def _on_own_data(engine: Engine, comparer: Comparer, rewritten: Rewritten) -> str:
    """What equal results rest on. Raises NotComparable or Different."""
    if not rewritten.query:
        raise NotComparable("a statement that writes is not run on it")
    if comparer.stage is not Stage.INTERIM:
        raise NotComparable("both forms can be run at interim only")
    statement = Forms(rewritten.old, rewritten.new or "", rewritten.dialect)
    if statement.names:
        raise NotComparable("not run, the statement has parameters")
    old, new = statement.old, statement.new
    plan, names = comparer.plan, comparer.consumer.names
    tables = {names.table(t).lower(): t for t in (plan.source, plan.child, plan.parent)}
    own = (*comparer.catalog.columns, plan.link, plan.parent_id)
    columns = {names.column(c).lower(): c for c in own}
    # The consumer's spelling of the plan's names becomes the database's.
    for node in (node for tree in (old, new) for node in tree.find_all(exp.Identifier)):
        known = tables if isinstance(node.parent, exp.Table) else columns
        node.set("this", known.get(node.name, node.name))
    texts = [text_of(old, {}), text_of(old, {}), text_of(new, {})]
    results = _results(engine, comparer, texts)
    before, again, after = (Outcome((("", result),)) for result in results)
    if not before.same_rows(again):
        raise NotComparable("not compared, the old form itself has ties")
    if reason := differs(before, after):
        raise Different(reason)
    return f"equal, {len(before.returned.rows)} rows"


def _results(engine: Engine, comparer: Comparer, texts: Sequence[str]) -> Iterator[Result]:
    """Yield the results of all texts in one snapshot, each with a plan of its own."""
    begin = (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        f"SET LOCAL statement_timeout = {int(comparer.seconds * 1000)}; SET LOCAL jit = off",
        f"SET LOCAL search_path = {ident(comparer.schema)}",
    )
    options = {"no_parameters": True}
    with engine.connect() as connection:
        for text in begin:
            connection.exec_driver_sql(text, execution_options=options)
        for text, plan in zip(texts, PLANS, strict=False):
            connection.exec_driver_sql(prefer(plan))
            cursor = connection.exec_driver_sql(f"{text}\n{MARK}", execution_options=options)
            result = Result.fetched(cursor, limit=_ROWS + 1)
            if len(result.rows) > _ROWS:
                raise NotComparable(f"it returns more than {_ROWS:,} rows, which are not compared")
            yield result
