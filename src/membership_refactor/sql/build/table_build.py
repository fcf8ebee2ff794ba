"""Table build: how a table is built beside a live one. Build in ranges, replay the log, switch.

It consists of functions in the ledger schema, so that runner and script run the same text:
``build`` does a range and ``drain`` replays the log.
"""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.sql.capture.change_log import ChangeLog
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import dollar_quoted
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import SYNC_MARK, SYNC_ON

LOOKED_AT = 1_000
"""Entries of the log that are counted before each round. The whole log may be long."""


AT_ONCE = "SET CONSTRAINTS ALL IMMEDIATE"
"""Asked at the commit, a deferred unique key would raise where nothing can mend it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBuild:
    """One build: its log, what its ranges run along, and its function bodies."""

    names: Names
    job: str
    log: ChangeLog
    target: str
    """The table that is built, quoted and qualified."""
    route: RowId
    """The indexed columns of the watched table along which the ranges run."""
    route_type: str
    build_range: str
    """INSERT for the rows of ``%(where)s``; ``alias`` is the watched table in it."""
    alias: str
    replay_keys: str
    """plpgsql that corrects the rows of the keys in ``taken``. It may be repeated."""
    replay_clear: str
    """plpgsql for a TRUNCATE: deletes every row without an origin."""
    catch_up: str = ""
    """One statement that replays everything in one snapshot; empty unless rows are copied."""
    route_null: bool = False
    """Whether the route may be NULL. Those rows are a range of their own."""
    build_popular: str = ""
    """As ``build_range``, for rows of popular values in ranges along the log's key; empty where
    the route is unique."""

    def function(self, purpose: str) -> str:
        return self.names.own(f"{self.job}_{purpose}")

    @property
    def popular(self) -> str:
        """The table of the values of the route that have too many rows for one range."""
        return self.function("popular")

    def function_statements(self) -> tuple[Statement, ...]:
        """CREATE of ``build``, ``build_null``, ``build_popular`` with its table, and ``drain``."""
        t = self.route_type
        made = [
            *self._function(
                "build", f"first {t}, last {t}", "bigint", self._build(self._between())
            ),
            *self._function("drain", "entries bigint", "bigint", self._drain()),
        ]
        if self.route_null:
            condition = self.route.absent(self.alias)
            made += self._function("build_null", "", "bigint", self._build(condition))
        if self.build_popular:
            k, route = self.log.key_type, self.route.listed(self.alias)
            listed = f"SELECT {{}} FROM {self.popular} AS l"
            condition = (
                f"{self.log.key.between(self.alias, 'first', 'last')}\n"
                f"    AND ({route} IN ({listed.format('l.value')})\n"
                f"      OR {route} IS NULL AND EXISTS ({listed.format('')} WHERE l.value IS NULL))"
            )
            made += (
                Statement(f"CREATE TABLE IF NOT EXISTS {self.popular} (value {t})"),
                *self._function(
                    "build_popular",
                    f"first {k}, last {k}",
                    "bigint",
                    self._build(condition, self.build_popular),
                ),
            )
        return tuple(made)

    def drop_statements(self) -> tuple[Statement, ...]:
        purposes = ("build", "drain", "build_null", "build_popular")
        return (
            *(Statement(f"DROP FUNCTION IF EXISTS {self.function(p)}") for p in purposes),
            *((Statement(f"DROP TABLE IF EXISTS {self.popular}"),) if self.build_popular else ()),
        )

    def pending_query(self) -> str:
        """SELECT of (keys, marks, entries, more) in the first entries of the log.

        ``more`` says that the log may hold more. Then the rest may take long, and it must not be
        replayed under a short lock.
        """
        return (
            "SELECT coalesce(pg_catalog.sum(l.n), 0)::bigint, "
            "pg_catalog.count(*) FILTER (WHERE l.keys IS NULL), pg_catalog.count(*),\n"
            f"  pg_catalog.count(*) = {LOOKED_AT}\n"
            f"FROM (SELECT n, keys FROM {self.log.log} LIMIT {LOOKED_AT}) AS l"
        )

    def waiting_query(self) -> str:
        """SELECT of the number of keys in the whole log; a mark counts as one."""
        return (
            "SELECT coalesce(pg_catalog.sum(greatest(l.n, 1)), 0)::bigint\n"
            f"FROM {self.log.log} AS l"
        )

    def _between(self) -> str:
        return self.route.between(self.alias, "first", "last")

    def _build(self, condition: str, insert: str | None = None) -> str:
        return f"""
DECLARE
  written bigint;
BEGIN
  {(insert or self.build_range).replace("%(where)s", condition)};
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;
END
"""

    def _drain(self) -> str:
        log, key, key_type = self.log.log, self.log.key, self.log.key_type
        # The ids in the log are those of the target; the links in it are the ids of parents.
        of_target = self.names.parent_id if self.log.old_too else key
        take = (
            "WITH gone AS (\n"
            f"    DELETE FROM {log} AS l WHERE l.ctid = ANY (ARRAY(\n"
            f"      SELECT m.ctid FROM {log} AS m LIMIT entries)) RETURNING l.keys)\n"
            f"  SELECT (SELECT pg_catalog.array_agg(DISTINCT {key.element})\n"
            f"      FROM gone AS g, LATERAL {key.elements('g.keys')}),\n"
            "    (SELECT pg_catalog.count(*) FROM gone AS g WHERE g.keys IS NULL),\n"
            "    (SELECT pg_catalog.count(*) FROM gone AS g)\n"
            "  INTO taken, marks, consumed"
        )
        # A unique value may have moved from one changed row to another whose entry is still in the
        # log. The whole log together has no such conflict, because the origin has none.
        return f"""
DECLARE
  taken {key_type}[]; marks bigint; consumed bigint; before {key_type}[]; earlier bigint;
BEGIN
  {take};
  IF marks > 0 THEN
    {self.replay_clear}
  END IF;
  BEGIN
    {AT_ONCE};
    {self.replay_keys}
  EXCEPTION WHEN unique_violation OR exclusion_violation THEN
    before := taken; earlier := consumed; entries := NULL;
    {take};
    taken := before || taken; consumed := earlier + consumed;
    DELETE FROM {self.target} AS b WHERE {of_target.in_array("b", "taken")};
    {self.replay_keys}
  END;
  RETURN consumed;
END
"""

    def _function(
        self, purpose: str, arguments: str, returns: str, body: str
    ) -> tuple[Statement, ...]:
        name, settings = self.function(purpose), self.route.settings
        return (
            Statement(
                f"CREATE OR REPLACE FUNCTION {name}({arguments}) RETURNS {returns}\n"
                f"LANGUAGE plpgsql SET search_path = {self.names.search_path} "
                f"SET {SYNC_MARK} = {SYNC_ON}{settings} AS "
                + dollar_quoted("\n#variable_conflict use_variable" + body)
            ),
            Statement(f"REVOKE ALL ON FUNCTION {name} FROM PUBLIC"),
        )
