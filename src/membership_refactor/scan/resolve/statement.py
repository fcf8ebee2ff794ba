"""Statement: one parsed statement resolved, whatever kind it is."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from membership_refactor.scan.findings.values import Kind
from membership_refactor.scan.resolve.bindings import Frame, Resolution, Source, StarUse
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.write_statement import Writes

_NAMES = {exp.Insert: "insert", exp.Update: "update", exp.Delete: "delete", exp.Merge: "merge"}


def resolve(tree: Any, view: View, *, row_table: str = "") -> Resolution:
    """Every name of the statement bound; ``row_table`` is what NEW and OLD are rows of."""
    resolution = Resolution(tree=tree)
    resolver = _Statement(view, resolution)
    outer = None
    if row_table:
        table = view.tables.get(row_table)
        if table is not None:
            rows = [Source(name, table, qualified_only=True) for name in ("new", "old")]
            outer = Frame(None, rows)
    for kind, name in _NAMES.items():
        if isinstance(tree, kind):
            resolution.statement = name
            resolver.writes(tree, outer)
            break
    else:
        if isinstance(tree, (exp.Query, exp.Values)):
            resolution.statement = "select"
            resolver.query(tree, outer)
        else:
            resolver.definition(tree, outer)
    resolution.bindings.sort(key=lambda b: (b.start, b.end))
    resolution.stars.sort(key=lambda s: s.start)
    return resolution


class _Statement(Writes):
    def definition(self, tree: Any, outer: Frame | None) -> None:
        """DDL: its columns are often bare identifiers under a statement that names the table."""
        self.found.statement = "definition"
        frame = Frame(outer, query=1)
        queries = [n for n in tree.iter_expressions() if isinstance(n, exp.Query)]
        for query in queries:
            with self.common_tables(tree, outer):
                self.query(query, outer)
        if isinstance(tree, exp.Create) and queries and tree.kind in ("VIEW", "TABLE"):
            for identifier in tree.this.find_all(exp.Identifier):
                self.account(identifier)
            return
        if isinstance(tree, exp.Comment):
            self._comment(tree, frame)
            return
        inside = {id(n) for query in queries for n in query.walk()}
        for node in tree.find_all(exp.Table):
            if id(node) in inside or not isinstance(node.this, exp.Identifier):
                continue
            self.add(frame, node)
        ours = [source for source in frame.sources if source.table is not None]
        writes = not isinstance(tree, (exp.Grant, exp.Copy, exp.Describe))
        if isinstance(tree, exp.Create) and tree.kind == "TABLE":
            self._create_table(tree, ours)
            return
        if isinstance(tree, exp.Create) and tree.kind == "TRIGGER":
            rows = [Source(n, s.table, qualified_only=True) for s in ours for n in ("new", "old")]
            frame.sources.extend(rows)
        if isinstance(tree, exp.Copy) and not isinstance(tree.this, exp.Schema):
            for source in ours:
                start, end = source.table_span or (0, 0)
                self.found.stars.append(StarUse(start, end, source, Kind.STAR, False))
        for source in ours:
            source.target = writes
        self._identifiers(tree, frame, inside)

    def _identifiers(self, tree: Any, frame: Frame, inside: set[int]) -> None:
        for node in tree.walk():
            if id(node) in inside or not isinstance(node, exp.Identifier):
                continue
            parent = node.parent
            if isinstance(parent, (exp.Table, exp.TableAlias)):
                continue
            if isinstance(parent, exp.Column):
                if parent.this is node:
                    self.column(parent, frame, "definition")
            elif isinstance(parent, (exp.Schema, exp.ForeignKey, exp.PrimaryKey)) or (
                self.fold(node) in self.view.column_words
                and any(source.has(self.fold(node)) for source in frame.sources)
            ):
                self.unqualified(node, frame, "definition")

    def _create_table(self, tree: Any, ours: list[Source]) -> None:
        """The table itself may be one of the plan's; references clauses name others."""
        made = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        for node in tree.find_all(exp.Schema):
            if node is tree.this or not isinstance(node.this, exp.Table):
                continue
            source = next((s for s in ours if s.node is node.this), None)
            for item in node.expressions:
                if isinstance(item, exp.Identifier):
                    frame = Frame(None, [source] if source else [Source("")])
                    self.unqualified(item, frame, "references")
        own = next((s for s in ours if s.node is made), None)
        for column in tree.find_all(exp.ColumnDef):
            if own is not None and isinstance(column.this, exp.Identifier):
                self.bind(own, column.this, "definition", kind=Kind.WRITE)
            else:
                self.account(column.this)
        for node in tree.find_all(exp.LikeProperty):
            for source in ours:
                if source.node is node.this:
                    start, end = source.table_span or (0, 0)
                    self.found.stars.append(StarUse(start, end, source, Kind.STAR, False))

    def _comment(self, tree: Any, frame: Frame) -> None:
        target = tree.this
        if isinstance(target, exp.Table):
            self.add(frame, target)
        elif isinstance(target, exp.Column) and target.args.get("table") is not None:
            table = exp.Table(this=target.args["table"].copy(), db=target.args.get("db"))
            table.this.meta.update(target.args["table"].meta)
            self.add(frame, table)
            self.column(target, frame, "definition")
