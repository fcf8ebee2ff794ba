"""The change log: while a table is built, triggers record the keys of the rows that writers change.

Each statement adds one row with an array of keys, so a mass statement costs one insert. NULL in
place of the array records a TRUNCATE. Only keys are recorded and the replay reads the rows again,
so the order of the log does not matter.
"""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.sql.names import Names
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import OwnTrigger, after, before, trigger_function


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeLog:
    """The watched table, and the column whose values are recorded."""

    names: Names
    job: str
    """The table build it belongs to; part of every name."""
    table: str
    """The watched table, quoted and qualified."""
    key: RowId
    """What is recorded: the row's id, or the link when parents are built."""
    key_type: str
    old_too: bool
    """Whether an UPDATE also records the old values: links change often, ids rarely."""

    @property
    def _both(self) -> bool:
        """Whether the statement trigger records the old values too. In a partitioned table a row
        whose id changes may move to another partition, and then no row trigger of UPDATE fires."""
        return self.old_too or self.names.partitioned

    @property
    def log(self) -> str:
        return self.names.own(f"{self.job}_log")

    def table_statements(self) -> tuple[Statement, ...]:
        """The log table. It must not be UNLOGGED: a crash would empty it and lose changes.

        Storage is EXTERNAL: compressing a large array costs more than writing it.
        """
        return (
            Statement(
                f"CREATE TABLE IF NOT EXISTS {self.log} (\n"
                f"  keys {self.key_type}[], n pg_catalog.int4 NOT NULL DEFAULT 0)"
            ),
            # A publication of all tables would refuse the replay's DELETE: there is no key.
            Statement(
                f"ALTER TABLE {self.log} ALTER COLUMN keys SET STORAGE EXTERNAL, "
                "REPLICA IDENTITY FULL"
            ),
        )

    def function_statements(self) -> tuple[Statement, ...]:
        """The trigger functions. They take no lock that a writer could wait for."""
        made: list[Statement] = []
        for purpose, rows in self._kinds().items():
            union = "\nUNION ALL ".join(f"SELECT {self._recorded(r)} AS k FROM {r}" for r in rows)
            made += trigger_function(
                self._function(purpose),
                # One aggregate only: a second one slows mass statements noticeably.
                f"  INSERT INTO {self.log} (keys, n)\n"
                "  SELECT g.keys, pg_catalog.cardinality(g.keys)\n"
                f"  FROM (SELECT pg_catalog.array_agg(c.k) AS keys FROM ({union}) AS c) AS g\n"
                "  WHERE g.keys IS NOT NULL;\n  RETURN NULL;",
            )
        made += trigger_function(
            self._function("truncate"),
            f"  INSERT INTO {self.log} (keys) VALUES (NULL);\n  RETURN NULL;",
        )
        old, new = self.key.word("OLD"), self.key.word("NEW")
        if self.names.partitioned:
            made += trigger_function(
                self._function("moving"),
                f"  INSERT INTO {self.log} (keys, n) VALUES (ARRAY[{old}, {new}], 2);\n"
                "  RETURN NEW;",
            )
        if not self._both:
            made += trigger_function(
                self._function("moved"),
                f"  INSERT INTO {self.log} (keys, n) VALUES (ARRAY[{old}], 1);\n  RETURN NULL;",
            )
        return tuple(made)

    def triggers(self) -> tuple[OwnTrigger, ...]:
        """One per kind of statement. ``moved`` records the old value of a changed id, which would
        otherwise stay in the copy. (UPDATE OF the column would miss a BEFORE trigger's change.)"""
        references = {
            "insert": "NEW TABLE AS n",
            "update": "OLD TABLE AS o NEW TABLE AS n" if self._both else "NEW TABLE AS n",
            "delete": "OLD TABLE AS o",
        }
        made = [
            OwnTrigger(
                after(f"{self.job}_log_{purpose}"),
                f"AFTER {purpose.upper()}",
                self.table,
                self._function(purpose),
                referencing=reference,
                members=self.names.partitioned,
            )
            for purpose, reference in references.items()
        ]
        made.append(
            OwnTrigger(
                after(f"{self.job}_log_truncate"),
                "AFTER TRUNCATE",
                self.table,
                self._function("truncate"),
                members=self.names.partitioned,
            )
        )
        if self.names.partitioned:
            # A MERGE has rows that move to another partition in no transition table.
            made.append(
                OwnTrigger(
                    before(f"{self.job}_log_moving"),
                    "BEFORE UPDATE",
                    self.table,
                    self._function("moving"),
                    when=self.names.id.changed(),
                    each="ROW",
                    cloned=True,
                )
            )
        if not self._both:
            made.append(
                OwnTrigger(
                    after(f"{self.job}_log_moved"),
                    "AFTER UPDATE",
                    self.table,
                    self._function("moved"),
                    when=self.key.changed(),
                    each="ROW",
                )
            )
        return tuple(made)

    def drop_statements(self) -> tuple[Statement, ...]:
        """Drops the functions and the log table. Drop the triggers first."""
        purposes = [*self._kinds(), "truncate", "moving" if self.names.partitioned else "moved"]
        dropped = [Statement(f"DROP FUNCTION IF EXISTS {self._function(p)}()") for p in purposes]
        return (*dropped, Statement(f"DROP TABLE IF EXISTS {self.log}"))

    def _kinds(self) -> dict[str, tuple[str, ...]]:
        return {
            "insert": ("n",),
            "update": ("o", "n") if self._both else ("n",),
            "delete": ("o",),
        }

    def _recorded(self, rows: str) -> str:
        # Without an alias, for one column: the text of every log there is.
        return self.key.word(rows if self.key.several else "")

    def _function(self, purpose: str) -> str:
        return self.names.own(f"{self.job}_log_{purpose}")
