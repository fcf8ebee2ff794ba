"""Join child and parent in wrong ways, as views that stand for the wide table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.scratch_schemas import INTERIM, Scratch
from membership_refactor.scan.compare.value_pools import kind_of
from membership_refactor.scan.compare.wrong_forms import WrongForm
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.sql.quoting import ident

_STAND_INS = {
    "text": "''", "int": "0", "number": "0", "date": "'1900-01-01'", "time": "'1900-01-01'",
}  # fmt: skip


def wrong_links(scratch: Scratch, old: Any) -> Iterator[WrongForm]:
    """Create the views of each wrong link, and yield the statement that reads them."""
    ctes = {cte.alias for cte in old.find_all(exp.CTE)}
    wide = {scratch.table(table): columns for table, columns in scratch.wide_tables()}
    for number, (name, source) in enumerate(_links(scratch)):
        schema = f"{scratch.token}_link{number}"
        texts = [f"CREATE SCHEMA {ident(schema)}"]
        for table, columns in wide.items():
            listed = ", ".join(_column(scratch, column) for column in columns)
            view = f"{ident(schema)}.{ident(table)}"
            texts.append(f"CREATE VIEW {view} AS SELECT {source.format(listed)}")
        scratch.run(in_one_message(texts))
        tree = old.copy()
        for node in tree.find_all(exp.Table):
            if node.name in wide and node.name not in ctes:
                node.set("db", exp.to_identifier(schema, quoted=True))
        yield WrongForm(name, tree)


def _column(scratch: Scratch, column: str) -> str:
    return f"{'p' if column in scratch.plan.deprecated else 'c'}.{ident(scratch.spell(column))}"


def _links(scratch: Scratch) -> Iterator[tuple[str, str]]:
    """Yield a name, and a query with a place for its columns."""
    plan, wide = scratch.plan, scratch.needs.wide
    child = f"{ident(scratch.schema(INTERIM))}.{ident(scratch.table(plan.child))} c"
    parent = f"{ident(scratch.schema(INTERIM))}.{ident(scratch.table(plan.parent))} p"
    link = f"p.{ident(scratch.spell(plan.parent_id))} = c.{ident(scratch.spell(plan.link))}"

    def joined(conditions: Sequence[str]) -> str:
        return f"{{}} FROM {child} JOIN {parent} ON {' AND '.join(conditions)}"

    def both(column: str, comparison: str) -> str:
        return comparison.format(f"p.{ident(scratch.spell(column))}",
                                 f"c.{ident(scratch.spell(column))}")  # fmt: skip

    safe = {column: both(column, "{} IS NOT DISTINCT FROM {}") for column in plan.key}
    equal = {column: both(column, "{} = {}") for column in plan.key}
    yield "the key compared with =", joined(list(equal.values()))
    for column in plan.key:
        if not wide[column][1]:
            yield f"{column} compared with =", joined([*{**safe, column: equal[column]}.values()])
        stand_in = _STAND_INS.get(kind_of(wide[column][0]))
        if stand_in is not None and not wide[column][1]:
            filled = both(column, f"coalesce({{}}, {stand_in}) = coalesce({{}}, {stand_in})")
            name = f"{column} compared with coalesce"
            yield name, joined([*{**safe, column: filled}.values()])
        rest = [condition for other, condition in safe.items() if other != column]
        yield f"the key without {column}", joined(rest)
    yield f"joined by {plan.key[0]} only", joined([safe[plan.key[0]]])
    yield "parents without children too", f"{{}} FROM {parent} LEFT JOIN {child} ON {link}"
    first = f"{{}} FROM {child} JOIN {parent} ON {link}"
    uuid = f"p.{ident(scratch.spell(plan.parent_id))}"
    yield "one row for each parent", f"DISTINCT ON ({uuid}) {first} ORDER BY {uuid}"
