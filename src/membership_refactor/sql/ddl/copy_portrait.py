"""The portrait of the copy from 0003 on, and how an actual copy differs from it."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import (
    Column,
    Constraint,
    Index,
    Policy,
    Statistics,
    Table,
    differences,
)
from membership_refactor.portrait.tokens import tokens
from membership_refactor.sql.ddl.partition_names import members_under_name, with_nets
from membership_refactor.sql.ddl.renaming import DerivedNames, renamed
from membership_refactor.sql.names import link_index_name
from membership_refactor.sql.quoting import ident, literal, qualified


def cloned(source: Table, *, name: str, link: str) -> Table:
    """``source`` under another name, with the link as last column if the plan has one.

    The other differences: Object names that contain the table's name contain the new one. Ids come
    from a default that uses the source's sequence, because an identity cannot be shared. Triggers,
    rules and publications of the application stay with the source until 0005. A foreign key to the
    source itself refers to the copy. Invalid indexes are not copied.
    """
    own = under_name(source, name)
    return linked(
        replace(
            own,
            columns=tuple(_drawing_from_source(column) for column in source.columns),
            partitioning=with_nets(own),
            indexes=tuple(index for index in own.indexes if index.valid),
            triggers=(),
            rules=(),
            publications=(),
        ),
        link,
    )


def linked(table: Table, link: str) -> Table:
    """``table`` with the link as last column and an index on it; as it is if there is no link."""
    if not link:
        return table
    return replace(
        table,
        columns=(*table.columns, Column(name=link, type="uuid")),
        indexes=(*table.indexes, link_index(table, link)),
    )


def link_index(table: Table, link: str) -> Index:
    """The index on the link of ``table``."""
    name = link_index_name(table.name, link)
    alone = "ONLY " if table.partitioning is not None else ""  # as PostgreSQL prints it
    place = f"{alone}{qualified(table.schema, table.name)} USING btree ({ident(link)})"
    return Index(name=name, definition=f"CREATE INDEX {ident(name)} ON {place}", columns=(link,))


def under_name(table: Table, name: str) -> Table:
    """The table under another name, in all of its definitions."""
    names = DerivedNames(table, name)

    def text(sql: str) -> str:
        return renamed(sql, table.schema, table.name, name)

    return replace(
        table,
        name=name,
        constraints=tuple(_constraint(c, table, names) for c in table.constraints),
        indexes=tuple(_index(i, table, names) for i in table.indexes),
        statistics=tuple(_statistics(s, table, names) for s in table.statistics),
        triggers=tuple(replace(t, definition=text(t.definition)) for t in table.triggers),
        rules=tuple(replace(r, definition=text(r.definition)) for r in table.rules),
        policies=tuple(policy_under_name(p, table, name) for p in table.policies),
        partitioning=members_under_name(table, names),
        incoming=(),
        dependents=(),
        uses=(),
        rows=None,
        bytes=None,
    )


def copy_differences(plan: TableSplit, source: Table, copy: Table) -> tuple[str, ...]:
    """How the copy differs from the source, a sentence each; empty if it is exact (0003, 0004).

    The order of columns is not compared: 0010's downgrade can add columns only at the end.
    """
    expected = cloned(source, name=plan.child, link=plan.link)
    return differences(expected, copy, without=("incoming",))


def _drawing_from_source(column: Column) -> Column:
    if column.sequence is None:
        return column
    sequence = replace(column.sequence, owned=False)
    if not column.identity:
        return replace(column, sequence=sequence)
    name = literal(qualified(sequence.schema, sequence.name))
    # PostgreSQL casts the value to the column's type, as in a serial column.
    drawn = f"nextval({name}::regclass)"
    return replace(column, identity="", default=drawn, sequence=sequence)


def _constraint(constraint: Constraint, table: Table, names: DerivedNames) -> Constraint:
    references = constraint.references
    if references == (table.schema, table.name):
        references = (table.schema, names.new)
    return replace(
        constraint,
        name=names[constraint.name],
        index=names[constraint.index] if constraint.index else None,
        definition=renamed(constraint.definition, table.schema, table.name, names.new),
        references=references,
    )


def _index(index: Index, table: Table, names: DerivedNames) -> Index:
    unique = "UNIQUE " if index.unique else ""
    definition = renamed(index.definition, table.schema, table.name, names.new)
    rest = _from_word(definition, "ON")
    return replace(
        index,
        name=names[index.name],
        definition=f"CREATE {unique}INDEX {ident(names[index.name])} {rest}",
        constraint=names[index.constraint] if index.constraint else None,
    )


def _statistics(statistics: Statistics, table: Table, names: DerivedNames) -> Statistics:
    # CREATE STATISTICS schema.name [(kinds)] ON ...: everything after the name stays.
    parts = list(tokens(statistics.definition))
    name = next(n for n, token in enumerate(parts) if token.text == ".") + 1
    rest = "".join(token.text for token in parts[name + 1 :])
    named = qualified(statistics.schema, names[statistics.name])
    return replace(
        statistics,
        name=names[statistics.name],
        definition=f"CREATE STATISTICS {named}"
        + renamed(rest, table.schema, table.name, names.new),
    )


def policy_under_name(policy: Policy, table: Table, new: str) -> Policy:
    """A policy of ``table`` for a table named ``new``."""

    def text(sql: str | None) -> str | None:
        return None if sql is None else renamed(sql, table.schema, table.name, new)

    return replace(policy, using=text(policy.using), check=text(policy.check))


def _from_word(sql: str, keyword: str) -> str:
    """``sql`` from ``keyword`` on. PostgreSQL quotes names in capitals, so it is no name."""
    parts = [token.text for token in tokens(sql)]
    return "".join(parts[parts.index(keyword) :])
