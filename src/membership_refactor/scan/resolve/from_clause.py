"""Add the entries of FROM lists, joins and laterals to a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlglot import exp

from membership_refactor.scan.parse.fill_templates import PUT_IN
from membership_refactor.scan.resolve.bind_name import span
from membership_refactor.scan.resolve.bindings import Frame, Outputs, Source, Span
from membership_refactor.scan.resolve.tables_at_stage import GOING

if TYPE_CHECKING:
    from membership_refactor.scan.resolve.query import Queries


def _in_brackets(node: Any) -> bool:
    """Whether the node is a pair of brackets around joins, or around such brackets."""
    while isinstance(node, (exp.Paren, exp.Subquery)):
        if isinstance(node, exp.Paren) or isinstance(node.this, exp.Table):
            return True
        node = node.this
    return False


class FromClause:
    """Adds sources to frames. ``queries`` resolves what stands inside of them."""

    def __init__(self, queries: Queries) -> None:
        self.queries, self.names = queries, queries.names
        self.view, self.found = queries.view, queries.found

    def add_all(self, frame: Frame, node: Any) -> None:
        """Add FROM, joins and laterals of a statement, in the order in which they are written."""
        if node.args.get("from_") is not None:
            self.add(frame, node.args["from_"].this)
        self._hanging(frame, node)

    def add(self, frame: Frame, node: Any) -> None:
        """Add one entry of a FROM list, with the joins that hang on it."""
        if node is None:
            return
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            frame.sources.append(self._table(node, frame))
        elif _in_brackets(node):
            self.add(frame, node.this)  # brackets around joins
        else:
            self._rows(frame, node)
        self._hanging(frame, node)

    def _hanging(self, frame: Frame, node: Any) -> None:
        for join in node.args.get("joins") or ():
            self._join(frame, join)
        for lateral in node.args.get("laterals") or ():
            self.add(frame, lateral)

    def _join(self, frame: Frame, join: Any) -> None:
        before = len(frame.sources)
        self.add(frame, join.this)
        left, right = frame.sources[:before], frame.sources[before:]
        if join.args.get("on") is not None:
            self.queries.expression(join.args["on"], frame, "on")
        for item in join.args.get("using") or ():
            identifier = item.this if isinstance(item, exp.Column) else item
            name = self.names.fold(identifier)
            self.names.account(identifier)
            for source in frame.sources:
                if source.has(name) or source.had(name):
                    source.merged = True
                    self.names.bind(source, identifier, frame, "using")
        if str(join.args.get("method") or "").upper() == "NATURAL":
            self._natural(left, right, frame)

    def _natural(self, left: list[Source], right: list[Source], frame: Frame) -> None:
        for one, others in [(s, right) for s in left] + [(s, left) for s in right]:
            if one.table is None:
                continue
            one.merged = True
            start, end = one.table_span
            for word, (_column, standing) in one.table.columns.items():
                known = [other.has(word) for other in others]
                if standing in GOING and (any(known) or None in known):
                    made = exp.to_identifier(word)
                    made.meta.update(start=start, end=end - 1)
                    unknown = "NATURAL JOIN with a table whose columns are not known"
                    why = "" if any(known) else unknown
                    self.names.bind(one, made, Frame(), "natural", why=why)

    def _table(self, node: Any, frame: Frame) -> Source:
        identifier, db = node.this, node.args.get("db")
        source = Source(self.names.fold(identifier), node=node)
        self.names.account(identifier)
        last = span(identifier)
        source.table_span = last or (0, 0)
        catalog = node.args.get("catalog")
        first = span(catalog if isinstance(catalog, exp.Identifier) else db or identifier)
        cte = frame.cte(source.name) if db is None else None
        if self.view.jpql and isinstance(db, exp.Identifier):
            self._association(source, node, frame)
        elif cte is not None:
            source.outputs = cte
        else:
            self._base_table(source, db, node)
        if (alias := node.args.get("alias")) is not None:
            last = self.alias(source, alias) or last
        if first and last:
            source.span = (first[0], last[1])
        source.hinted = any(map(node.args.get, ("hints", "sample", "partition", "only")))
        self.found.sources.append(source)
        return source

    def _base_table(self, source: Source, db: Any, node: Any) -> None:
        name = source.base = source.name
        table = self.view.tables.get(name)
        named = self.names.fold(db).lower() if isinstance(db, exp.Identifier) else None
        if table is not None and named is not None and named not in self.view.schemas:
            message = f"{db.name}.{node.name} is in another schema. If the table is yours, name "
            self.names.remark("schema", f"{message}the schema in the consumer file", node.this)
            # In MySQL the schema is the database. Without a declaration it may be the right one.
            source.doubtful = self.view.dialect == "mysql" and not self.view.consumer.schemas
            table = table if source.doubtful else None
        source.table = table
        if table is None and name in self.view.foreign:
            source.outputs = Outputs(dict.fromkeys(self.view.foreign[name]))

    def alias(self, source: Source, alias: Any) -> Span | None:
        """Give the source its alias and its column aliases; the span of the last word."""
        last = None
        if isinstance(alias.this, exp.Identifier):
            source.name, source.alias = self.names.fold(alias.this), alias.this.name
            last = self.names.account(alias.this)
        columns = alias.args.get("columns") or ()
        given = [column for column in columns if isinstance(column, exp.Identifier)]
        for identifier in given:
            last = self.names.account(identifier)
        if columns:
            self._rename(source, [self.names.fold(identifier) for identifier in given])
            last = (last[0], last[1] + 1) if last else None  # the closing bracket
        return last

    def _rename(self, source: Source, names: list[str]) -> None:
        """Apply ``wide AS w(i, q)``: q is the second column, and the rest keep their names."""
        source.renames = True
        if source.table is None:
            source.outputs = Outputs(dict.fromkeys(names), open=source.outputs.open)
            return
        own = source.table.table.present
        spelled = [self.view.names.column(name).lower() for name in own]
        source.outputs = Outputs(dict(zip([*names, *spelled[len(names) :]], own, strict=False)))

    def _association(self, source: Source, node: Any, frame: Frame) -> None:
        """Bind ``JOIN w.person p`` of JPQL, which reads the association's key column."""
        owner = frame.source(self.names.fold(node.args["db"]))
        self.names.account(node.args["db"])
        attribute = self.names.fold(node.this)
        owned = owner.table if owner is not None else None
        if owner is not None and owned is not None:
            self.names.bind(owner, node.this, frame, "join")
            if owned.columns.get(attribute, (None,))[0] == self.view.structure.plan.link:
                source.table = self.view.parent
        for word, table in self.view.tables.items() if source.table is None else ():
            if attribute in (word, word + "s"):
                source.table = table
                if owned is None:
                    message = f"{node.name} is assumed to be {word}"
                    self.names.remark("entity", message, node.this)

    def _rows(self, frame: Frame, node: Any) -> None:
        """Add a subquery, a VALUES list, or a function that returns rows."""
        lateral, source = isinstance(node, exp.Lateral), Source("", node=node)
        inner = node.this if lateral or isinstance(node, exp.Table) else node
        if isinstance(inner, (exp.Query, exp.Values)):
            # Not only a lateral sees its neighbours: MySQL's and PostgreSQL's functions do too.
            outer = frame if lateral or isinstance(inner, exp.Values) else frame.outer
            source.outputs = self.queries.query(inner, outer)
        else:
            for item in inner.expressions if isinstance(inner, exp.Unnest) else [inner]:
                self.queries.expression(item, frame, "from")
        if isinstance(inner, (exp.Placeholder, exp.Parameter)):
            source.base = f"{PUT_IN}{inner.name}"  # FROM :table, a variable of psql
        if isinstance(alias := node.args.get("alias"), exp.TableAlias):
            self.alias(source, alias)
        if source.alias is not None and not isinstance(inner, (exp.Query, exp.Values)):
            source.outputs.columns.setdefault(source.name, None)
        frame.sources.append(source)
        self.found.sources.append(source)
