"""The builds of a plan: of the copy, of the archive on the way down, and of the parents."""

from __future__ import annotations

from membership_refactor.portrait import Column, Table
from membership_refactor.sql.build.table_build import AT_ONCE, TableBuild
from membership_refactor.sql.capture.change_log import ChangeLog
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.grouping import grouped, insert_parents
from membership_refactor.sql.parents.parent_uuid import computed
from membership_refactor.sql.parents.partitioned_children import settle_all
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.row_id import RowId
from membership_refactor.sql.types import differs


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
            f"BEGIN\n    {AT_ONCE};\n    {away};\n    {insert} AND {absent};\n"
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
        replay_clear=settle_all(names, shared=False)
        if names.partitioned
        else (
            f"DELETE FROM {names.parent} AS b WHERE NOT EXISTS (\n"
            f"      SELECT FROM {names.child} AS c WHERE c.{ident(plan.link)} = "
            f"b.{ident(plan.parent_id)});"
        ),
        route_null=indexed and not column.not_null,
    )
