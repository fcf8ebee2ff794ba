"""Table build: how a table is built beside a live one. Build in ranges, replay the log, switch.

It consists of functions in the ledger schema, so that runner and script run the same text:
``build`` does a range and ``drain`` replays the log.
"""

from __future__ import annotations

from dataclasses import dataclass

from membership_refactor.portrait import Column, Table
from membership_refactor.sql.capture.change_log import ChangeLog
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.grouping import grouped, insert_parents
from membership_refactor.sql.parents.parent_uuid import computed
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import dollar_quoted, ident
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import SYNC_MARK, SYNC_ON
from membership_refactor.sql.types import differs

LOOKED_AT = 1_000
"""Entries of the log that are counted before each round. The whole log may be long."""


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


def build_of_copy(names: Names, source: Table) -> TableBuild:
    """0003: copies the source's rows and computes the link, if there is one."""
    plan = names.plan
    writable = tuple(c for c in source.columns if c.generated is None)
    link = ((plan.link, computed(names, "a", "link")),) if plan.link else ()
    return _build_of_rows(names, "copy", names.source, names.copy, writable, extra=link)


def build_of_retired(names: Names, copy: Table) -> TableBuild:
    """The downgrade of 0005: brings the archive up to date with the copy."""
    plan = names.plan
    writable = tuple(c for c in copy.columns if c.generated is None and c.name != plan.link)
    return _build_of_rows(names, "retired", names.copy, names.retired, writable, present=True)


def _build_of_rows(
    names: Names,
    job: str,
    origin: str,
    target: str,
    writable: tuple[Column, ...],
    *,
    extra: tuple[tuple[str, str], ...] = (),
    present: bool = False,
) -> TableBuild:
    id = names.id
    id_type = id.type_in(writable)
    bare = [c.name for c in writable]
    written = listed([*bare, *(name for name, _ in extra)])
    read = ", ".join([listed(bare, "a."), *(value for _, value in extra)])
    apart = differs(id.others(writable), "a", "b")
    insert = (
        f"INSERT INTO {target} AS b ({written})\n"
        f"  OVERRIDING SYSTEM VALUE SELECT {read}\n  FROM {origin} AS a WHERE %(where)s"
    )
    absent = f"NOT EXISTS (SELECT FROM {target} AS b WHERE {id.same('b', 'a')})"
    log = ChangeLog(names=names, job=job, table=origin, key=id, key_type=id_type, old_too=False)
    remove = (
        f"DELETE FROM {target} AS b WHERE %(where)s AND NOT EXISTS (\n"
        f"    SELECT FROM {origin} AS a WHERE {id.same('a', 'b')} AND NOT {apart})"
    )
    replay = (
        remove.replace("%(where)s", id.in_array("b", "taken"))
        + ";\n    "
        + insert.replace("%(where)s", f"{id.in_array('a', 'taken')} AND {absent}")
        + ";"
    )
    build = insert
    if present:
        # There are rows already: delete those that differ or have no origin, add the missing ones.
        away = remove.replace("%(where)s", id.between("b", "first", "last"))
        # A unique value may have moved here from a later range, where its old row still stands.
        # Then the replay inserts the missing rows, after every range has been done.
        later = (
            f"INSERT INTO {log.log} (keys, n)\n"
            "    SELECT pg_catalog.array_agg(w.k), pg_catalog.count(*) FROM (\n"
            f"      SELECT {id.word('a')} AS k FROM {origin} AS a "
            f"WHERE %(where)s AND {absent}) AS w\n"
            "    HAVING pg_catalog.count(*) > 0"
        )
        build = (
            f"BEGIN\n    {away};\n    {insert} AND {absent};\n"
            "  EXCEPTION WHEN unique_violation OR exclusion_violation THEN\n"
            f"    {away};\n    {later};\n  END"
        )
    clear = (
        f"DELETE FROM {target} AS b WHERE NOT EXISTS (\n"
        f"      SELECT FROM {origin} AS a WHERE {id.same('a', 'b')});"
    )
    return TableBuild(
        names=names,
        job=job,
        log=log,
        target=target,
        route=id,
        route_type=id_type,
        build_range=build,
        alias="a",
        replay_keys=replay,
        replay_clear=clear,
        catch_up=_catch_up(log, target, written, read),
    )


def _catch_up(log: ChangeLog, target: str, written: str, read: str) -> str:
    """One statement, and so one snapshot, that replays the whole log.

    Afterwards the target is the origin at one moment, so a unique index can be built. Before, a
    value that moved from one row to another may be in both. The INSERT waits for the count of the
    deleted rows, so rows are deleted before they are inserted.
    """
    id = log.key
    taken = f"{id.element} AS k" if id.several else id.element
    return (
        f"WITH gone AS (DELETE FROM {log.log} AS l RETURNING l.keys),\n"
        f"taken AS (SELECT DISTINCT {taken} FROM gone AS g, {id.elements('g.keys')}),\n"
        f"went AS (DELETE FROM {target} AS b WHERE {id.in_words('b', 't.k', 'taken AS t')}\n"
        "  OR (EXISTS (SELECT FROM gone AS g WHERE g.keys IS NULL) AND NOT EXISTS (\n"
        f"    SELECT FROM {log.table} AS a WHERE {id.same('a', 'b')})) "
        f"RETURNING {id.listed('b')}),\n"
        "counted AS (SELECT pg_catalog.count(*) AS n FROM went)\n"
        f"INSERT INTO {target} AS b ({written}) OVERRIDING SYSTEM VALUE SELECT {read}\n"
        f"FROM counted AS c CROSS JOIN {log.table} AS a\n"
        f"WHERE {id.in_words('a', 't.k', 'taken AS t')} AND c.n >= 0"
    )


def build_of_parents(names: Names, child: Table) -> TableBuild:
    """0006 and 0007: makes a parent of each group of children; a range holds whole groups.

    The ranges run along the first key column if an index begins with it, else along the link,
    which always has an index. Either way all rows of a group fall into one range. Where a value of
    the first key column has too many rows, its groups are done along the link afterwards.
    """
    plan = names.plan
    first = plan.key[0]
    indexed = any(
        index.columns[:1] == (first,) and index.valid and " WHERE " not in index.definition
        for index in child.indexes
    )
    column = child.column(first)
    select = grouped(names, child, "%(where)s", route=first if indexed else None)
    log = ChangeLog(
        names=names,
        job="parent",
        table=names.child,
        key=names.link,
        key_type="pg_catalog.uuid",
        old_too=True,
    )
    return TableBuild(
        names=names,
        job="parent",
        log=log,
        target=names.parent,
        route=RowId((first,)) if indexed else names.link,
        route_type=column.type if indexed else "pg_catalog.uuid",
        build_range=insert_parents(names, child, select),
        build_popular=insert_parents(names, child, grouped(names, child, "%(where)s"))
        if indexed
        else "",
        alias="c",
        replay_keys=f"PERFORM {names.own('settle')}(taken, false);",
        replay_clear=(
            f"DELETE FROM {names.parent} AS b WHERE NOT EXISTS (\n"
            f"      SELECT FROM {names.child} AS c WHERE c.{ident(plan.link)} = "
            f"b.{ident(plan.parent_id)});"
        ),
        route_null=indexed and not column.not_null,
    )
