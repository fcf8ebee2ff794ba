"""Walk: queries resolved frame by frame, in the order in which the database sees them.

sqlglot's own ``qualify`` gives up on a statement at the first name it does not know, changes the
tree, and does not look into UPDATE, DELETE and MERGE.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from membership_refactor.scan.findings.values import Kind
from membership_refactor.scan.resolve.bind_name import Names, span
from membership_refactor.scan.resolve.bindings import Frame, Outputs, Source, StarUse
from membership_refactor.scan.resolve.from_clause import Sources


class Walk(Sources):
    """Resolves SELECT, set operations, VALUES and everything inside them."""

    def query(self, node: Any, outer: Frame | None) -> Outputs:
        """The columns that the query offers."""
        if isinstance(node, exp.Subquery):
            with self.common_tables(node, outer):
                inner = self.query(node.this, outer)
                if node.args.get("order") or node.args.get("limit"):
                    frame = Frame(outer, [Source("", outputs=inner)])
                    self.children(node, frame, ("order", "limit", "offset"), "order")
            return inner
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, outer)
        if isinstance(node, exp.Select):
            with self.common_tables(node, outer):
                return self._select(node, outer)
        if isinstance(node, exp.Values):
            frame = Frame(outer)
            for row in node.expressions:
                self.expression(row, frame, "values")
            return Outputs(open=True)
        if isinstance(node, (exp.Insert, exp.Update, exp.Delete, exp.Merge)):
            return self.writes(node, outer)
        if isinstance(node, exp.Table):
            frame = Frame(outer)
            self.add(frame, node)
            return self.all_columns(frame)
        self.expression(node, Frame(outer), "expression")
        return Outputs(open=True)

    def writes(self, node: Any, outer: Frame | None) -> Outputs:
        raise NotImplementedError

    def _set_operation(self, node: Any, outer: Frame | None) -> Outputs:
        with self.common_tables(node, outer):
            branches: list[Any] = []
            at = node
            # Long chains of UNION lean to the left; walking them by recursion is deep.
            while isinstance(at, exp.SetOperation):
                branches.append(at.expression)
                if at is not node and (at.args.get("with_") or at.args.get("order")):
                    break
                at = at.this
            first = (
                self.query(at, outer)
                if not isinstance(at, exp.SetOperation)
                else (self._set_operation(at, outer) if at is not node else Outputs(open=True))
            )
            for branch in reversed(branches):
                self.query(branch, outer)
            frame = Frame(outer, [Source("", outputs=first)])
            self.children(node, frame, ("order", "limit", "offset"), "order")
        return first

    def _select(self, node: Any, outer: Frame | None) -> Outputs:
        self.queries += 1
        frame = Frame(outer, query=self.queries)
        from_ = node.args.get("from_") or node.args.get("from")
        if from_ is not None:
            self.add(frame, from_.this)
        for join in node.args.get("joins") or ():
            self.join(frame, join)
        for lateral in node.args.get("laterals") or ():
            self.add(frame, lateral)
        outputs, aliases = self._projections(node, frame)
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on") is not None:
            self.expression(distinct.args["on"], frame, "distinct", aliases=aliases)
        where = node.args.get("where")
        if where is not None:
            self.expression(where.this, frame, "where")
        self._group(node.args.get("group"), frame, aliases)
        having = node.args.get("having")
        if having is not None:
            seen = aliases if self.view.dialect == "mysql" else None
            self.expression(having.this, frame, "having", aliases=seen)
        for window in node.args.get("windows") or ():
            self.children(window, frame, ("partition_by", "order", "spec"), "window")
        qualify = node.args.get("qualify")
        if qualify is not None:
            self.expression(qualify.this, frame, "qualify", aliases=aliases)
        order = node.args.get("order")
        if order is not None:
            for item in order.expressions:
                self.ordered(item, frame, aliases)
        self.children(node, frame, ("limit", "offset", "connect", "cluster", "sort"), "limit")
        for lock in node.args.get("locks") or ():
            for table in lock.expressions or ():
                for identifier in table.find_all(exp.Identifier):
                    self.account(identifier)
        into = node.args.get("into")
        if into is not None:
            self.account(into.this)
        return outputs

    def _projections(self, node: Any, frame: Frame) -> tuple[Outputs, dict[str, Any]]:
        outputs = Outputs()
        aliases: dict[str, Any] = {}
        for item in node.expressions:
            if isinstance(item, exp.Star):
                self._star(item, frame)
                everything = self.all_columns(frame)
                outputs.columns.update(everything.columns)
                outputs.open |= everything.open
                aliases.update(dict.fromkeys(everything.columns, item))
                continue
            self.expression(item, frame, "select")
            if isinstance(item, exp.Column) and isinstance(item.this, exp.Star):
                found = self.source_named(self.fold(item.args["table"]), frame)
                if found is None:
                    outputs.open = True
                else:
                    one = self.all_columns(Frame(None, [found[0]]))
                    outputs.columns.update(one.columns)
                    outputs.open |= one.open
                    aliases.update(dict.fromkeys(one.columns, item))
                continue
            alias = item.args.get("alias") if isinstance(item, exp.Alias) else None
            if isinstance(alias, exp.Identifier):
                self.account(alias)
                outputs.columns[self.fold(alias)] = None
                aliases[self.fold(alias)] = item
            elif isinstance(item, exp.Column) and isinstance(item.this, exp.Identifier):
                outputs.columns[self.fold(item.this)] = None
                aliases[self.fold(item.this)] = item
            elif isinstance(item, exp.Dot) and isinstance(item.expression, exp.Star):
                outputs.open = True
        return outputs, aliases

    def _star(self, item: Any, frame: Frame) -> None:
        where = span(item)
        for source in frame.sources:
            if source.table is not None and not source.qualified_only:
                start, end = where or source.span or (0, 0)
                self.found.stars.append(StarUse(start, end, source, Kind.STAR, False))
        for key in ("except_", "except", "replace", "rename"):
            for part in item.args.get(key) or ():
                for identifier in part.find_all(exp.Identifier):
                    self.unqualified(identifier, frame, "select")

    def _group(self, group: Any, frame: Frame, aliases: dict[str, Any]) -> None:
        if group is None:
            return
        for item in group.iter_expressions():
            if isinstance(item, exp.Column) and not item.args.get("table"):
                name = self.fold(item.this) if isinstance(item.this, exp.Identifier) else ""
                here = any(s.has(name) for s in frame.sources if not s.qualified_only)
                if not here and name in aliases:
                    self.account(item.this)
                    continue
            self.expression(item, frame, "group")

    def ordered(self, item: Any, frame: Frame, aliases: dict[str, Any]) -> None:
        inner = item.this if isinstance(item, exp.Ordered) else item
        bare = isinstance(inner, exp.Column) and not inner.args.get("table")
        if bare and isinstance(inner.this, exp.Identifier) and self.fold(inner.this) in aliases:
            self.account(inner.this)  # the output wins over the input column
            return
        seen = aliases if self.view.dialect == "mysql" else None
        self.expression(item, frame, "order", aliases=seen)

    def children(self, node: Any, frame: Frame, keys: tuple[str, ...], clause: str) -> None:
        for key in keys:
            value = node.args.get(key)
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, exp.Order):
                    for item in child.expressions:
                        self.ordered(item, frame, {})
                elif isinstance(child, exp.Expr):
                    self.expression(child, frame, clause)

    def expression(
        self,
        node: Any,
        frame: Frame,
        clause: str,
        *,
        kind: Kind = Kind.READ,
        aliases: dict[str, Any] | None = None,
    ) -> None:
        """Every name inside the expression, subqueries too."""
        stack = [node]
        while stack:
            at = stack.pop()
            if isinstance(at, exp.Column):
                bare = not at.args.get("table") and isinstance(at.this, exp.Identifier)
                if (
                    aliases
                    and bare
                    and self.fold(at.this) in aliases
                    and not any(
                        s.has(self.fold(at.this)) for s in frame.sources if clause != "having"
                    )
                ):
                    self.account(at.this)
                else:
                    self.column(at, frame, clause, kind=kind)
            elif isinstance(at, exp.Query):
                self.query(at, frame)
            elif isinstance(at, exp.Dot):
                self._dot(at, frame, clause, stack)
            elif isinstance(at, (exp.Placeholder, exp.Parameter, exp.DataType, exp.Star)):
                continue
            elif isinstance(at, exp.Anonymous):
                self._call(at, frame, clause, stack)
            elif isinstance(at, exp.Kwarg):
                stack.append(at.expression)
            elif isinstance(at, exp.Alias):
                self.account(at.args.get("alias"))
                stack.append(at.this)
            else:
                stack.extend(reversed(list(at.iter_expressions())))

    def _dot(self, node: Any, frame: Frame, clause: str, stack: list[Any]) -> None:
        inner = node.this
        while isinstance(inner, exp.Paren):
            inner = inner.this
        if isinstance(inner, exp.Column) and not inner.args.get("table"):
            found = self.source_named(self.fold(inner.this), frame)
            if found is not None and not any(s.has(self.fold(inner.this)) for s in frame.sources):
                self.account(inner.this)
                first, last = span(inner.this), span(node.expression)
                if isinstance(node.expression, exp.Star):
                    if found[0].table is not None and first and last:
                        self.found.stars.append(
                            StarUse(first[0], last[1], found[0], Kind.WHOLE_ROW, True)
                        )
                elif isinstance(node.expression, exp.Identifier):
                    # The brackets stay, so the qualifier cannot simply be exchanged.
                    self.bind(
                        found[0], node.expression, "whole row", query=frame.query, depth=found[1]
                    )
                    found[0].composite = True
                return
        stack.append(node.this)

    def _call(self, node: Any, frame: Frame, clause: str, stack: list[Any]) -> None:
        """An unknown function of (alias, column of it) is a macro rather than a whole row."""
        given = list(node.expressions)
        if node.name.upper() == "VALUES":  # MySQL: the column of the row to insert
            for item in given:
                identifier = item.this if isinstance(item, exp.Column) else item
                if isinstance(identifier, exp.Identifier):
                    self.unqualified(identifier, frame, clause)
            return
        for index, item in enumerate(given):
            if not (isinstance(item, exp.Column) and not item.args.get("table")):
                continue
            following = given[index + 1] if index + 1 < len(given) else None
            found = self.source_named(self.fold(item.this), frame)
            if (
                found is not None
                and found[0].table is not None
                and isinstance(following, exp.Column)
                and not following.args.get("table")
                and self.fold(following.this) in found[0].table.columns
            ):
                self.account(item.this)
                self.bind(
                    found[0],
                    following.this,
                    clause,
                    query=frame.query,
                    why=f"argument of {node.name}, which may be a macro",
                )
                self.remark("macro", f"{node.name} takes an alias and a column", item.this)
                given[index] = given[index + 1] = None
        stack.extend(item for item in reversed(given) if item is not None)


__all__ = ["Names", "Walk"]
