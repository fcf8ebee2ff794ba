"""Trigger functions and triggers as text: how every one of the tool's own is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from membership_refactor.sql.identifiers import dollar_quoted, ident, literal
from membership_refactor.sql.names import AFTER_PREFIX, BEFORE_PREFIX
from membership_refactor.sql.statements import Lock, Statement

SYNC_MARK, SYNC_ON = "vacuum_cost_page_hit", "7129"
"""Set for the length of a synchronising function; the copy's refusal at 0003 goes by it. No
capture depends on it: a setting that silences capture loses the writes of nested triggers.

A built-in setting, because from PostgreSQL 15 on only a superuser may attach one of our own to a
function. This one steers VACUUM, which cannot run inside a function, and nothing else."""
NOT_SYNC = f"pg_catalog.current_setting('{SYNC_MARK}') <> '{SYNC_ON}'"


def trigger_function(
    name: str, body: str, *, declare: str = "", marked: bool = False
) -> tuple[Statement, ...]:
    """A trigger function that runs as the table's owner, whatever the writer may see.

    Run as the writer, triggers lost rows in silence under row security; ``search_path`` is pinned
    so that nobody's schema can put another function or operator in the way. The ledger schema
    belongs to the table's owner, and so do the functions made in it by the runner.
    """
    declared = f"DECLARE\n{declare}\n" if declare else ""
    # Columns are always qualified, so a bare name is a variable, whatever the table's columns.
    text = f"\n#variable_conflict use_variable\n{declared}BEGIN\n{body}\nEND\n"
    mark = f" SET {SYNC_MARK} = {SYNC_ON}" if marked else ""
    return (
        Statement(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql\n"
            f"SECURITY DEFINER SET search_path = pg_catalog, pg_temp{mark} AS {dollar_quoted(text)}"
        ),
        Statement(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTrigger:
    """One of the tool's triggers: always ENABLE ALWAYS, so that a session that sets
    session_replication_role, or an apply worker, cannot slip past it."""

    name: str
    table: str
    """Quoted and qualified."""
    event: str
    """``AFTER INSERT`` and so on."""
    function: str
    """Quoted and qualified, without parentheses."""
    each: str = "STATEMENT"
    referencing: str = ""
    when: str = ""
    at_commit: bool = False
    """A constraint trigger that is judged when the transaction commits."""

    @property
    def text(self) -> str:
        """CREATE TRIGGER; takes SHARE ROW EXCLUSIVE on the table."""
        kind = "CONSTRAINT TRIGGER" if self.at_commit else "TRIGGER"
        parts = [f"CREATE {kind} {ident(self.name)} {self.event} ON {self.table}"]
        if self.at_commit:
            parts.append("DEFERRABLE INITIALLY DEFERRED")
        if self.referencing:
            parts.append(f"REFERENCING {self.referencing}")
        parts.append(f"FOR EACH {self.each}")
        if self.when:
            parts.append(f"WHEN ({self.when})")
        parts.append(f"EXECUTE FUNCTION {self.function}()")
        return "\n  ".join(parts)


def hang(triggers: Sequence[OwnTrigger]) -> tuple[Statement, ...]:
    """Makes the triggers and enables them ALWAYS; SHARE ROW EXCLUSIVE on their tables."""
    lock = Lock.SHARE_ROW_EXCLUSIVE
    made = []
    for trigger in triggers:
        made.append(_if_there(trigger, trigger.text, lock, there=False))
        enable = f"ALTER TABLE {trigger.table} ENABLE ALWAYS TRIGGER {ident(trigger.name)}"
        made.append(Statement(enable, lock, trigger.table))
    return tuple(made)


def rest(triggers: Sequence[OwnTrigger]) -> tuple[Statement, ...]:
    """Disables the triggers where they stand; SHARE ROW EXCLUSIVE is enough for it.

    DROP TRIGGER takes ACCESS EXCLUSIVE and would have to wait for readers inside a switch.
    """
    return tuple(
        _if_there(
            t, f"ALTER TABLE {t.table} DISABLE TRIGGER {ident(t.name)}", Lock.SHARE_ROW_EXCLUSIVE
        )
        for t in triggers
    )


def take_down(triggers: Sequence[OwnTrigger]) -> tuple[Statement, ...]:
    """Drops the triggers where they exist; ACCESS EXCLUSIVE on their tables, for a moment."""
    return tuple(
        _if_there(t, f"DROP TRIGGER {ident(t.name)} ON {t.table}", Lock.ACCESS_EXCLUSIVE)
        for t in triggers
    )


def _if_there(trigger: OwnTrigger, text: str, lock: Lock, *, there: bool = True) -> Statement:
    """``text``, run only while the trigger exists, or does not: a step taken up again, or taken
    back half-way, repeats itself."""
    negated = "" if there else "NOT "
    return Statement(
        "DO $own$ BEGIN\n"
        f"IF {negated}EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = "
        f"pg_catalog.to_regclass({literal(trigger.table)}) AND t.tgname = {literal(trigger.name)})\n"
        f"THEN EXECUTE {literal(text)}; END IF;\nEND $own$",
        lock,
        trigger.table,
    )


def after(purpose: str) -> str:
    """The name of an AFTER trigger: it sorts, and so fires, before RI_ConstraintTrigger_."""
    return f"{AFTER_PREFIX}{purpose}"


def before(purpose: str) -> str:
    """The name of a BEFORE trigger: it sorts, and so fires, after the application's own."""
    return f"{BEFORE_PREFIX}{purpose}"
