"""Sources: the entries of FROM lists, joins, laterals and common table expressions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlglot import exp

from membership_refactor.scan.findings.values import Kind
from membership_refactor.scan.resolve.bind_name import Names, span
from membership_refactor.scan.resolve.bindings import Frame, Outputs, Resolution, Source
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.tables_at_stage import Standing


class Sources(Names):
    """Adds sources to a frame."""

    def __init__(self, view: View, resolution: Resolution) -> None:
        super().__init__(view, resolution)
        self.ctes: list[dict[str, Outputs]] = []
        self.queries = 0

    def query(self, node: Any, outer: Frame | None) -> Outputs:
        raise NotImplementedError

    def expression(
        self,
        node: Any,
        frame: Frame,
        clause: str,
        *,
        kind: Kind = Kind.READ,
        aliases: dict[str, Any] | None = None,
    ) -> None:
        raise NotImplementedError

    @contextmanager
    def common_tables(self, node: Any, outer: Frame | None) -> Iterator[None]:
        """The WITH list of a query, known to everything inside it."""
        with_ = node.args.get("with_") or node.args.get("with")
        if with_ is None:
            yield
            return
        known: dict[str, Outputs] = {}
        self.ctes.append(known)
        for cte in with_.expressions:
            alias = cte.args.get("alias")
            self.account(alias.this)
            name = self.fold(alias.this)
            named = Outputs({self.fold(c): None for c in alias.args.get("columns") or ()})
            for identifier in alias.args.get("columns") or ():
                self.account(identifier)
            if with_.args.get("recursive"):
                known[name] = named if named.columns else Outputs(open=True)
            offered = self.query(cte.this, outer)
            known[name] = named if named.columns else offered
        yield
        self.ctes.pop()

    def add(self, frame: Frame, node: Any) -> None:
        """One entry of a FROM list, whatever it is, with the joins that hang on it."""
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            frame.sources.append(self._table(node, frame))
        elif isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table):
            self.add(frame, node.this)  # brackets around joins
        elif isinstance(node, exp.Paren):
            self.add(frame, node.this)
        elif isinstance(node, (exp.Subquery, exp.Lateral, exp.Select, exp.Values)):
            self._derived(frame, node)
        elif node is not None:
            self._function(frame, node)
        for join in (node.args.get("joins") or ()) if node is not None else ():
            self.join(frame, join)
        for lateral in (node.args.get("laterals") or ()) if node is not None else ():
            self.add(frame, lateral)

    def join(self, frame: Frame, join: Any) -> None:
        before = len(frame.sources)
        self.add(frame, join.this)
        left, right = frame.sources[:before], frame.sources[before:]
        if join.args.get("on") is not None:
            self.expression(join.args["on"], frame, "on")
        for item in join.args.get("using") or ():
            identifier = item.this if isinstance(item, exp.Column) else item
            self._merge(left, right, identifier, frame)
        if str(join.args.get("method") or "").upper() == "NATURAL":
            self._natural(left, right, join)

    def _merge(
        self, left: list[Source], right: list[Source], identifier: Any, frame: Frame
    ) -> None:
        name = self.fold(identifier)
        self.account(identifier)
        for source in (*left, *right):
            if source.has(name) or source.had(name):
                source.merged = True
                self.bind(source, identifier, "using", query=frame.query)

    def _natural(self, left: list[Source], right: list[Source], join: Any) -> None:
        for one, others in [(s, right) for s in left] + [(s, left) for s in right]:
            if one.table is None:
                continue
            one.merged = True
            for word, (_column, standing) in one.table.columns.items():
                if standing in (Standing.LIVE, Standing.MOVED):
                    continue
                known = [other.has(word) for other in others]
                if any(known) or None in known:
                    self._natural_binding(one, word, any(known), join)

    def _natural_binding(self, source: Source, word: str, certain: bool, join: Any) -> None:
        at = source.table_span or (0, 0)
        made = exp.to_identifier(word)
        made.meta.update(start=at[0], end=at[1] - 1)
        why = "" if certain else "NATURAL JOIN with a table of unknown columns"
        self.bind(source, made, "natural", why=why)

    def _table(self, node: Any, frame: Frame) -> Source:
        identifier, db = node.this, node.args.get("db")
        name = self.fold(identifier)
        alias = node.args.get("alias")
        source = Source(name, node=node)
        self.account(identifier)
        first = span(db) if db is not None else span(identifier)
        catalog = node.args.get("catalog")
        if catalog is not None and isinstance(catalog, exp.Identifier):
            first = span(catalog)
        last = source.table_span = span(identifier)
        if self.view.jpql and isinstance(db, exp.Identifier):
            self._association(source, node, frame)
        elif db is None and self._cte(name) is not None:
            source.outputs = self._cte(name) or Outputs(open=True)
        else:
            self._base_table(source, name, db, node)
        if alias is not None:
            last = self._alias(source, alias) or last
        if first and last:
            source.span = (first[0], last[1])
        source.hinted = bool(
            node.args.get("hints")
            or node.args.get("sample")
            or node.args.get("partition")
            or node.args.get("only")
        )
        self.found.sources.append(source)
        return source

    def _cte(self, name: str) -> Outputs | None:
        return next((known[name] for known in reversed(self.ctes) if name in known), None)

    def _base_table(self, source: Source, name: str, db: Any, node: Any) -> None:
        source.base = name
        table = self.view.tables.get(name)
        named = isinstance(db, exp.Identifier) and self.fold(db).lower() not in self.view.schemas
        if table is not None and named:
            self.remark(
                "schema",
                f"{db.name}.{node.name} is in another schema; if it is yours, "
                "name the schema in the consumer file",
                node.this,
            )
            # In MySQL the schema is the database; without a declaration it may well be ours.
            source.doubtful = self.view.dialect == "mysql" and not self.view.consumer.schemas
            table = table if source.doubtful else None
        source.table = table
        if table is None and name in self.view.foreign:
            source.outputs = Outputs(dict.fromkeys(self.view.foreign[name]))

    def _alias(self, source: Source, alias: Any) -> tuple[int, int] | None:
        last = None
        if isinstance(alias.this, exp.Identifier):
            source.name = self.fold(alias.this)
            source.alias = alias.this.name
            self.account(alias.this)
            last = span(alias.this)
        columns = alias.args.get("columns") or ()
        if columns:
            for identifier in columns:
                if isinstance(identifier, exp.Identifier):
                    self.account(identifier)
                    last = span(identifier)
            self._rename(source, [self.fold(c) for c in columns if isinstance(c, exp.Identifier)])
            if last:
                last = (last[0], last[1] + 1)  # the closing bracket
        return last

    def _rename(self, source: Source, names: list[str]) -> None:
        """``wide AS w(i, q)``: q is the second column, and the rest keep their names."""
        source.renames = True
        if source.table is None:
            source.outputs = Outputs(dict.fromkeys(names), open=source.outputs.open)
            return
        own = source.table.table.present
        spelled = [self.view.names.column(name).lower() for name in own]
        source.outputs = Outputs(dict(zip([*names, *spelled[len(names) :]], own, strict=False)))

    def _association(self, source: Source, node: Any, frame: Frame) -> None:
        """JPQL: ``JOIN w.person p`` reads the association's key column."""
        owner = self.source_named(self.fold(node.args["db"]), frame)
        self.account(node.args["db"])
        attribute = self.fold(node.this)
        if owner is not None and owner[0].table is not None:
            known = owner[0].table.columns.get(attribute)
            self.bind(owner[0], node.this, "join", query=frame.query)
            plan = self.view.structure.plan
            if known is not None and known[0] == plan.link:
                source.table = self.view.tables.get(self.view.names.table(plan.parent).lower())
        if source.table is None:
            for word, table in self.view.tables.items():
                if attribute in (word, word + "s"):
                    source.table = table
                    if owner is None or owner[0].table is None:
                        self.remark("association", f"{node.name} is taken to be {word}", node.this)

    def _derived(self, frame: Frame, node: Any) -> None:
        lateral = isinstance(node, exp.Lateral)
        inner = node.this if lateral else node
        alias = node.args.get("alias")
        # Not only a lateral sees its neighbours: MySQL's and PostgreSQL's functions do too.
        outer = frame if lateral or not isinstance(node, exp.Query) else frame.outer
        source = Source("", node=node)
        if isinstance(inner, (exp.Query, exp.Values)):
            source.outputs = self.query(inner, outer)
        else:
            self.expression(inner, frame, "from")
        if isinstance(alias, exp.TableAlias):
            self._alias(source, alias)
        frame.sources.append(source)
        self.found.sources.append(source)

    def _function(self, frame: Frame, node: Any) -> None:
        inner = node.this if isinstance(node, exp.Table) else node
        alias = node.args.get("alias")
        if isinstance(inner, exp.Unnest):
            for item in inner.expressions:
                self.expression(item, frame, "from")
        else:
            self.expression(inner, frame, "from")
        source = Source("", node=node)
        if isinstance(alias, exp.TableAlias):
            self._alias(source, alias)
            source.outputs.columns.setdefault(source.name, None)
        frame.sources.append(source)
        self.found.sources.append(source)

    def all_columns(self, frame: Frame) -> Outputs:
        """What ``*`` stands for."""
        everything = Outputs()
        for source in frame.sources:
            if source.qualified_only:
                continue
            if source.table is not None and not source.renames:
                for word, (name, standing) in source.table.columns.items():
                    if standing is not Standing.GONE:
                        everything.columns.setdefault(word, name)
            else:
                for word, origin in source.outputs.columns.items():
                    everything.columns.setdefault(word, origin)
                everything.open |= source.outputs.open
        return everything
