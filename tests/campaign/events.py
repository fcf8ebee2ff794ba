"""What others do to the tables between and during steps: DDL, triggers, roles, row security."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import psycopg

from tests.campaign.kinds import NEW, OLD, SOURCE, kinds_at

WIDE, CHILD = "programme_membership", "curriculum_membership"
COLUMN, CHECK = "seen_by_campaign", "ck_of_campaign"
MISSING = re.compile(rf'table "(\w+)": column "{COLUMN}" is missing')
UNEXPECTED = re.compile(rf'table "(\w+)": column "{COLUMN}" is not expected')
"""Repair follows the column at 0003 and 0004. From then on the ledger and the captures know it."""
READER, OTHER = "campaign_reader", "campaign_other"
STATEMENT = re.compile(r"(?:ALTER TABLE|GRANT) [^;)]*?(?=[;)]| {2}|$)")
SETTINGS = (
    "search_path = 'pg_temp'",
    "default_transaction_isolation = 'serializable'",
    "datestyle = 'German'",
    "timezone = 'Asia/Kathmandu'",
    "bytea_output = 'escape'",
    "extra_float_digits = 0",
    "idle_session_timeout = '1s'",
    "row_security = off",
    "quote_all_identifiers = on",
    "standard_conforming_strings = off",
    "array_nulls = off",
    "transform_null_equals = on",
    "session_replication_role = origin",
    "plan_cache_mode = 'force_generic_plan'",
    "enable_hashjoin = off",
)


def tables_at(revision: str) -> tuple[str, ...]:
    """Those that applications write; the archive is not among them."""
    kinds = kinds_at(revision)
    if OLD in kinds or NEW in kinds:
        return (CHILD, WIDE) if NEW in kinds else (CHILD,)
    return (WIDE, CHILD) if SOURCE in kinds and revision >= "0003" else (WIDE,)


class Events:
    """Draws events and does them as a superuser, in sessions of their own.

    A lock is waited for a moment only: an event that is not given one does not take place.
    """

    def __init__(
        self, connect: Callable[[], psycopg.Connection[Any]], owner: str, seed: int
    ) -> None:
        self.connect, self.owner, self.random = connect, owner, random.Random(seed)
        self.kind = self.random.choice(("text", "integer DEFAULT 3", "date"))
        """Of the column that is added alike."""
        self.done: Counter[str] = Counter()
        self.mended: Counter[str] = Counter()
        """How often a refused step was mended, by how."""
        self._kinds: dict[str, Callable[[str], Sequence[str]]] = {
            "index": self._index,
            "index dropped": self._no_index,
            "comment": self._comment,
            "column alike": self._column,
            "check alike": self._check,
            "triggers off and on": self._triggers,
            "grant": self._grant,
            "role setting": self._setting,
            "row security": self._row_security,
            "statistics": self._statistics,
        }
        self._loud: dict[str, Callable[[str], Sequence[str]]] = {
            "owner": self._owner,
            "row security forced": self._forced,
        }

    def happen(self, revision: str) -> None:
        """One event; at a rest or while a step is under way."""
        self._one_of(self._kinds, revision)

    def happen_loudly(self, revision: str) -> None:
        """One after which writers are refused until it is mended."""
        self._one_of(self._loud, revision)

    def _one_of(self, kinds: dict[str, Callable[[str], Sequence[str]]], revision: str) -> None:
        name = self.random.choice(tuple(kinds))
        try:
            with self.connect() as pg:
                pg.execute("SET lock_timeout = '300ms'")
                for text in kinds[name](revision):
                    pg.execute(text.encode())
        except (
            psycopg.OperationalError,
            psycopg.errors.UndefinedTable,
            psycopg.errors.UndefinedColumn,
            psycopg.errors.DuplicateTable,
            psycopg.errors.DuplicateObject,
            psycopg.errors.InternalError_,  # tuple concurrently updated
        ):
            self.done["not taken place"] += 1
        else:
            self.done[name] += 1

    def mend(self, said: str, repair: Callable[[], None]) -> bool:
        """Does what a refusal asks for; whether it asked for anything."""
        if "repair --apply" in said:
            repair()
            self.mended["repair"] += 1
            return True
        statements = STATEMENT.findall(said)
        if statements:
            self._certainly(*statements)
            self.mended["its statement"] += 1
            return True
        missing = MISSING.findall(said)
        if missing:
            self._certainly(
                *(f"ALTER TABLE {t} ADD COLUMN IF NOT EXISTS {COLUMN} {self.kind}" for t in missing)
            )
            self.mended["put back"] += 1
            return True
        asked = ("Undo these changes", "Fix these", "Give them one owner", COLUMN, CHECK)
        if any(text in said for text in asked):
            self.undo(UNEXPECTED.findall(said))
            self.mended["undone"] += 1
            return True
        return False

    def undo(self, with_column: Sequence[str]) -> None:
        """Everything of ours that a step may not go along with; the column where it is named."""
        with self.connect() as pg:
            found = pg.execute(
                "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND"
                " relnamespace = 'public'::regnamespace AND relname = ANY (%s)",
                ([WIDE, CHILD, f"{WIDE}_retired"],),
            ).fetchall()
            checks = pg.execute(
                "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint"
                " WHERE conrelid = ANY (%s::regclass[]) AND starts_with(conname, %s)",
                # The copy has it under another name, after the table's.
                ([table for (table,) in found], CHECK),
            ).fetchall()
        self._certainly(*(f"ALTER TABLE {t} DROP CONSTRAINT IF EXISTS {c}" for t, c in checks))
        self._certainly(*(f"ALTER TABLE {t} DROP COLUMN IF EXISTS {COLUMN}" for t in with_column))
        for (table,) in found:
            self._certainly(
                f"ALTER TABLE {table} ALTER amended_date SET STATISTICS -1",
                f"COMMENT ON COLUMN {table}.amended_date IS NULL",
                # With the table's grants go those of its columns.
                f"REVOKE ALL ON {table} FROM {READER}",
                f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {table} OWNER TO {self.owner}",
            )
        self._certainly(*self._no_index(""))

    def _certainly(self, *texts: str) -> None:
        for _ in range(200):
            try:
                with self.connect() as pg:
                    pg.execute("SET lock_timeout = '1s'")
                    for text in texts:
                        pg.execute(text.encode())
                return
            except psycopg.OperationalError:
                continue
        raise RuntimeError(f"never done: {texts}")

    # --- the kinds ------------------------------------------------------------------------------

    def _index(self, revision: str) -> list[str]:
        return [
            f"CREATE INDEX IF NOT EXISTS ix_campaign_{t} ON {t} (amended_date)"
            for t in tables_at(revision)
        ]

    def _no_index(self, revision: str) -> list[str]:
        return [f"DROP INDEX IF EXISTS ix_campaign_{t}" for t in (WIDE, CHILD)]

    def _comment(self, revision: str) -> list[str]:
        said = self.random.randrange(1000)
        return [f"COMMENT ON COLUMN {t}.amended_date IS '{said}'" for t in tables_at(revision)]

    def _column(self, revision: str) -> list[str]:
        return [
            f"ALTER TABLE {t} ADD COLUMN IF NOT EXISTS {COLUMN} {self.kind}"
            for t in tables_at(revision)
        ]

    def _check(self, revision: str) -> list[str]:
        valid = self.random.choice(("", " NOT VALID"))
        return [
            f"ALTER TABLE {t} ADD CONSTRAINT {CHECK} CHECK (amended_date > '1970-01-01'){valid}"
            for t in tables_at(revision)
        ]

    def _triggers(self, revision: str) -> list[str]:
        table = self.random.choice(tables_at(revision))
        return [
            f"ALTER TABLE {table} DISABLE TRIGGER USER",
            f"ALTER TABLE {table} ENABLE TRIGGER USER",
        ]

    def _grant(self, revision: str) -> list[str]:
        verb, to = self.random.choice((("GRANT", "TO"), ("REVOKE", "FROM")))
        what = self.random.choice(("SELECT", "SELECT, UPDATE", "UPDATE (amended_date)"))
        return [f"{verb} {what} ON {t} {to} {READER}" for t in tables_at(revision)]

    def _setting(self, revision: str) -> list[str]:
        return [
            f"ALTER ROLE {self.owner} RESET ALL",
            f"ALTER ROLE {self.owner} SET {self.random.choice(SETTINGS)}",
        ]

    def _owner(self, revision: str) -> list[str]:
        return [f"ALTER TABLE {self.random.choice(tables_at(revision))} OWNER TO {OTHER}"]

    def _row_security(self, revision: str) -> list[str]:
        return [f"ALTER TABLE {t} ENABLE ROW LEVEL SECURITY" for t in tables_at(revision)]

    def _forced(self, revision: str) -> list[str]:
        table = self.random.choice(tables_at(revision))
        return [
            *self._row_security(revision),
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        ]

    def _statistics(self, revision: str) -> list[str]:
        target = self.random.randrange(9, 99)
        return [
            f"ALTER TABLE {t} ALTER amended_date SET STATISTICS {target}"
            for t in tables_at(revision)
        ]


def roles(owner: str) -> list[str]:
    """The login that migrates and owns the tables, and two others; once a server."""
    return [f"CREATE ROLE {owner} LOGIN", f"CREATE ROLE {READER}", f"CREATE ROLE {OTHER}"]
