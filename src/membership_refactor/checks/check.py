"""Check: a named invariant, and SQL that returns the keys of the rows that break it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.shared_scan import SharedScan, counted_together
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
    first: str = ""
    """A common table expression that ``query`` begins with. Checks with the same one share it."""

    @classmethod
    def of(cls, scan: SharedScan, *, name: str, sentence: str, hint: str | None = None) -> Check:
        return cls(name=name, sentence=sentence, query=scan.query, hint=hint, scan=scan)

    @property
    def whole(self) -> str:
        """The query as a statement of its own."""
        return f"WITH {self.first}\n{self.query}" if self.first else self.query

    @property
    def counted(self) -> str:
        """One row: the number of rows that break it, and the first five keys."""
        return _counted(self.whole)

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
    {_raise(literal(self.name), literal(self.sentence), literal(self.hint or _STOPPED))}
  END IF;
END
"""
        return Statement(f"DO {dollar_quoted(body)}")


def passes(checks: Iterable[Check]) -> tuple[tuple[Check, ...], ...]:
    """The checks in their order, grouped so that those that read the same rows share a pass."""
    made: dict[object, list[Check]] = {}
    for n, check in enumerate(checks):
        read = check.scan.rows if check.scan else check.first
        made.setdefault(read or n, []).append(check)
    return tuple(tuple(together) for together in made.values())


def counted(together: Sequence[Check]) -> str:
    """The statement of a pass: for each check, in their order, the number of rows that break it and
    the first five keys."""
    if len(together) == 1:
        return together[0].counted
    scans = [check.scan for check in together if check.scan]
    if scans:
        return counted_together(scans)
    each = "\nUNION ALL ".join(
        f"SELECT {n}, c.* FROM ({_counted(check.query)}) AS c" for n, check in enumerate(together)
    )
    return (
        f"WITH {together[0].first}\nSELECT r.broken, r.keys FROM (\n{each}\n"
        ") AS r (n, broken, keys) ORDER BY r.n"
    )


_STOPPED = "No later statement of this script has run."


def _raise(name: str, sentence: str, hint: str) -> str:
    """plpgsql that raises P0004, given expressions and the variables ``broken`` and ``keys``."""
    return f"""RAISE assert_failure USING
      MESSAGE = pg_catalog.format('check "%s" failed: %s (%s, first keys: %s)',
        {name}, {sentence},
        CASE broken WHEN 1 THEN '1 row' ELSE broken || ' rows' END,
        pg_catalog.array_to_string(keys, '; ')),
      HINT = {hint};"""


def block_of_pass(together: Sequence[Check], *, recording: str) -> Statement:
    """Several checks that share a pass, as a block for scripts. It raises for the first that does
    not hold. ``recording`` is plpgsql that runs for each, with its ``name``, ``broken``, ``keys``
    and ``began``, which is NULL but for the first."""

    def listed(texts: Iterable[str]) -> str:
        return f"ARRAY[{', '.join(map(literal, texts))}]"

    raised = _raise("names[failed]", "sentences[failed]", "hints[failed]")
    body = f"""
#variable_conflict use_column
DECLARE
  names text[] := {listed(c.name for c in together)};
  sentences text[] := {listed(c.sentence for c in together)};
  hints text[] := {listed(c.hint or _STOPPED for c in together)};
  name text; broken bigint; keys text[]; began timestamptz := pg_catalog.clock_timestamp();
  results jsonb[]; failed int;
BEGIN
  results := ARRAY(SELECT pg_catalog.jsonb_build_object('broken', r.broken, 'keys', r.keys)
    FROM ({counted(together)}) AS r (broken, keys));
  FOR n IN 1 .. pg_catalog.array_length(names, 1) LOOP
    name := names[n];
    broken := (results[n] ->> 'broken')::bigint;
    keys := ARRAY(SELECT pg_catalog.jsonb_array_elements_text(results[n] -> 'keys'));
    {recording}
    began := NULL;
    IF broken > 0 AND failed IS NULL THEN
      failed := n;
    END IF;
  END LOOP;
  COMMIT;
  IF failed IS NOT NULL THEN
    broken := (results[failed] ->> 'broken')::bigint;
    keys := ARRAY(SELECT pg_catalog.jsonb_array_elements_text(results[failed] -> 'keys'));
    {raised}
  END IF;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")


def _counted(query: str) -> str:
    return (
        "SELECT pg_catalog.count(*), coalesce((pg_catalog.array_agg(k.key ORDER BY k.n))[1:5],"
        " '{}'::pg_catalog.text[])\n"
        "FROM (SELECT z.*, pg_catalog.row_number() OVER () AS n FROM (\n"
        f"{query}\n) AS z (key)) AS k"
    )
