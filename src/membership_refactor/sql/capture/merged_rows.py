"""A MERGE that moves a row to another partition: PostgreSQL 15 to 18 show it to no statement
trigger. Its write would be lost in silence, so it is refused."""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.triggers import OwnTrigger, before


@dataclass(frozen=True, slots=True)
class MergedRows:
    """Rows of a partitioned table that get another id, as those do that move. A row trigger notes
    the last one, and the statement trigger of UPDATE asks whether it sees that row."""

    names: Names
    table: str
    """Quoted and qualified."""
    purpose: str
    """Part of the names of the trigger and of its function."""

    @property
    def function(self) -> str:
        return self.names.own(f"{self.purpose}_moving")

    @property
    def trigger(self) -> OwnTrigger:
        """PostgreSQL clones it to each partition."""
        return OwnTrigger(
            before(f"{self.purpose}_moving"),
            "BEFORE UPDATE",
            self.table,
            self.function,
            when=self.names.id.changed(),
            each="ROW",
            cloned=True,
        )

    @property
    def _last(self) -> str:
        """The setting with the id of the last such row. Not on the function: only a superuser may
        do that."""
        return literal(f"membership_refactor.{self.purpose}")

    @property
    def noted(self) -> str:
        """The body of the trigger's function. The time tells the statement of a client: one that
        names a partition which came later has no statement trigger that would take the note
        away."""
        old = self.names.id.text("OLD")
        noted = f"pg_catalog.concat({_STATEMENT}, ' ', {old})"
        return f"  PERFORM pg_catalog.set_config({self._last}, {noted}, true);\n  RETURN NEW;"

    @property
    def forget(self) -> str:
        """plpgsql that takes the note away."""
        return f"PERFORM pg_catalog.set_config({self._last}, '', true);"

    def require_seen(self) -> str:
        """plpgsql that raises where the row is in no transition table."""
        noted = f"coalesce(pg_catalog.current_setting({self._last}, true), '')"
        ours = f"pg_catalog.starts_with({noted}, pg_catalog.concat({_STATEMENT}, ' '))"
        old = f"pg_catalog.concat({_STATEMENT}, ' ', {self.names.id.text('o')})"
        said = literal(f"MERGE moves a row of {self.table} to another partition")
        return f"""  IF {noted} <> '' THEN
    IF {ours} AND NOT EXISTS (SELECT FROM o WHERE {old} = {noted}) THEN
      RAISE feature_not_supported USING
        MESSAGE = {said} || ', which no trigger sees, so the other table could not follow',
        HINT = 'Use UPDATE for rows whose partition changes.';
    END IF;
    {self.forget}
  END IF;
"""


_STATEMENT = "extract(epoch FROM pg_catalog.statement_timestamp())"
