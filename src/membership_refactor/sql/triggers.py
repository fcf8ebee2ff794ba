"""The tool's triggers and trigger functions as values: their text, and how they are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

from membership_refactor.sql.names import AFTER_PREFIX, BEFORE_PREFIX, Names
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.sql.row_security import raise_if_filtered
from membership_refactor.sql.statements import Statement

SYNC_MARK, SYNC_ON = "vacuum_cost_page_hit", "7129"
"""The setting that capture functions set while they run. Triggers that refuse writes let such
writes through. No capture depends on it: a setting that disables capture loses the writes of nested
triggers.

It is a built-in setting, because from PostgreSQL 15 on only a superuser may attach a custom one to
a function. It only affects VACUUM, which cannot run inside a function."""
NOT_SYNC = f"pg_catalog.current_setting('{SYNC_MARK}') <> '{SYNC_ON}'"


def trigger_function(
    name: str,
    body: str,
    *,
    declare: str = "",
    marked: bool = False,
    whole: Sequence[str] = (),
    path: str = "pg_catalog, pg_temp",
) -> tuple[Statement, ...]:
    """A trigger function that runs as the table's owner, whatever rows the writer may see.

    If it ran as the writer, row security would lose rows without an error. ``path`` is its
    search_path: pg_catalog leads, so no schema can replace a function or operator that it uses. The
    ledger schema, and the functions that the runner creates in it, belong to the table's owner.

    ``whole`` names the tables (quoted) whose rows the function reads or writes. If the owner would
    see only some of their rows, the write fails (42501).
    """
    declared = f"DECLARE\n{declare}\n" if declare else ""
    # Columns are always qualified, so an unqualified name is always a variable.
    asked = raise_if_filtered(*whole) if whole else ""
    text = f"\n#variable_conflict use_variable\n{declared}BEGIN\n{asked}{body}\nEND\n"
    mark = f" SET {SYNC_MARK} = {SYNC_ON}" if marked else ""
    return (
        Statement(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql\n"
            f"SECURITY DEFINER SET search_path = {path}{mark} AS {dollar_quoted(text)}"
        ),
        Statement(f"REVOKE ALL ON FUNCTION {name}() FROM PUBLIC"),
    )


@dataclass(frozen=True, slots=True)
class OwnTrigger:
    """One of the tool's triggers. All are ENABLE ALWAYS: they also fire for apply workers and for
    sessions that set session_replication_role."""

    name: str
    event: str
    """``AFTER INSERT`` and so on."""
    table: str
    """Quoted and qualified."""
    function: str
    """Quoted and qualified, without parentheses."""
    _: KW_ONLY
    each: str = "STATEMENT"
    referencing: str = ""
    when: str = ""
    at_commit: bool = False
    """A constraint trigger that fires when the transaction commits."""
    members: bool = False
    """Whether it hangs on each partition too. A statement trigger has to, where the table is
    partitioned; PostgreSQL clones row triggers itself."""
    cloned: bool = False
    """Whether it is a row trigger of a partitioned table: to create it, to alter it and to drop it
    takes longer with each partition."""

    @property
    def by_function(self) -> bool:
        """Whether it starts and stops by the body of its function, which takes as long for many
        partitions as for a few."""
        return self.members or self.cloned

    @property
    def text(self) -> str:
        """CREATE TRIGGER, in place of one of that name; takes SHARE ROW EXCLUSIVE on the table."""
        # A constraint trigger cannot be replaced.
        kind = "CONSTRAINT TRIGGER" if self.at_commit else "OR REPLACE TRIGGER"
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


def of_child(
    names: Names, event: str, purpose: str, function: str = "", *, each: str = "ROW",
    when: str = "", referencing: str = "", at_commit: bool = False,
) -> OwnTrigger:  # fmt: skip
    """A trigger of the child, which may be partitioned. ``function`` is the purpose of its function
    where that has another one."""
    rows = each == "ROW"
    return OwnTrigger(
        after(purpose) if event.startswith("AFTER") else before(purpose),
        event,
        names.child,
        names.own(function or purpose),
        each=each,
        when=when,
        referencing=referencing,
        at_commit=at_commit,
        members=names.partitioned and not rows,
        cloned=names.partitioned and rows,
    )


def of_parent(
    names: Names, event: str, purpose: str, function: str, *, when: str = ""
) -> OwnTrigger:
    """A row trigger of the parent, AFTER a write."""
    own = names.own(function)
    return OwnTrigger(after(purpose), event, names.parent, own, each="ROW", when=when)


def drop_own(names: Names, *purposes: str) -> tuple[Statement, ...]:
    """Drop the plan's functions of these purposes, those that exist."""
    return tuple(Statement(f"DROP FUNCTION IF EXISTS {names.own(p)}") for p in purposes)


NEVER = "false"
"""The WHEN of a trigger that has been disabled for good."""


def is_never(trigger: str) -> str:
    """A condition: the row of pg_trigger is one that ``disable_triggers`` has disabled."""
    found = f"pg_catalog.pg_get_triggerdef({trigger}.oid)"
    return f"{found} ~ {literal(f' WHEN [(]{NEVER}[)] EXECUTE FUNCTION ')}"


def is_idle(trigger: str) -> str:
    """A condition: the row of pg_trigger does not fire always. A constraint trigger cannot be
    disabled for good, so a disabled one may be meant. The one of a view (INSTEAD OF) is as it
    was created."""
    t = trigger
    return (
        f"{t}.tgenabled <> 'A' AND ({t}.tgconstraint = 0 OR {t}.tgenabled <> 'D') "
        f"AND {t}.tgtype & 64 = 0"
    )


def after(purpose: str) -> str:
    """The name of an AFTER trigger: it sorts, and so fires, before RI_ConstraintTrigger_."""
    return f"{AFTER_PREFIX}{purpose}"


def before(purpose: str) -> str:
    """The name of a BEFORE trigger: it sorts, and so fires, after the application's own."""
    return f"{BEFORE_PREFIX}{purpose}"
