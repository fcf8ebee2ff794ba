"""Writes: INSERT, UPDATE, DELETE and MERGE resolved, targets apart from what they read."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from membership_refactor.scan.findings.values import Kind
from membership_refactor.scan.resolve.bind_name import span
from membership_refactor.scan.resolve.bindings import Frame, Outputs, Source, StarUse
from membership_refactor.scan.resolve.query import Walk


class Writes(Walk):
    """Adds the statements that write."""

    def writes(self, node: Any, outer: Frame | None) -> Outputs:
        with self.common_tables(node, outer):
            self.queries += 1
            if isinstance(node, exp.Insert):
                return self._insert(node, outer)
            if isinstance(node, exp.Update):
                return self._update(node, outer)
            if isinstance(node, exp.Delete):
                return self._delete(node, outer)
            return self._merge_into(node, outer)

    def _insert(self, node: Any, outer: Frame | None) -> Outputs:
        target, names = node.this, []
        if isinstance(target, exp.Schema):
            names, target = target.expressions, target.this
        frame = Frame(outer, query=self.queries)
        if isinstance(target, exp.Table):
            self.add(frame, target)
            frame.sources[0].target = True
        for item in names:
            self._written(item, frame)
        if not names and frame.sources and frame.sources[0].table is not None:
            source = frame.sources[0]
            start, end = source.table_span or (0, 0)
            if not node.args.get("default"):
                self.found.stars.append(StarUse(start, end, source, Kind.WRITE, False))
        if node.expression is not None:
            self.query(node.expression, outer)
        conflict = node.args.get("conflict")
        if conflict is not None:
            self._conflict(conflict, frame)
        return self._returning(node, frame)

    def _conflict(self, conflict: Any, frame: Frame) -> None:
        if not frame.sources:
            return
        target = frame.sources[0]
        excluded = Source("excluded", target.table, target.outputs, qualified_only=True)
        self.found.sources.append(excluded)
        both = Frame(frame.outer, [target, excluded], frame.query)
        for key in ("conflict_keys", "index_where"):
            value = conflict.args.get(key)
            for item in value if isinstance(value, list) else [value]:
                if isinstance(item, exp.Expr):
                    self.expression(item, both, "conflict")
        for item in conflict.expressions or ():
            self._assignment(item, both, Frame(frame.outer, [target], frame.query))
        where = conflict.args.get("where")
        if where is not None:
            self.expression(where.this, both, "where")

    def _update(self, node: Any, outer: Frame | None) -> Outputs:
        frame = Frame(outer, query=self.queries)
        self.add(frame, node.this)
        target = Frame(outer, frame.sources[:1], self.queries)
        if len(frame.sources) > 1:  # MySQL: any table of the list may be set
            target = Frame(outer, list(frame.sources), self.queries)
        if frame.sources:
            frame.sources[0].target = True
        from_ = node.args.get("from_") or node.args.get("from")
        if from_ is not None:
            self.add(frame, from_.this)
        for join in node.args.get("joins") or ():
            self.join(frame, join)
        for item in node.expressions:
            self._assignment(item, frame, target)
        where = node.args.get("where")
        if where is not None:
            self.expression(where.this, frame, "where")
        self.children(node, frame, ("order", "limit"), "order")
        return self._returning(node, frame)

    def _assignment(self, item: Any, frame: Frame, target: Frame) -> None:
        if not isinstance(item, exp.EQ):
            self.expression(item, frame, "set")
            return
        left = item.this
        if isinstance(left, exp.Paren):
            left = left.this
        for column in left.expressions if isinstance(left, exp.Tuple) else [left]:
            self._written(column, target)
        self.expression(item.expression, frame, "set value")

    def _written(self, item: Any, frame: Frame) -> None:
        if isinstance(item, exp.Column):
            if item.args.get("table") is not None:
                self.column(item, frame, "set", kind=Kind.WRITE)
                return
            item = item.this
        if isinstance(item, exp.Identifier):
            self.unqualified(item, frame, "set", kind=Kind.WRITE)
        elif isinstance(item, exp.Expr):
            self.expression(item, frame, "set", kind=Kind.WRITE)

    def _delete(self, node: Any, outer: Frame | None) -> Outputs:
        frame = Frame(outer, query=self.queries)
        named = list(node.args.get("tables") or ())
        using = list(node.args.get("using") or ())
        if (
            using
            and node.this is not None
            and any(
                isinstance(t, exp.Table)
                and t.alias_or_name.lower() == node.this.alias_or_name.lower()
                for t in using
            )
        ):
            named, source = [node.this], None  # MySQL: DELETE FROM w USING wide w JOIN ...
        else:
            source = node.this
        if source is not None:
            self.add(frame, source)
        for item in using:
            self.add(frame, item)
        wanted = {item.alias_or_name.lower() for item in named}
        for index, one in enumerate(frame.sources):
            one.target = one.name.lower() in wanted if wanted else index == 0
        for item in named:
            for identifier in item.find_all(exp.Identifier):
                self.account(identifier)
        where = node.args.get("where")
        if where is not None:
            self.expression(where.this, frame, "where")
        self.children(node, frame, ("order", "limit"), "order")
        return self._returning(node, frame)

    def _merge_into(self, node: Any, outer: Frame | None) -> Outputs:
        frame = Frame(outer, query=self.queries)
        self.add(frame, node.this)
        if frame.sources:
            frame.sources[0].target = True
        target = Frame(outer, frame.sources[:1], self.queries)
        self.add(frame, node.args.get("using"))
        self.expression(node.args["on"], frame, "on")
        whens = node.args.get("whens")
        for when in whens.expressions if whens is not None else ():
            if when.args.get("condition") is not None:
                self.expression(when.args["condition"], frame, "where")
            then = when.args.get("then")
            if isinstance(then, exp.Update):
                for item in then.expressions:
                    self._assignment(item, frame, target)
            elif isinstance(then, exp.Insert):
                names = then.this
                for item in names.expressions if isinstance(names, exp.Tuple) else ():
                    self._written(item, target)
                if then.expression is not None:
                    self.expression(then.expression, frame, "values")
        return self._returning(node, frame)

    def _returning(self, node: Any, frame: Frame) -> Outputs:
        returning = node.args.get("returning")
        outputs = Outputs(open=True)
        if returning is None:
            return outputs
        visible = Frame(
            frame.outer, [s for s in frame.sources if s.name != "excluded"], frame.query
        )
        for item in returning.expressions:
            if isinstance(item, exp.Star):
                where = span(item)
                for source in visible.sources:
                    if source.table is not None and where:
                        self.found.stars.append(StarUse(*where, source, Kind.STAR, False))
            else:
                self.expression(item, visible, "returning")
        return outputs
