"""Comments and extended statistics."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement


def create_statistics(table: Table) -> tuple[Statement, ...]:
    """The extended statistics objects with target, owner and comment; those that exist stay."""
    relation = qualified(table.schema, table.name)
    statements = []
    for statistics in table.statistics:
        name = qualified(statistics.schema, statistics.name)
        made = statistics.definition.removeprefix("CREATE STATISTICS ")
        texts = [f"CREATE STATISTICS IF NOT EXISTS {made}"]
        if statistics.target is not None:
            texts.append(f"ALTER STATISTICS {name} SET STATISTICS {statistics.target}")
        if statistics.comment is not None:
            texts.append(f"COMMENT ON STATISTICS {name} IS {literal(statistics.comment)}")
        if statistics.owner:
            texts.append(f"ALTER STATISTICS {name} OWNER TO {ident(statistics.owner)}")
        statements += [Statement(t, Lock.SHARE_UPDATE_EXCLUSIVE, relation) for t in texts]
    return tuple(statements)


def comment(table: Table) -> tuple[Statement, ...]:
    """The comments on table, columns, constraints, policies and sequences.

    Those of foreign keys, indexes, triggers, rules and statistics are made with them.
    """
    name = qualified(table.schema, table.name)
    said = [(f"TABLE {name}", table.comment)]
    for column in table.columns:
        said.append((f"COLUMN {name}.{ident(column.name)}", column.comment))
        if column.sequence and column.sequence.owned:
            sequence = qualified(column.sequence.schema, column.sequence.name)
            said.append((f"SEQUENCE {sequence}", column.sequence.comment))
    said += [
        (f"CONSTRAINT {ident(c.name)} ON {name}", c.comment)
        for c in table.constraints
        if c.kind != "f"
    ]
    said += [(f"POLICY {ident(p.name)} ON {name}", p.comment) for p in table.policies]
    return tuple(
        Statement(f"COMMENT ON {what} IS {literal(text)}", Lock.SHARE_UPDATE_EXCLUSIVE, name)
        for what, text in said
        if text is not None
    )
