"""Turn a statement of any dialect into text that the scratch schemas can run, with parameters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.known_tables import Catalog
from membership_refactor.scan.compare.results import Refused, StatementFailed, refuse
from membership_refactor.scan.compare.scratch_schemas import OLD, Scratch
from membership_refactor.scan.parse.fill_templates import filled
from membership_refactor.scan.parse.piece import Placed
from membership_refactor.scan.parse.tokens import SqlText
from membership_refactor.scan.resolve.analyse import parse_as
from membership_refactor.sql.consumer_queries import FUNCTIONS, RELATIONS
from membership_refactor.sql.quoting import ident


class Forms:
    """Both forms of a statement, as trees that PostgreSQL can run, and their parameters' names."""

    def __init__(self, old: str, new: str, dialect: str) -> None:
        why = "the database cannot run JPQL; the mapping of the entities translates it"
        refuse(dialect == "jpql", why)
        self.old, self.new = _tree_of(old, dialect), _tree_of(new, dialect)
        known = isinstance(self.old, (exp.Query, exp.Insert, exp.Update, exp.Delete))
        refuse(not known, "only queries, INSERT, UPDATE and DELETE are run")
        self.names = self._named_alike()

    def with_variables(self, names: set[str]) -> None:
        """Turn names that belong to no table into parameters: they are variables of a procedure."""
        columns = (node for tree in (self.old, self.new) for node in tree.find_all(exp.Column))
        for node in [node for node in columns if not node.table and node.name in names]:
            node.replace(exp.Placeholder(this=f"var_{node.name}"))
        self.names = self._named_alike()

    def _named_alike(self) -> list[str]:
        """The names of the old form's parameters, which those of the new form get too."""
        found = (tree.find_all(exp.Placeholder, bfs=False) for tree in (self.old, self.new))
        first, second = (list(dict.fromkeys(node.name for node in nodes)) for nodes in found)
        if not set(second) <= set(first):
            more = len(first) != len(second)
            refuse(more, "old and new form do not have the same parameters")
            renamed = dict(zip(second, first, strict=True))
            for node in self.new.find_all(exp.Placeholder):
                node.set("this", renamed[node.name])
        return first

    def parameter_types(self, scratch: Scratch, structures: Sequence[str]) -> Mapping[str, str]:
        """Let PostgreSQL infer the types. Raises NotComparable or Refused for a wrong form."""
        found: list[str] = []
        numbers = {name: f"${number}" for number, name in enumerate(self.names, 1)}
        for form in (OLD, *structures):
            scratch.use(form)
            text = with_values(text_of(self.old if form == OLD else self.new), numbers)
            try:
                with scratch.undone():
                    scratch.run(f"PREPARE mr_compare AS {text}")
                    types = scratch.run(
                        "SELECT parameter_types::text[] FROM pg_catalog.pg_prepared_statements "
                        "WHERE name = 'mr_compare'"
                    )
                    found = found or types.scalar_one()
                    # PREPARE is not undone with the savepoint.
                    scratch.run("DEALLOCATE mr_compare")
            except StatementFailed as error:
                refuse(form == OLD, f"PostgreSQL does not take the old text: {error}")
                raise Refused(f"the new form is refused at {form}: {error}") from None
        return dict(itertools.zip_longest(self.names, found, fillvalue="text"))

    def qualify_functions(self, catalog: Catalog) -> None:
        """Write the schema before the user's functions. NotComparable where one reads a table, or
        where a function gives another value at each call.

        The search path of a comparison has only the scratch schemas, so that no statement can reach
        the user's tables.
        """
        trees = self.old, self.new
        tables = {catalog.view.names.table(name).lower() for name in catalog.plan.tables}
        for text in (node for tree in trees for node in tree.find_all(exp.Literal)):
            named = text.is_string and any(table in text.name.lower() for table in tables)
            refuse(named, "a string names the table, and what reads it reads the real one")
        tables |= {node.name for tree in trees for node in tree.find_all(exp.Table)}
        calls = [node for tree in trees for node in tree.find_all(exp.Anonymous)]
        names = (*_CALL.findall(text_of(self.old)), *(node.name for node in calls))
        known = _readable(catalog, {name.lower() for name in names}, tables)
        for node in calls:
            own = (node.name.lower(), catalog.schema) in known
            if own and not isinstance(node.parent, exp.Dot):
                node.replace(
                    exp.Dot.build([exp.to_identifier(catalog.schema, quoted=True), node.copy()])
                )


def _tree_of(text: str, dialect: str) -> Any:
    """Parse the statement; names become lower case and quoted, schemas and hints go."""
    tree, failure = parse_as(filled(SqlText(Placed.at(text), dialect)).sql.text, dialect)
    refuse(tree is None, f"it could not be parsed: {failure}")
    if isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Query):
        tree = tree.expression  # a view is compared by its query
    for node in tree.find_all(exp.Table, exp.Column):
        for key in ("db", "catalog", "hints"):
            node.set(key, None)
    own = {id(n) for c in tree.find_all(exp.Collate) for n in c.expression.find_all(exp.Identifier)}
    for node in tree.find_all(exp.Identifier):
        if id(node) not in own:  # a collation, such as "C"
            node.set("this", node.name.lower())
            node.set("quoted", True)
    found = list(tree.find_all(exp.Placeholder, exp.Parameter, bfs=False))
    for number, node in enumerate(found, 1):
        name = node.name or (node.this.name if node.this else f"pos{number}")
        node.replace(exp.Placeholder(this=name))
    return _from_mysql(tree) if dialect == "mysql" else tree


def _from_mysql(tree: Any) -> Any:
    """Rewrite what PostgreSQL writes in another way than MySQL."""
    for having in tree.find_all(exp.Having):
        shown = having.parent.expressions
        named = {item.alias.lower(): item.this for item in shown if item.alias}
        for column in list(having.find_all(exp.Column)):
            if not column.table and column.name in named:
                column.replace(exp.Paren(this=named[column.name].copy()))
    target = tree.this if isinstance(tree, (exp.Update, exp.Delete)) else None
    if isinstance(target, exp.Table) and target.args.get("joins"):
        return _joined_write(tree)
    return tree


def _joined_write(tree: Any) -> Any:
    """Write ``UPDATE a JOIN b ON … SET a.x`` as ``UPDATE a SET x FROM b WHERE …``."""
    joins = list(tree.this.args["joins"])
    outer = any(join.args.get("side") or join.args.get("using") for join in joins)
    refuse(outer, "PostgreSQL has no outer join in an UPDATE or DELETE of several tables")
    first = tree.this.copy()
    first.set("joins", None)
    tables = [first, *(join.this.copy() for join in joins)]
    given, where = [join.args.get("on") for join in joins], tree.args.get("where")
    condition = exp.and_(exp.true(), *given, where and where.this)
    named = {item.this.table for item in tree.expressions}
    named = named or {item.name for item in tree.args.get("tables") or ()}
    why = "it writes several tables at once, for which PostgreSQL needs two statements"
    refuse(len(named) != 1, why)
    target: Any = next((t for t in tables if t.alias_or_name in named), None)
    missing = not isinstance(target, exp.Table)
    refuse(missing, "the table that it writes is not among its tables")
    others = [table for table in tables if table is not target]
    if isinstance(tree, exp.Delete):
        return exp.Delete(this=target, using=others, where=exp.Where(this=condition))
    others[0].set("joins", [exp.Join(this=table) for table in others[1:]])
    sets = {ident(item.this.name): item.expression for item in tree.expressions}
    return exp.update(target, sets, where=condition, from_=exp.From(this=others[0]))


_PARAMETER = re.compile("\0(.*?)\0")


def text_of(tree: Any) -> str:
    """The statement as text, with the name of each parameter between two NULs."""

    def marked(node: Any) -> Any:
        return exp.var(f"\0{node.name}\0") if isinstance(node, exp.Placeholder) else node

    return str(tree.transform(marked).sql(dialect="postgres", comments=False))


def with_values(text: str, values: Mapping[str, str]) -> str:
    """The text with these texts in the places of its parameters."""
    return _PARAMETER.sub(lambda match: values[match[1]], text)


_WORD = re.compile(r"[^\W\d][\w$]*")
_CALL = re.compile(r"([^\W\d][\w$]*)\"?\s*\(")
_DYNAMIC = re.compile(r"\bexecute\b|\b(?:table|query|cursor|schema|database)_to_xml|dblink", re.I)


def _readable(catalog: Catalog, names: Iterable[str], tables: set[str]) -> set[tuple[str, str]]:
    """The user's functions of these names, with their schemas. All that they call are looked at."""
    known: set[tuple[str, str]] = set()
    asked: set[str] = set()
    called_by = dict.fromkeys(names, "")
    while wanted := sorted(called_by.keys() - asked):
        asked |= set(wanted)
        for name, schema, volatile, language, body in catalog.run(FUNCTIONS, (wanted,)).fetchall():
            known.add((name, schema))
            through = called_by[name] and f", which {called_by[name]} calls,"
            changing = volatile == "v" or name == "statement_timestamp"
            refuse(changing, f"the function {name}{through} is volatile")
            if schema == "pg_catalog":
                continue
            unread = f"the function {name}{through} is written in {language}, which is not read"
            refuse(language not in ("sql", "plpgsql", "c", "internal"), unread)
            words = {word.lower() for word in _WORD.findall(body)}
            reads = (
                _DYNAMIC.search(body)
                or words & tables
                or catalog.run(RELATIONS, (sorted(words),)).fetchall()
            )
            refuse(
                reads, f"the function {name}{through} reads a table, and would read the real one"
            )
            for called in _CALL.findall(body):
                called_by.setdefault(called.lower(), name)
    return known
