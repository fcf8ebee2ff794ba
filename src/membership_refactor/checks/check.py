"""Check: a named invariant, and SQL that returns the keys of the rows that break it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.shared_scan import SharedScan
from membership_refactor.sql.statements import Statement


class Reach(StrEnum):
    """How much a check reads: whole tables, or catalog and ledger only."""

    TABLES = "tables"
    CATALOG = "catalog"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """An invariant. It is true if ``query`` returns no row."""

    name: str
    sentence: str
    """The invariant in words."""
    query: str
    """SELECT of one text column: for each row that breaks it, its key or what is wrong."""
    reach: Reach = Reach.TABLES
    hint: str | None = None
    """What to do when it fails."""
    option: str = "accept-usage"
    """The ``-x`` name with whose reason a gate of this check is opened by hand."""
    scan: SharedScan | None = None
    """The same as ``query``, if the check can share a pass over the tables with others."""

    @classmethod
    def of(cls, scan: SharedScan, *, name: str, sentence: str, hint: str | None = None) -> Check:
        return cls(name=name, sentence=sentence, query=scan.query, hint=hint, scan=scan)

    @property
    def counted(self) -> str:
        """One row: the number of rows that break it, and the first five keys."""
        return (
            "SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5],"
            " '{}'::pg_catalog.text[])\n"
            "FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (\n"
            f"{self.query}\n) AS z (key)) AS k"
        )

    @property
    def raising(self) -> Statement:
        """The check as a block for scripts; it raises P0004 if rows break the check."""
        return self.block()

    def block(self, *, recording: str = "") -> Statement:
        """The same; ``recording`` is plpgsql that runs before the RAISE, with variables ``broken``,
        ``keys`` and ``began``."""
        body = f"""
#variable_conflict use_column
DECLARE
  broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
BEGIN
  SELECT c.* INTO broken, keys FROM ({self.counted}) AS c;
  {recording}
  IF broken > 0 THEN
    RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        {literal(self.name)}, {literal(self.sentence)},
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = {literal(self.hint or "No later statement of this script has run.")};
  END IF;
END
"""
        return Statement(f"DO {dollar_quoted(body)}")


def passes(checks: Iterable[Check]) -> tuple[tuple[Check, ...], ...]:
    """The checks in their order, grouped so that those that read the same rows share a pass."""
    made: dict[object, list[Check]] = {}
    for n, check in enumerate(checks):
        made.setdefault(check.scan.rows if check.scan else n, []).append(check)
    return tuple(tuple(together) for together in made.values())
