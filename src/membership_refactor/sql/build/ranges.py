"""Ranges: the statements for a job that is done range by range.

The runner and a psql script share them, so either goes on where the other stopped. Arguments are
SQL expressions: literals in the runner, variables of plpgsql in a script.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from membership_refactor.sql.names import Names
from membership_refactor.sql.pacing.pace import LOCKING_SIZES, PRIVATE_SIZES, Sizes
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.row_id import RowId

WAIT = (
    "pg_catalog.set_config('lock_timeout', least(2000, s.setting::int / 2)::text, false)\n"
    "FROM pg_catalog.pg_settings AS s WHERE s.name = 'deadlock_timeout'"
)
"""Of SELECT or PERFORM. Half of deadlock_timeout at most: so this session, and not a writer, gives
up in a deadlock. It tries again."""

VACUUMS = 10
"""How often a table is vacuumed while all its rows are written. Each pass reads every index, and
the table grows by a part of this size."""
FEWEST_TO_VACUUM = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeJob:
    """A function that is called for ranges of a column, or of several.

    The ledger has a row for the job and one for each range. A range is claimed in one transaction
    and done in the next, together with the record that it is done.
    """

    names: Names
    job: str
    """Unique in the plan."""
    table: str
    """The table that the ranges run along, quoted and qualified."""
    route: RowId
    """What the ranges run along."""
    route_type: str
    function: str
    """Takes the first and the last value of a range; returns the number of rows."""
    null_function: str | None = None
    """The same for the rows whose route is NULL."""
    popular: str | None = None
    """The table that lists values with more rows than a batch may have; another job does them.
    None: all rows of a value are one batch, with no other value in it."""
    only_if: str = ""
    """A condition without which there is nothing to do; empty if there always is."""
    locking: bool = True
    """Whether a batch locks or changes rows that others write; a private table's are nobody's."""
    vacuum: bool = False
    """Whether the table is vacuumed whenever another part of its rows has been written."""

    @property
    def sizes(self) -> Sizes:
        return LOCKING_SIZES if self.locking else PRIVATE_SIZES

    @property
    def _jobs(self) -> str:
        return qualified(self.names.ledger, "job")

    @property
    def _ranges(self) -> str:
        return qualified(self.names.ledger, "batch")

    @property
    def _key(self) -> str:
        return f"{literal(self.names.plan.name)}, {literal(self.job)}"

    @property
    def _mine(self) -> str:
        return f"(plan, job) = ({self._key})"

    # --- between batches ----------------------------------------------------------------

    def rows_to_vacuum(self) -> str:
        """SELECT of the number of rows after which the table is vacuumed, so that the next ones
        find the room of the old versions."""
        if self.names.partitioned:
            return (
                f"SELECT greatest(pg_catalog.sum(c.reltuples) / {VACUUMS}, {FEWEST_TO_VACUUM})"
                f"::bigint FROM pg_catalog.pg_partition_tree({literal(self.table)}"
                "::pg_catalog.regclass) AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.relid "
                "AND p.isleaf"
            )
        return (
            f"SELECT greatest(c.reltuples / {VACUUMS}, {FEWEST_TO_VACUUM})::bigint "
            f"FROM pg_catalog.pg_class AS c WHERE c.oid = {literal(self.table)}"
            "::pg_catalog.regclass"
        )

    def vacuum_statement(self) -> str:
        """VACUUM, which stops no writer. It does nothing while another one is at work."""
        return f"VACUUM (SKIP_LOCKED, TRUNCATE false) {self.table}"

    # --- the job ------------------------------------------------------------------------

    def begin(self) -> str:
        return f"INSERT INTO {self._jobs} (plan, job) VALUES ({self._key}) ON CONFLICT DO NOTHING"

    def read_bound(self) -> str:
        """UPDATE that records the highest value of the route.

        Run it in a transaction of its own after capture is committed: what commits later is in
        the log. A job that was resumed may have done the rows without a value already; a route
        that is NULL everywhere has no bound.
        """
        route = self.route
        only = f" AND {self.only_if}" if self.only_if else ""
        return (
            f"UPDATE {self._jobs} AS j SET bound = (SELECT {route.text('t')} "
            f"FROM {self.table} AS t\n"
            f"    WHERE {route.present('t')}{only} "
            f"ORDER BY {route.listed('t', ' DESC')} LIMIT 1),\n"
            f"  nulls_done = j.nulls_done OR {'false' if self.null_function else 'true'}\n"
            f"WHERE {self._mine} AND j.bound IS NULL AND NOT j.exhausted"
        )

    def state(self, only_while: str = "") -> str:
        """SELECT of (claimed, bound, nulls_done, exhausted); locks the row of the job.

        ``only_while`` is a condition without which there is no row.
        """
        return (
            "SELECT claimed, bound, nulls_done, exhausted\n"
            f"FROM {self._jobs} WHERE {self._mine}{_and(only_while)} FOR UPDATE"
        )

    def rows(self) -> str:
        """SELECT of the rows of all ranges that are done."""
        return (
            f"SELECT coalesce(pg_catalog.sum(b.rows), 0)::bigint FROM {self._ranges} AS b\n"
            f"WHERE {self._mine} AND b.done"
        )

    def close(self) -> tuple[str, str]:
        """DELETE of the job and its ranges: the step may run again after a downgrade."""
        return close_job(self.names.ledger, self.names.plan.name, self.job)

    # --- claiming a range ---------------------------------------------------------------

    def left_behind(self, active: str = "0") -> str:
        """SELECT of (n, first, last) of a range that was claimed and not done.

        ``active`` lists the numbers that other workers of this run are at.
        """
        return (
            f"SELECT n, first, last FROM {self._ranges}\n"
            f"WHERE {self._mine} AND NOT done AND n NOT IN ({active}) ORDER BY n LIMIT 1"
        )

    def free(self, active: str) -> str:
        """The same of a range that no other session is at: a session that does a range holds the
        lock of its row."""
        return f"{self.left_behind(active)} FOR UPDATE SKIP LOCKED"

    def elsewhere(self, active: str) -> str:
        """SELECT of the number of the first range that another process has claimed and not done.

        With FOR UPDATE behind it, it waits until that process has ended the range or has gone.
        """
        return (
            f"SELECT n FROM {self._ranges}\n"
            f"WHERE {self._mine} AND NOT done AND n NOT IN ({active}) ORDER BY n LIMIT 1"
        )

    def following(self, *, claimed: str, bound: str, size: str, most: str) -> str:
        """SELECT of (first, last, popular) of the next range; first is NULL if there is none.

        A range has ``size`` rows at most. A value with more rows is a range of its own. If it has
        more than ``most`` too, it is popular where the job lists such values.
        """
        route, kind = self.route, self.route_type
        rest = (
            f"FROM {self.table} AS t\n"
            f"    WHERE {route.compared('t', '<=', f'{bound}::{kind}')}\n"
            f"      AND ({claimed} IS NULL OR {route.compared('t', '>', f'{claimed}::{kind}')})"
        )
        ordered = f"SELECT {route.word('t')} {rest} ORDER BY {route.listed('t')}"
        popular = (
            f"({ordered} OFFSET {most}::bigint LIMIT 1) = x.first" if self.popular else "false"
        )
        # Materialized, so that each is looked up once.
        return (
            f"WITH x AS MATERIALIZED (SELECT ({ordered} LIMIT 1) AS first,\n"
            f"  ({ordered} OFFSET {size}::bigint LIMIT 1) AS later)\n"
            "SELECT x.first::text, CASE WHEN x.later IS NULL THEN "
            f"{bound} WHEN x.later = x.first THEN x.first::text\n"
            f"  ELSE (SELECT {route.text('t')} {rest}\n"
            f"      AND {route.compared('t', '<', 'x.later')} "
            f"ORDER BY {route.listed('t', ' DESC')} LIMIT 1) END,\n"
            f"  x.later = x.first AND {popular} IS TRUE\n"
            "FROM x"
        )

    def claim_nulls(self) -> str:
        return f"UPDATE {self._jobs} SET nulls_done = true WHERE {self._mine}"

    def list_nulls(self, most: str) -> str:
        """INSERT of one row where more than ``most`` rows have no value: then NULL is popular."""
        return (
            f"INSERT INTO {self.popular} SELECT NULL\n"
            f"WHERE (SELECT pg_catalog.count(*) FROM (SELECT FROM {self.table} AS t\n"
            f"    WHERE {self.route.absent('t')} LIMIT {most}::bigint + 1) AS n) > {most}"
        )

    def list_popular(self, first: str) -> str:
        """INSERT of a popular value, in the transaction that claims it."""
        return f"INSERT INTO {self.popular} VALUES ({first}::{self.route_type})"

    def claim(self, last: str) -> str:
        return f"UPDATE {self._jobs} SET claimed = {last} WHERE {self._mine}"

    def exhaust(self) -> str:
        return f"UPDATE {self._jobs} SET exhausted = true WHERE {self._mine}"

    def insert(self, *, first: str, last: str, worker: str) -> str:
        """INSERT of a range; returns its number."""
        return (
            f"INSERT INTO {self._ranges} (plan, job, n, first, last, worker)\n"
            f"SELECT {self._key}, coalesce(pg_catalog.max(b.n), 0) + 1, {first}, {last},\n"
            f"  {literal(worker)}\n"
            f"FROM {self._ranges} AS b WHERE {self._mine} RETURNING n"
        )

    # --- doing it -----------------------------------------------------------------------

    def is_done(self, n: str) -> str:
        """SELECT of whether the range is done. Its row lock lets the backend of a killed client,
        which may still be at this range, finish first."""
        return f"SELECT done FROM {self._ranges} WHERE {self._mine} AND n = {n} FOR UPDATE"

    def take(self, n: str, only_while: str = "") -> str:
        """SELECT of (first, last) of the range; no row where it is done, or another session is at
        it. Its row lock is the claim: it ends with the transaction, or with the session."""
        return (
            f"SELECT first, last FROM {self._ranges} WHERE {self._mine} AND n = {n} AND NOT done"
            f"{_and(only_while)} FOR UPDATE SKIP LOCKED"
        )

    def call(self, first: str, last: str) -> str:
        """An expression that does the range and is the number of its rows."""
        return f"{self.function}({first}::{self.route_type}, {last}::{self.route_type})"

    def call_null(self) -> str:
        return f"{self.null_function}()" if self.null_function else "0"

    @property
    def digest(self) -> str:
        """The same wherever a range means the same rows and the same work."""
        texts = (
            self.read_bound(),
            self.following(claimed="claimed", bound="bound", size="size", most="most"),
            self.list_nulls("most") if self.popular else "",
            self.call("first", "last"),
            self.call_null(),
        )
        return hashlib.sha256("\0".join(texts).encode()).hexdigest()

    def finish(self, n: str, rows: str) -> str:
        """UPDATE that records the range as done, in the transaction that does it."""
        return (
            f"UPDATE {self._ranges} SET done = true, rows = {rows},\n"
            f"  done_at = pg_catalog.clock_timestamp() WHERE {self._mine} AND n = {n}"
        )


def _and(condition: str) -> str:
    return f" AND {condition}" if condition else ""


def close_job(ledger: str, plan: str, job: str) -> tuple[str, str]:
    """DELETE of the job and of its ranges."""
    mine = f"(plan, job) = ({literal(plan)}, {literal(job)})"
    return (
        f"DELETE FROM {qualified(ledger, 'batch')} WHERE {mine}",
        f"DELETE FROM {qualified(ledger, 'job')} WHERE {mine}",
    )
