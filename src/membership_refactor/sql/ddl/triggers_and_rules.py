"""Triggers and rules."""

from __future__ import annotations

from membership_refactor.portrait import Rule, Table, Trigger
from membership_refactor.sql.quoting import ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement

_STATES = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


def create_triggers(table: Table) -> tuple[Statement, ...]:
    """The application's triggers with their state. One transaction: disabled ones must not fire."""
    return tuple(s for trigger in table.triggers for s in create_trigger(table, trigger))


def create_trigger(table: Table, trigger: Trigger) -> tuple[Statement, ...]:
    """One trigger by its own definition."""
    return _create("TRIGGER", table, trigger, Lock.SHARE_ROW_EXCLUSIVE)


def create_rules(table: Table) -> tuple[Statement, ...]:
    """The rules with their state. One transaction, for the same reason."""
    return tuple(
        s for rule in table.rules for s in _create("RULE", table, rule, Lock.ACCESS_EXCLUSIVE)
    )


def _create(kind: str, table: Table, part: Trigger | Rule, lock: Lock) -> tuple[Statement, ...]:
    """The trigger or rule by its own definition, with its state and comment."""
    name = qualified(table.schema, table.name)
    statements = [Statement(part.definition.removesuffix(";"), lock, name)]
    if part.enabled in _STATES:
        text = f"ALTER TABLE {name} {_STATES[part.enabled]} {kind} {ident(part.name)}"
        statements.append(Statement(text, lock, name))
    if part.comment is not None:
        text = f"COMMENT ON {kind} {ident(part.name)} ON {name} IS {literal(part.comment)}"
        statements.append(Statement(text, Lock.SHARE_UPDATE_EXCLUSIVE, name))
    return tuple(statements)


def drop_behaviour(table: Table) -> tuple[Statement, ...]:
    """Drops the application's triggers and rules."""
    name = qualified(table.schema, table.name)
    triggers = (f"DROP TRIGGER {ident(t.name)} ON {name}" for t in table.triggers)
    rules = (f"DROP RULE {ident(r.name)} ON {name}" for r in table.rules)
    return tuple(Statement(t, Lock.ACCESS_EXCLUSIVE, name) for t in (*triggers, *rules))
