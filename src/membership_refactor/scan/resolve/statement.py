"""Resolve one parsed statement: queries are read, INSERT, UPDATE, DELETE and MERGE write, and
definitions name tables and bare columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from membership_refactor.scan.resolve.bind_name import span
from membership_refactor.scan.resolve.bindings import Frame, Kind, Outputs, Source

if TYPE_CHECKING:
    from membership_refactor.scan.resolve.query import Queries

WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)


def resolve_write(queries: Queries, node: Any, outer: Frame | None) -> Outputs:
    """Resolve a statement that writes; the columns that its RETURNING offers."""
    frame = queries.frame(queries.with_ctes(node, outer))
    resolve = dict(zip(WRITES, (_insert, _update, _delete, _merge), strict=True))[type(node)]
    resolve(queries, node, frame)
    returning = node.args.get("returning")
    for item in returning.expressions if returning is not None else ():
        if isinstance(item, exp.Star):
            for source in frame.sources:
                queries.names.star(span(item), source, Kind.STAR)
        else:
            queries.expression(item, frame, "returning")
    return Outputs(open=True)


def _insert(queries: Queries, node: Any, frame: Frame) -> None:
    target, names = node.this, []
    if isinstance(target, exp.Schema):
        names, target = target.expressions, target.this
    if isinstance(target, exp.Table):
        _add_target(queries, target, frame)
    for item in names:
        _written(queries, item, frame, "insert")
    if not names and frame.sources and not node.args.get("default"):
        source = frame.sources[0]
        queries.names.star(source.table_span, source, Kind.WRITE)
    if node.expression is not None:
        queries.query(node.expression, frame.outer)
    conflict = node.args.get("conflict")
    if conflict is not None and frame.sources:
        source = frame.sources[0]
        excluded = Source("excluded", source.table, source.outputs, qualified_only=True)
        queries.found.sources.append(excluded)
        both = Frame(frame.outer, [source, excluded], frame.query)
        queries.children(conflict, both, "conflict_keys", "index_where", "where")
        _assign(queries, conflict.expressions, both, only=1)


def _add_target(queries: Queries, node: Any, frame: Frame) -> None:
    """Add the table that is written; of several the first one."""
    queries.tables.add(frame, node)
    if frame.sources:
        frame.sources[0].target = True


def _update(queries: Queries, node: Any, frame: Frame) -> None:
    _add_target(queries, node.this, frame)
    tables = len(frame.sources)  # MySQL: any table of the list may be set
    queries.tables.add_all(frame, node)
    _assign(queries, node.expressions, frame, only=tables)
    queries.children(node, frame, "where", "order", "limit")


def _assign(queries: Queries, items: Any, frame: Frame, *, only: int) -> None:
    """Bind what SET assigns. It sets columns of the first tables, ``only`` so many."""
    target = Frame(frame.outer, frame.sources[:only], frame.query)
    for item in items or ():
        value = item
        if isinstance(item, exp.EQ):
            left, value = item.this, item.expression
            left = left.this if isinstance(left, exp.Paren) else left
            for column in left.expressions if isinstance(left, exp.Tuple) else [left]:
                _written(queries, column, target, "set")
        queries.expression(value, frame, "set value")


def _written(queries: Queries, item: Any, frame: Frame, clause: str) -> None:
    """Bind the name of a column that is set, or that an INSERT gives a value."""
    if isinstance(item, exp.Column) and item.args.get("table") is None:
        item = item.this
    if isinstance(item, exp.Identifier):
        queries.names.unqualified(item, frame, clause)
    elif isinstance(item, exp.Expr):
        queries.expression(item, frame, clause)


def _delete(queries: Queries, node: Any, frame: Frame) -> None:
    source, named = node.this, list(node.args.get("tables") or ())
    using = list(node.args.get("using") or ())
    same = source.alias_or_name.lower() if source is not None else None
    if any(isinstance(t, exp.Table) and t.alias_or_name.lower() == same for t in using):
        named, source = [source], None  # MySQL: DELETE FROM w USING wide w JOIN ...
    for item in (source, *using):
        queries.tables.add(frame, item)
    for item in named:
        queries.names.account_all(item)
    wanted = {item.alias_or_name.lower() for item in named}
    for index, one in enumerate(frame.sources):
        one.target = one.name.lower() in wanted if wanted else index == 0
    queries.children(node, frame, "where", "order", "limit")


def _merge(queries: Queries, node: Any, frame: Frame) -> None:
    _add_target(queries, node.this, frame)
    queries.tables.add(frame, node.args.get("using"))
    queries.expression(node.args["on"], frame, "on")
    whens = node.args.get("whens")
    for when in whens.expressions if whens is not None else ():
        queries.children(when, frame, "condition")
        then = when.args.get("then")
        if isinstance(then, exp.Update):
            _assign(queries, then.expressions, frame, only=1)
        elif isinstance(then, exp.Insert):
            target = Frame(frame.outer, frame.sources[:1], frame.query)
            for item in then.this.expressions if isinstance(then.this, exp.Tuple) else ():
                _written(queries, item, target, "insert")
            queries.children(then, frame, "expression")


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
        return queries.names.account_all(tree.this)
    if isinstance(tree, exp.Comment) and isinstance(tree.this, exp.Column):
        return _comment(queries, tree.this, frame)
    inside = {id(node) for query in inner for node in query.walk()}
    for node in tree.find_all(exp.Table):
        if id(node) not in inside and isinstance(node.this, exp.Identifier):
            queries.tables.add(frame, node)
    ours = [source for source in frame.sources if source.table is not None]
    if kind == "TABLE":
        return _create_table(queries, tree, ours)
    if kind == "TRIGGER":
        rows = [Source(n, s.table, qualified_only=True) for s in ours for n in ("new", "old")]
        frame.sources.extend(rows)
    for source in ours:
        source.target = not isinstance(tree, (exp.Grant, exp.Copy, exp.Describe, exp.Comment))
        if isinstance(tree, exp.Copy) and not isinstance(tree.this, exp.Schema):
            queries.names.star(source.table_span, source, Kind.STAR)
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
        frame = Frame(None, [by_node.get(id(node.this)) or Source("")])
        named = node is not tree.this and isinstance(node.this, exp.Table)
        for item in node.expressions if named else ():
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
                queries.names.star(source.table_span, source, Kind.STAR)


def _comment(queries: Queries, column: Any, frame: Frame) -> None:
    named = column.args.get("table")
    if named is not None:
        table = exp.Table(this=named.copy(), db=column.args.get("db"))
        table.this.meta.update(named.meta)
        queries.tables.add(frame, table)
        queries.names.column(column, frame, "definition")
