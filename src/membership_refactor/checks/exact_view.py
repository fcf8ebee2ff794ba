"""Checks of the view of the old shape: before it is made, while it stands, before it goes."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.checks.check import Check, Reach
from membership_refactor.portrait import Column
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.types import differs


def can_be_made(names: Names) -> Check:
    """Each row is what stands in its place, or a privilege that is missing."""
    schema, name = literal(names.old_schema), literal(names.plan.source)
    database = "pg_catalog.current_database()"
    return Check(
        name="the view of the old shape can be made",
        sentence=f"{names.old_shape} is free, and its schema can be made or used",
        query=(
            "SELECT pg_catalog.format('%I.%I is there already', n.nspname, c.relname)\n"
            "FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n "
            f"ON n.oid = c.relnamespace\nWHERE n.nspname = {schema} AND c.relname = {name}\n"
            "UNION ALL\n"
            "SELECT pg_catalog.format('GRANT USAGE, CREATE ON SCHEMA %I TO %I', n.nspname, "
            f"current_user)\nFROM pg_catalog.pg_namespace AS n WHERE n.nspname = {schema}\n"
            "AND NOT (pg_catalog.has_schema_privilege(n.oid, 'CREATE')\n"
            "  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'))\n"
            "UNION ALL\n"
            f"SELECT pg_catalog.format('GRANT CREATE ON DATABASE %I TO %I', {database}, "
            "current_user)\n"
            f"WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {schema})\n"
            f"AND NOT pg_catalog.has_database_privilege({database}, 'CREATE')\n"
            f"AND NOT pg_catalog.has_database_privilege(session_user, {database}, 'CREATE')"
        ),
        reach=Reach.CATALOG,
        hint="Give what stands there another name, or run the GRANT that is named.",
    )


def is_as_it_was(names: Names, columns: Sequence[Column], *, joined: bool) -> tuple[Check, ...]:
    """The view has the columns of the archive, and a row for each child. ``joined`` says that the
    leaving columns come from the parent."""
    plan = names.plan
    child, id = names.child, names.id
    rows = f"{child} AS o"
    if joined:
        stay = (c.name for c in columns if c.name not in plan.leaving)
        rows = (
            f"(SELECT {listed(stay, 'c.')}, {listed(plan.leaving, 'p.')}\n"
            f"  FROM {child} AS c LEFT JOIN {names.parent} AS p "
            f"ON p.{ident(plan.parent_id)} = c.{ident(plan.link)}) AS o"
        )
    # The time of the last change may be that of the parent.
    same = tuple(c for c in columns if not joined or c.name != plan.changed)
    exact = Check(
        name="the view of the old shape has every row",
        sentence=f"{names.old_shape} has each row of {child} in the old shape, and no other",
        query=(
            f"SELECT {id.text_of_either('o', 'v')}\n"
            f"FROM {rows} FULL JOIN {names.old_shape} AS v ON {id.same('v', 'o')}\n"
            f"WHERE {id.absent('o')} OR {id.absent('v')} OR {differs(same, 'v', 'o')}"
        ),
    )
    return (_columns(names), exact)


def _columns(names: Names) -> Check:
    def of(table: str) -> str:
        return (
            "SELECT pg_catalog.row_number() OVER (ORDER BY a.attnum) AS n, a.attname,\n"
            "    pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, a.attcollation\n"
            "  FROM pg_catalog.pg_attribute AS a\n"
            f"  WHERE a.attrelid = pg_catalog.to_regclass({literal(table)}) AND a.attnum > 0\n"
            "  AND NOT a.attisdropped"
        )

    return Check(
        name="the view of the old shape has every column",
        sentence=f"{names.old_shape} has the columns of {names.retired} and their types",
        query=(
            "SELECT pg_catalog.format('%s %s in the view, %s %s in the archive', v.attname, "
            "v.type, a.attname, a.type)\n"
            f"FROM (\n  {of(names.old_shape)}) AS v\nFULL JOIN (\n  {of(names.retired)}) AS a "
            "USING (n)\nWHERE (v.attname, v.type, v.attcollation) IS DISTINCT FROM\n"
            "  (a.attname, a.type, a.attcollation)"
        ),
        reach=Reach.CATALOG,
    )


def nothing_reads_it(names: Names) -> Check:
    """Each row is an object of the database that hangs on the view, so that it could not go."""
    view = f"pg_catalog.to_regclass({literal(names.old_shape)})"
    return Check(
        name="nothing hangs on the view of the old shape",
        sentence=f"no view or function of the database is made over {names.old_shape}",
        query=(
            "SELECT DISTINCT coalesce('view ' || w.ev_class::pg_catalog.regclass::text,\n"
            "  pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid))\n"
            "FROM pg_catalog.pg_class AS v JOIN pg_catalog.pg_type AS t ON t.oid = v.reltype\n"
            "JOIN pg_catalog.pg_depend AS d ON d.deptype = 'n'\n"
            "  AND (d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass "
            "AND d.refobjid = v.oid\n"
            "    OR d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass\n"
            "    AND d.refobjid IN (t.oid, t.typarray))\n"
            "LEFT JOIN pg_catalog.pg_rewrite AS w\n"
            "  ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = d.objid\n"
            f"WHERE v.oid = {view} AND w.ev_class IS DISTINCT FROM v.oid ORDER BY 1"
        ),
        reach=Reach.CATALOG,
        hint="Change or drop each of these, then run the same command again.",
    )
