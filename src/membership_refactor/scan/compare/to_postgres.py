"""Turn a statement of any dialect into text that the scratch schemas can run, with parameters."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.generated_rows import Generator
from membership_refactor.scan.compare.kinds import kind_of, literal, meeting
from membership_refactor.scan.compare.scratch_schemas import OLD, Scratch, StatementFailed
from membership_refactor.scan.parse.fill_templates import filled
from membership_refactor.scan.parse.piece import Placed
from membership_refactor.scan.parse.tokens import SqlText
from membership_refactor.scan.resolve.analyse import parse_as


class NotComparable(Exception):
    """Raised where a statement cannot be compared by running it. The message says why."""


_VOLATILE = {"RANDOM", "CLOCK_TIMESTAMP", "NEXTVAL", "GEN_RANDOM_UUID", "UUID", "SLEEP", "PG_SLEEP",
            "CURRVAL", "LASTVAL", "TIMEOFDAY", "STATEMENT_TIMESTAMP", "RAND"}  # fmt: skip


class Refused(NotComparable):
    """Raised where PostgreSQL does not take the new form in one of the structures."""


class Forms:
    """Both forms of a statement, as trees that PostgreSQL can run, and their parameters' names."""

    def __init__(self, old: str, new: str, dialect: str) -> None:
        if dialect == "jpql":
            why = "the database cannot run JPQL; the mapping of the entities translates it"
            raise NotComparable(why)
        self.old, self.new = _tree_of(old, dialect), _tree_of(new, dialect)
        for node in self.old.find_all(exp.Func):
            name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).upper()
            if name in _VOLATILE:
                raise NotComparable(f"{name} gives another value at each call")
        if not isinstance(self.old, (exp.Query, exp.Insert, exp.Update, exp.Delete)):
            raise NotComparable("only queries, INSERT, UPDATE and DELETE are run")
        self.names = self._named_alike()

    def with_variables(self, names: set[str]) -> None:
        """Turn names that belong to no table into parameters: they are variables of a procedure."""

        def replaced(node: Any) -> Any:
            variable = isinstance(node, exp.Column) and not node.table and node.name in names
            return exp.Placeholder(this=f"var_{node.name}") if variable else node

        self.old, self.new = self.old.transform(replaced), self.new.transform(replaced)
        self.names = self._named_alike()

    def _named_alike(self) -> list[str]:
        """The names of the old form's parameters, which those of the new form get too."""
        found = (tree.find_all(exp.Placeholder, bfs=False) for tree in (self.old, self.new))
        first, second = (list(dict.fromkeys(node.name for node in nodes)) for nodes in found)
        if not set(second) <= set(first):
            if len(first) != len(second):
                raise NotComparable("old and new form do not have the same parameters")
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
            text = text_of(self.old if form == OLD else self.new, numbers)
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
                if form == OLD:
                    raise NotComparable(f"PostgreSQL does not take the old text: {error}") from None
                raise Refused(f"the new form is refused at {form}: {error}") from None
        return dict(itertools.zip_longest(self.names, found, fillvalue="text"))

    def qualify_functions(self, scratch: Scratch, schema: str) -> None:
        """Write the schema before the user's functions. NotComparable where one reads a table.

        The search path of a comparison has only the scratch schemas, so that no statement can reach
        the user's tables.
        """
        trees = self.old, self.new
        tables = {scratch.table(name) for form in scratch.made.values() for name in form}
        for text in (node for tree in trees for node in tree.find_all(exp.Literal)):
            if text.is_string and any(table in text.name.lower() for table in tables):
                raise NotComparable(
                    "a string names the table, and what reads it reads the real one"
                )
        calls = [node for tree in trees for node in tree.find_all(exp.Anonymous)]
        known = _readable(scratch, {node.name.lower() for node in calls}, tables)
        for node in calls:
            if (node.name.lower(), schema) in known and not isinstance(node.parent, exp.Dot):
                dotted = exp.Dot(
                    this=exp.to_identifier(schema, quoted=True), expression=node.copy()
                )
                node.replace(dotted)


def _tree_of(text: str, dialect: str) -> Any:
    """Parse the statement; names become lower case and quoted, schemas and hints go."""
    tree, failure = parse_as(filled(SqlText(Placed.at(text), dialect)).sql.text, dialect)
    if tree is None:
        raise NotComparable(f"it could not be parsed: {failure}")
    if isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Query):
        tree = tree.expression  # a view is compared by its query
    for node in tree.find_all(exp.Table, exp.Column):
        for key in ("db", "catalog", "hints"):
            node.set(key, None)
    for node in tree.find_all(exp.Identifier):
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
    if any(join.args.get("side") or join.args.get("using") for join in joins):
        raise NotComparable("PostgreSQL has no outer join in an UPDATE or DELETE of several tables")
    first = tree.this.copy()
    first.set("joins", None)
    tables = [first, *(join.this.copy() for join in joins)]
    given = [join.args.get("on") for join in joins]
    given += [where.this for where in [tree.args.get("where")] if where is not None]
    condition = exp.and_(*given) if any(given) else exp.true()
    named = {item.this.table for item in tree.expressions}
    named = named or {item.name for item in tree.args.get("tables") or ()}
    if len(named) != 1:
        why = "it writes several tables at once, for which PostgreSQL needs two statements"
        raise NotComparable(why)
    target = next((t for t in tables if t.alias_or_name in named), None)
    if not isinstance(target, exp.Table):
        raise NotComparable("the table that it writes is not among its tables")
    others = [table for table in tables if table is not target]
    if isinstance(tree, exp.Delete):
        return exp.Delete(this=target, using=others, where=exp.Where(this=condition))
    sets = [
        exp.EQ(this=exp.column(item.this.name, quoted=True), expression=item.expression.copy())
        for item in tree.expressions
    ]
    others[0].set("joins", [exp.Join(this=table) for table in others[1:]])
    from_ = exp.From(this=others[0])
    return exp.Update(this=target, expressions=sets, from_=from_, where=exp.Where(this=condition))


def text_of(tree: Any, values: Mapping[str, str]) -> str:
    """The statement as text, with the given text for each parameter."""
    made = tree.transform(
        lambda node: exp.var(values[node.name]) if isinstance(node, exp.Placeholder) else node
    )
    return str(made.sql(dialect="postgres", comments=False))


def vectors(generator: Generator, types: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Yield values under which all conditions are true, then one changed at a time."""
    needs = generator.needs
    choices: dict[str, list[str]] = {}
    for name, type_ in types.items():
        values: list[Any] = [kind_of(type_).unlike(name, 1)]
        if name in needs.counts:
            values = [100, 1, 3]
        elif name in needs.by_parameter:
            cell, operator = needs.by_parameter[name]
            good, others = generator.pool(cell)
            first = meeting(operator, good, kind_of(needs.type_of(cell)))
            values = list(dict.fromkeys([*first, *others[:3]]))
        if type_.endswith("[]"):
            values = [values[:1], values[:3], []]
        choices[name] = ["NULL" if v is None else literal(v, type_) for v in values]
    base = {name: values[0] for name, values in choices.items()}
    yield base
    for name, values in choices.items():
        yield from ({**base, name: value} for value in values[1:])
    if len(choices) > 1:
        for pick in itertools.islice(itertools.product((0, -1), repeat=len(choices)), 1, 6):
            yield {n: values[at] for at, (n, values) in zip(pick, choices.items(), strict=True)}


_FOUND = """
    SELECT p.proname::text, n.nspname::text, p.provolatile::text, l.lanname::text,
           p.prosrc || coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), '')
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.proname = ANY (%s)"""
_RELATIONS = """
    SELECT c.relname::text FROM pg_catalog.pg_class c
    WHERE c.relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace
      WHERE nspname IN ('pg_catalog', 'information_schema') OR nspname ~ '^(pg_toast|mr_compare_)')
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY (%s)"""
_WORD = re.compile(r"[^\W\d][\w$]*")
_CALL = re.compile(r"([^\W\d][\w$]*)\"?\s*\(")
_DYNAMIC = re.compile(r"\bexecute\b|\b(?:table|query|cursor|schema|database)_to_xml|dblink", re.I)


def _readable(
    scratch: Scratch, names: Iterable[str], tables: Iterable[str]
) -> set[tuple[str, str]]:
    """The user's functions of these names, with their schemas. All that they call are looked at."""
    known: set[tuple[str, str]] = set()
    asked: set[str] = set()
    called_by = dict.fromkeys(names, "")
    while wanted := sorted(called_by.keys() - asked):
        asked |= set(wanted)
        for name, schema, volatile, language, body in scratch.run(_FOUND, (wanted,)).fetchall():
            known.add((name, schema))
            through = called_by[name] and f", which {called_by[name]} calls,"
            if volatile == "v":
                raise NotComparable(f"the function {name}{through} is volatile")
            if language not in ("sql", "plpgsql", "c", "internal"):
                raise NotComparable(
                    f"the function {name}{through} is written in {language}, which is not read"
                )
            words = {word.lower() for word in _WORD.findall(body)}
            if (
                _DYNAMIC.search(body)
                or not words.isdisjoint({*tables, *scratch.needs.foreign})
                or scratch.run(_RELATIONS, (sorted(words),)).fetchall()
            ):
                raise NotComparable(
                    f"the function {name}{through} reads a table, and would read the real one"
                )
            for called in _CALL.findall(body):
                called_by.setdefault(called.lower(), name)
    return known
