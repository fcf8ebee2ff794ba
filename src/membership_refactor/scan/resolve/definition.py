"""Resolve definitions, whose columns are often bare names under a statement that names a table."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from membership_refactor.scan.resolve.bindings import Frame, Kind, Source
from membership_refactor.scan.resolve.query import Queries

_OF_A_TABLE = (exp.LikeProperty, exp.InheritsProperty, exp.PartitionedOfProperty)
"""A table that is made with all columns of another one."""


def resolve_definition(queries: Queries, tree: Any, outer: Frame | None) -> None:
    """Bind the names of CREATE, ALTER, GRANT, COMMENT, COPY and the like."""
    frame = Frame(outer, query=1)
    inner = [node for node in tree.iter_expressions() if isinstance(node, exp.Query)]
    around = queries.with_ctes(tree, outer) if inner else outer
    for query in inner:
        queries.query(query, around)
    kind = tree.kind if isinstance(tree, exp.Create) else ""
    if inner and kind in ("VIEW", "TABLE"):
        for identifier in tree.this.find_all(exp.Identifier):
            queries.names.account(identifier)
        return
    if isinstance(tree, exp.Comment):
        _comment(queries, tree, frame)
        return
    inside = {id(node) for query in inner for node in query.walk()}
    for node in tree.find_all(exp.Table):
        if id(node) not in inside and isinstance(node.this, exp.Identifier):
            queries.tables.add(frame, node)
    ours = [source for source in frame.sources if source.table is not None]
    if kind == "TABLE":
        _create_table(queries, tree, ours)
        return
    if kind == "TRIGGER":
        rows = [Source(n, s.table, qualified_only=True) for s in ours for n in ("new", "old")]
        frame.sources.extend(rows)
    for source in ours:
        source.target = not isinstance(tree, (exp.Grant, exp.Copy, exp.Describe))
        if isinstance(tree, exp.Copy) and not isinstance(tree.this, exp.Schema):
            queries.names.star(source.table_span or (0, 0), source, Kind.STAR)
    for node in tree.walk():
        if id(node) not in inside and isinstance(node, exp.Identifier):
            _identifier(queries, node, frame)


def _identifier(queries: Queries, node: Any, frame: Frame) -> None:
    parent, name = node.parent, queries.names.fold(node)
    if isinstance(parent, (exp.Table, exp.TableAlias)):
        return
    if isinstance(parent, exp.Column):
        if parent.this is node:
            queries.names.column(parent, frame, "definition")
    elif isinstance(parent, (exp.Schema, exp.ForeignKey, exp.PrimaryKey)) or (
        name in queries.view.column_words and any(source.has(name) for source in frame.sources)
    ):
        queries.names.unqualified(node, frame, "definition")


def _create_table(queries: Queries, tree: Any, ours: list[Source]) -> None:
    """Bind columns of a new table of the plan, and what REFERENCES and LIKE clauses name."""
    made = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    by_node = {id(source.node): source for source in ours}
    for node in tree.find_all(exp.Schema):
        if node is tree.this or not isinstance(node.this, exp.Table):
            continue
        frame = Frame(None, [by_node.get(id(node.this)) or Source("")])
        for item in node.expressions:
            if isinstance(item, exp.Identifier):
                queries.names.unqualified(item, frame, "references")
    own = by_node.get(id(made))
    for column in tree.find_all(exp.ColumnDef):
        if own is not None and isinstance(column.this, exp.Identifier):
            queries.names.bind(own, column.this, Frame(), "create table")
        else:
            queries.names.account(column.this)
    for node in tree.find_all(*_OF_A_TABLE):
        for source in (by_node.get(id(table)) for table in node.find_all(exp.Table)):
            if source is not None:
                queries.names.star(source.table_span or (0, 0), source, Kind.STAR)


def _comment(queries: Queries, tree: Any, frame: Frame) -> None:
    target = tree.this
    if isinstance(target, exp.Table):
        queries.tables.add(frame, target)
    elif isinstance(target, exp.Column) and target.args.get("table") is not None:
        table = exp.Table(this=target.args["table"].copy(), db=target.args.get("db"))
        table.this.meta.update(target.args["table"].meta)
        queries.tables.add(frame, table)
        queries.names.column(target, frame, "definition")
