"""The tool's triggers and trigger functions: creating, disabling and dropping them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, replace

from membership_refactor.sql.names import AFTER_PREFIX, BEFORE_PREFIX
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.sql.row_security import raise_if_filtered
from membership_refactor.sql.statements import Lock, Statement

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


def _raise_if_idle(table: str, names: str) -> str:
    """plpgsql that raises where somebody has turned one of these triggers off, or off and on. The
    lock may have been waited for behind the very transaction that did it, and once the triggers are
    disabled for good, or dropped, nobody can see it any more."""
    return (
        "IF EXISTS (SELECT FROM pg_catalog.pg_trigger AS t\n"
        f"WHERE t.tgrelid = pg_catalog.to_regclass({literal(table)}) AND t.tgname IN ({names})\n"
        f"AND {is_idle('t')} AND NOT {is_never('t')}) THEN\n{_raise('turned', ' off')}"
    )


def _raise(did: str, more: str = "") -> str:
    return (
        "RAISE object_not_in_prerequisite_state USING MESSAGE = "
        f"'somebody {did} triggers of this tool{more}, and writes may have slipped past',\n"
        "HINT = 'Take the step back (abandon), then run it again.';\nEND IF;\n"
    )


def install_triggers(triggers: Sequence[OwnTrigger]) -> tuple[Statement, ...]:
    """Creates the triggers that are missing or disabled for good, and makes all ENABLE ALWAYS;
    SHARE ROW EXCLUSIVE on each table. One block per table, because each statement prolongs a short
    lock."""
    made = []
    for table, own in _by_table(triggers):
        missing = "".join(
            f"IF {literal(t.name)} <> ALL (there) THEN EXECUTE {literal(t.text)}; END IF;\n"
            for t in own
        )
        enable = ", ".join(f"ENABLE ALWAYS TRIGGER {ident(t.name)}" for t in own)
        body = (
            f"{_THERE}"
            f"WHERE t.tgrelid = {literal(table)}::pg_catalog.regclass\n"
            f"AND NOT {is_never('t')});\n{missing}"
            f"ALTER TABLE {table} {enable};\nEND"
        )
        made.append(Statement(f"DO $own$ {body} $own$", Lock.SHARE_ROW_EXCLUSIVE, table))
    return tuple(made)


_THERE = (
    "DECLARE\n  there pg_catalog.text[];\nBEGIN\n"
    "there := ARRAY(SELECT t.tgname::pg_catalog.text FROM pg_catalog.pg_trigger AS t "
)


def disable_triggers(
    triggers: Sequence[OwnTrigger], *, all_stand: bool = False
) -> tuple[Statement, ...]:
    """Disables the triggers that exist, for good; takes SHARE ROW EXCLUSIVE.

    Inside a switch they are not dropped: DROP TRIGGER takes ACCESS EXCLUSIVE and waits for readers.
    They never fire again even if somebody runs ENABLE TRIGGER USER, as a bulk load does at its end.
    Raises object_not_in_prerequisite_state where somebody has turned one of them off before; with
    ``all_stand`` also where one is missing.
    """
    made = []
    for table, own in _by_table(triggers):
        missing = (
            f"IF pg_catalog.cardinality(there) < {len(own)} THEN\n{_raise('dropped')}"
            if all_stand
            else "IF there = '{}' THEN RETURN; END IF;\n"
        )
        texts = "".join(
            f"IF {literal(t.name)} = ANY (there) THEN EXECUTE "
            f"{literal(replace(t, when=NEVER).text)}; END IF;\n"
            for t in own
            if not t.at_commit
        )
        names = ", ".join(literal(t.name) for t in own)
        body = (
            f"{_THERE}"
            f"WHERE t.tgrelid = pg_catalog.to_regclass({literal(table)})\n"
            f"AND t.tgname IN ({names}));\n"
            f"{missing}{_raise_if_idle(table, names)}{texts}"
            f"EXECUTE {literal(f'ALTER TABLE {table} ')} || (SELECT pg_catalog.string_agg("
            "pg_catalog.format('DISABLE TRIGGER %I', own), ', ')\n"
            "FROM pg_catalog.unnest(there) AS own);"
            "\nEND"
        )
        made.append(Statement(f"DO $own$ {body} $own$", Lock.SHARE_ROW_EXCLUSIVE, table))
    return tuple(made)


def remove_triggers(triggers: Sequence[OwnTrigger]) -> tuple[Statement, ...]:
    """Drops the triggers that exist; ACCESS EXCLUSIVE on their tables for a moment. Raises
    object_not_in_prerequisite_state where somebody has turned one of them off before."""
    return tuple(_dropped(table, own) for table, own in _by_table(triggers))


def _by_table(triggers: Sequence[OwnTrigger]) -> Iterable[tuple[str, tuple[OwnTrigger, ...]]]:
    """The triggers of each table, in the order in which the tables first appear."""
    tables = dict.fromkeys(t.table for t in triggers)
    return [(table, tuple(t for t in triggers if t.table == table)) for table in tables]


def _dropped(table: str, own: Sequence[OwnTrigger]) -> Statement:
    """One DROP TRIGGER for each that exists. A resumed or abandoned step can run it again."""
    names = ", ".join(literal(t.name) for t in own)
    each = f"pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, {literal(table)}), '; '"
    return Statement(
        "DO $own$ DECLARE\n  what pg_catalog.text;\nBEGIN\n"
        f"{_raise_if_idle(table, names)}"
        f"SELECT pg_catalog.string_agg({each}) INTO what FROM pg_catalog.pg_trigger AS t\n"
        f"WHERE t.tgrelid = pg_catalog.to_regclass({literal(table)}) AND t.tgname IN ({names});\n"
        "IF what IS NOT NULL THEN EXECUTE what; END IF;\nEND $own$",
        Lock.ACCESS_EXCLUSIVE,
        table,
    )


def after(purpose: str) -> str:
    """The name of an AFTER trigger: it sorts, and so fires, before RI_ConstraintTrigger_."""
    return f"{AFTER_PREFIX}{purpose}"


def before(purpose: str) -> str:
    """The name of a BEFORE trigger: it sorts, and so fires, after the application's own."""
    return f"{BEFORE_PREFIX}{purpose}"
