"""Compare the old and the new form of a query on the user's own rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlglot import exp

from membership_refactor.planning import Stage
from membership_refactor.scan.compare.comparer import Comparer
from membership_refactor.scan.compare.results import (
    Compared,
    NotComparable,
    Outcome,
    Result,
    Verdict,
    differs,
    refuse,
)
from membership_refactor.scan.compare.scratch_schemas import PLANS
from membership_refactor.scan.compare.to_postgres import Forms, text_of
from membership_refactor.scan.findings.values import Rewritten
from membership_refactor.sql.quoting import ident

_ROWS = 200_000


def compare_on_own_data(comparer: Comparer, rewritten: Rewritten, compared: Compared) -> Compared:
    """Add to the compared what the user's rows show: a difference, or a remark."""
    if compared.verdict is not Verdict.EQUAL:
        return compared
    try:
        with comparer.connection.begin():
            remark, different = _on_own_data(comparer, rewritten)
    except NotComparable as error:
        remark, different = str(error), ""
    if different:
        return replace(
            compared, verdict=Verdict.DIFFERENT, example=f"on your own data: {different}"
        )
    return replace(compared, remarks=(*compared.remarks, f"own data: {remark}"))


def _on_own_data(comparer: Comparer, rewritten: Rewritten) -> tuple[str, str]:
    """What equal results rest on, and a difference if there is one. Raises NotComparable."""
    refuse(not rewritten.query, "a statement that writes is not run on it")
    refuse(comparer.stage is not Stage.INTERIM, "both forms can be run at interim only")
    statement = Forms(rewritten.old, rewritten.new or "", rewritten.dialect)
    refuse(statement.names, "not run, the statement has parameters")
    old, new = statement.old, statement.new
    plan, names = comparer.plan, comparer.consumer.names
    tables = {names.table(t).lower(): t for t in (plan.source, plan.child, plan.parent)}
    own = (*comparer.catalog.columns, plan.link, plan.parent_id)
    columns = {names.column(c).lower(): c for c in own}
    # The consumer's spelling of the plan's names becomes the database's.
    for node in (node for tree in (old, new) for node in tree.find_all(exp.Identifier)):
        known = tables if isinstance(node.parent, exp.Table) else columns
        node.set("this", known.get(node.name, node.name))
    results = _results(comparer, [text_of(old), text_of(old), text_of(new)])
    before, again, after = (Outcome((("", result),)) for result in results)
    refuse(not before.same_rows(again), "not compared, the old form itself has ties")
    return f"equal, {len(before.returned.rows)} rows", differs(before, after)


def _results(comparer: Comparer, texts: Sequence[str]) -> Iterator[Result]:
    """Yield the results of all texts in one snapshot, each with a plan of its own."""
    run = comparer.catalog.run
    run("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    run(f"SET LOCAL statement_timeout = {int(comparer.seconds * 1000)}; SET LOCAL jit = off")
    run(f"SET LOCAL search_path = {ident(comparer.schema)}")
    for text, plan in zip(texts, PLANS, strict=False):
        run(plan)
        result = Result.fetched(run(text), limit=_ROWS + 1)
        more = f"it returns more than {_ROWS:,} rows, which are not compared"
        refuse(len(result.rows) > _ROWS, more)
        yield result
