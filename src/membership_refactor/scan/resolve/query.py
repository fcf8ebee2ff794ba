"""Resolve queries and expressions, frame by frame, in the order in which the database does.

sqlglot's own ``qualify`` gives up on a statement at the first name it does not know, changes the
tree, and does not look into UPDATE, DELETE and MERGE.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from typing import Any

from sqlglot import exp

from membership_refactor.scan.resolve.bind_name import Names, span
from membership_refactor.scan.resolve.bindings import Frame, Kind, Outputs, Resolution, Source
from membership_refactor.scan.resolve.from_clause import FromClause
from membership_refactor.scan.resolve.statement import WRITES, resolve_definition, resolve_write
from membership_refactor.scan.resolve.tables_as_spelled import View


class Queries:
    """Resolves SELECT, set operations, VALUES, and every expression inside of them."""

    def __init__(self, names: Names) -> None:
        self.names, self.view, self.found = names, names.view, names.found
        self.tables = FromClause(self)
        self._numbers = itertools.count(1)

    def frame(self, outer: Frame | None) -> Frame:
        """Make the frame of a new query."""
        return Frame(outer, query=next(self._numbers))

    def with_ctes(self, node: Any, outer: Frame | None) -> Frame | None:
        """Resolve the WITH list; the frame around the query that knows its entries."""
        with_ = node.args.get("with_")
        if with_ is None:
            return outer
        around = Frame(outer)
        for cte in with_.expressions:
            alias = cte.args.get("alias")
            columns = alias.args.get("columns") or ()
            self.names.account_all(alias)
            name = self.names.fold(alias.this)
            named = Outputs({self.names.fold(column): None for column in columns})
            if with_.args.get("recursive"):
                around.ctes[name] = named if columns else Outputs(open=True)
            offered = self.query(cte.this, around)
            around.ctes[name] = named if columns else offered
        return around

    def query(self, node: Any, outer: Frame | None) -> Outputs:
        """Resolve a query; the columns that it offers."""
        if isinstance(node, WRITES):
            return resolve_write(self, node, outer)
        if isinstance(node, (exp.Subquery, exp.SetOperation, exp.Select)):
            outer = self.with_ctes(node, outer)
        if isinstance(node, exp.Subquery):
            return self._tail(node, outer, self.query(node.this, outer))
        if isinstance(node, exp.SetOperation):
            return self._tail(node, outer, self._set_operation(node, outer))
        if isinstance(node, exp.Select):
            return self._select(node, outer)
        frame = Frame(outer)
        if isinstance(node, exp.Table):
            self.tables.add(frame, node)
            return _star_of(frame)
        for item in node.expressions if isinstance(node, exp.Values) else [node]:
            self.expression(item, frame, "values")
        return Outputs(open=True)

    def _set_operation(self, node: Any, outer: Frame | None) -> Outputs:
        branches: list[Any] = []
        at = node
        # Long chains of UNION lean to the left; walking them by recursion is deep.
        while isinstance(at, exp.SetOperation):
            if at is not node and (at.args.get("with_") or at.args.get("order")):
                break
            branches.append(at.expression)
            at = at.this
        first, *_ = [self.query(branch, outer) for branch in (at, *reversed(branches))]
        return first

    def _tail(self, node: Any, outer: Frame | None, offered: Outputs) -> Outputs:
        """Resolve ORDER BY and LIMIT that see only the output columns, which it returns."""
        frame = Frame(outer, [Source("", outputs=offered)])
        self.children(node, frame, "order", "limit", "offset")
        return offered

    def _select(self, node: Any, outer: Frame | None) -> Outputs:
        frame = self.frame(outer)
        self.tables.add_all(frame, node)
        outputs = self._projections(node, frame)
        aliases, group = outputs.columns, node.args.get("group")
        mysql = aliases if self.view.dialect == "mysql" else ()
        if node.args.get("distinct") is not None:
            self.children(node.args["distinct"], frame, "on", aliases=aliases)
        self.children(node, frame, "where")
        for item in group.iter_expressions() if group is not None else ():
            self.expression(item, frame, "group", aliases=aliases if self._bare(item) else ())
        self.children(node, frame, "having", aliases=mysql)
        for window in node.args.get("windows") or ():
            self.children(window, frame, "partition_by", "order", "spec")
        self.children(node, frame, "qualify", "order", aliases=aliases)
        self.children(node, frame, "limit", "offset", "connect", "cluster", "sort")
        for lock in node.args.get("locks") or ():
            self.names.account_all(lock)
        if node.args.get("into") is not None:
            self.names.account(node.args["into"].this)
        return outputs

    def _projections(self, node: Any, frame: Frame) -> Outputs:
        outputs = Outputs()
        for item in node.expressions:
            star: Outputs | None = None
            if isinstance(item, exp.Star):
                for source in frame.visible:
                    self.names.star(span(item) or source.span, source, Kind.STAR)
                for identifier in item.find_all(exp.Identifier):  # EXCEPT, REPLACE, RENAME
                    self.names.unqualified(identifier, frame, "select")
                star = _star_of(frame)
            else:
                self.expression(item, frame, "select")
            if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                of = frame.source(self.names.fold(item.args["table"]))
                star = of.offers() if of is not None else Outputs(open=True)
            elif isinstance(item, exp.Dot) and isinstance(item.expression, exp.Star):
                star = Outputs(open=True)
            name = item.args.get("alias") if isinstance(item, exp.Alias) else item.this
            if star is not None:
                outputs.columns |= star.columns
                outputs.open |= star.open
            elif isinstance(item, (exp.Alias, exp.Column)) and isinstance(name, exp.Identifier):
                outputs.columns[self.names.fold(name)] = None
        return outputs

    def _bare(self, node: Any) -> str:
        """The folded name of an unqualified column; empty for anything else."""
        bare = isinstance(node, exp.Column) and not node.args.get("table")
        return self.names.fold(node.this) if bare and isinstance(node.this, exp.Identifier) else ""

    def children(self, node: Any, frame: Frame, *keys: str, aliases: Collection[str] = ()) -> None:
        """Resolve the clauses, such as WHERE, that the node has under some keys."""
        mysql = aliases if self.view.dialect == "mysql" else ()
        for key in keys:
            value = node.args.get(key)
            for child in value if isinstance(value, list) else [value]:
                for item in child.expressions if isinstance(child, exp.Order) else ():
                    inner = item.this if isinstance(item, exp.Ordered) else item
                    if self._bare(inner) in aliases:
                        self.names.account(inner.this)  # the output wins over the input column
                    else:
                        self.expression(item, frame, "order", aliases=mysql)
                if isinstance(child, exp.Expr) and not isinstance(child, exp.Order):
                    self.expression(child, frame, key, aliases=aliases)

    def expression(
        self, node: Any, frame: Frame, clause: str, *, aliases: Collection[str] = ()
    ) -> None:
        """Bind every name inside the expression, and resolve its subqueries."""
        stack = [node]
        while stack:
            at = stack.pop()
            if isinstance(at, exp.Column):
                name = self._bare(at) if aliases else ""
                if name in aliases and (
                    clause == "having" or not any(s.has(name) for s in frame.sources)
                ):
                    self.names.account(at.this)
                else:
                    self.names.column(at, frame, clause)
            elif isinstance(at, exp.Query):
                self.query(at, frame)
            elif isinstance(at, exp.Dot):
                stack += self._dot(at, frame)
            elif isinstance(at, exp.Anonymous):
                stack += reversed(list(self._call(at, frame, clause)))
            elif isinstance(at, exp.Kwarg):
                stack.append(at.expression)
            elif isinstance(at, exp.Alias):
                self.names.account(at.args.get("alias"))
                stack.append(at.this)
            elif not isinstance(at, (exp.Placeholder, exp.Parameter, exp.DataType, exp.Star)):
                stack += reversed(list(at.iter_expressions()))

    def _dot(self, node: Any, frame: Frame) -> list[Any]:
        """Bind ``(w).column`` and ``(w).*``; what is left to resolve."""
        inner = node.this
        while isinstance(inner, exp.Paren):
            inner = inner.this
        name = self._bare(inner)
        found = frame.named(name) if name else None
        if found is None or any(source.has(name) for source in frame.sources):
            return [node.this, node.expression]  # schema.function(column)
        source, depth = found
        self.names.account(inner.this)
        if isinstance(node.expression, exp.Star):
            self.names.star(span(inner.this, node.expression), source, Kind.WHOLE_ROW)
        elif isinstance(node.expression, exp.Identifier):
            # The brackets stay, so the qualifier cannot simply be exchanged.
            self.names.bind(source, node.expression, frame, "whole row", depth=depth)
            source.composite = True
        return []

    def _call(self, node: Any, frame: Frame, clause: str) -> Iterator[Any]:
        """Bind what only calls can hold; yields the arguments that are left to resolve."""
        given = list(node.expressions)
        if node.name.upper() == "VALUES":  # MySQL: the column of the row to insert
            for item in given:
                identifier = item.this if isinstance(item, exp.Column) else item
                if isinstance(identifier, exp.Identifier):
                    self.names.unqualified(identifier, frame, clause)
            return
        while given:
            item = given.pop(0)
            name, column = self._bare(item), self._bare(given[0]) if given else ""
            found = frame.named(name) if name else None
            table = found[0].table if found is not None else None
            # An unknown function of (alias, column of it) is a macro rather than a whole row.
            if found is not None and table is not None and column in table.columns:
                self.names.account(item.this)
                why = f"it is an argument of {node.name}, which may be a macro"
                self.names.bind(found[0], given.pop(0).this, frame, clause, why=why)
                message = f"{node.name} takes an alias and a column: it may be a macro"
                self.names.remark("macro", message, item.this)
            else:
                yield item


def _star_of(frame: Frame) -> Outputs:
    """The columns that ``*`` means."""
    everything = Outputs()
    for source in frame.visible:
        everything.add(source.offers())
    return everything


def resolve(tree: Any, view: View, *, row_table: str = "") -> Resolution:
    """Bind every name of the statement. ``row_table`` is the table of the rows NEW and OLD."""
    resolution = Resolution(tree)
    queries = Queries(Names(view, resolution))
    outer = None
    table = view.tables.get(row_table)
    if table is not None:
        outer = Frame(None, [Source(n, table, qualified_only=True) for n in ("new", "old")])
    if isinstance(tree, (*WRITES, exp.Query, exp.Values)):
        resolution.statement = tree.key if isinstance(tree, WRITES) else "select"
        queries.query(tree, outer)
    else:
        resolution.statement = "definition"
        resolve_definition(queries, tree, outer)
    resolution.alone = len(resolution.sources) == 1 and queries.frame(None).query <= 2
    resolution.bindings.sort(key=lambda b: (b.start, b.end))
    resolution.stars.sort(key=lambda s: s.start)
    return resolution
