"""Whether something of somebody else stands on a table or column that a step drops."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.sql.names import Names
from membership_refactor.sql.old_shape.reading import own_views
from membership_refactor.sql.quoting import ident, literal


def nothing_stands_on_parent(names: Names) -> Check:
    """Before the parent is emptied and dropped. A partition that was detached keeps its foreign
    key to the parent, too."""
    return _check("the parent", f'"{names.plan.parent}"', _standing(names, names.parent))


def nothing_stands_on_link(names: Names) -> Check:
    """In place: before the link is dropped."""
    query = _standing(names, names.child, column=names.plan.link)
    return _check("the link", f'the column "{names.plan.link}"', query)


def nothing_stands_on_archive(names: Names) -> Check:
    """Before the archive is dropped."""
    return _check("the archive", f'"{names.plan.retired}"', _standing(names, names.retired))


def nothing_stands_on_copy(names: Names) -> Check:
    """Before the copy is dropped. Where it has taken over from the source, what stands on it goes
    back to the source before that, and this asks for nothing yet."""
    follows = (
        f"\nAND pg_catalog.to_regclass({literal(names.source)}) IN (SELECT t.tgrelid\n"
        "  FROM pg_catalog.pg_trigger AS t WHERE t.tgname OPERATOR(pg_catalog.~)"
        " '_refactor_to_copy_')"
    )
    return _check("the copy", f'"{names.plan.copy}"', _standing(names, names.copy) + follows)


def _check(what: str, called: str, query: str) -> Check:
    return Check(
        name=f"nothing stands on {what}",
        sentence=f"no view, foreign key or other object uses {called}, which this step takes away",
        query=query,
        reach=Reach.CATALOG,
        hint="Drop these (a foreign key: ALTER TABLE … DROP CONSTRAINT) or let them use something "
        "else, then run the same command again.",
    )


def _standing(names: Names, table: str, *, column: str | None = None) -> str:
    """SELECT of each object because of which PostgreSQL would refuse to drop ``table``, or its
    column; and of foreign keys, because of which it is not truncated. What is a part of the table,
    of the child, or made by the tool goes before."""
    family, child = _family(table), _family(names.child)
    itself = f"IN ({family})" if column is None else "IS NULL"
    parts = _parts(family) if column is None else _column(family, column)
    return f"""\
SELECT DISTINCT pg_catalog.pg_describe_object(CASE WHEN w.oid IS NULL THEN d.classid
    ELSE 'pg_catalog.pg_class'::pg_catalog.regclass END, coalesce(w.ev_class, d.objid), 0)
FROM ({parts}) AS m (class, object, part)
JOIN pg_catalog.pg_depend AS d ON d.refclassid = m.class AND d.refobjid = m.object
  AND m.part IN (-1, d.refobjsubid)
LEFT JOIN pg_catalog.pg_rewrite AS w
  ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND w.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint AS k
  ON d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass AND k.oid = d.objid
LEFT JOIN pg_catalog.pg_trigger AS t
  ON d.classid = 'pg_catalog.pg_trigger'::pg_catalog.regclass AND t.oid = d.objid
LEFT JOIN pg_catalog.pg_policy AS p
  ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND p.oid = d.objid
LEFT JOIN pg_catalog.pg_attrdef AS x
  ON d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass AND x.oid = d.objid
LEFT JOIN pg_catalog.pg_proc AS f ON f.oid = coalesce(t.tgfoid, CASE
  WHEN d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass THEN d.objid END)
WHERE d.deptype = 'n'
AND (coalesce(w.ev_class, k.conrelid, t.tgrelid, p.polrelid, x.adrelid) {itself}) IS NOT TRUE
AND (k.conparentid <> 0 OR k.conrelid IN ({child})) IS NOT TRUE
AND (f.pronamespace = pg_catalog.to_regnamespace({literal(ident(names.ledger))})) IS NOT TRUE
AND (w.ev_class IN {own_views(literal(names.ledger))}) IS NOT TRUE"""


def _family(table: str) -> str:
    """SELECT of the OIDs of a table and its partitions."""
    oid = f"pg_catalog.to_regclass({literal(table)})"
    return (
        f"SELECT {oid}::pg_catalog.oid UNION"
        f" SELECT m.relid FROM pg_catalog.pg_partition_tree({oid}) AS m"
    )


def _parts(family: str) -> str:
    """SELECT of the tables and of the types of their rows, as pg_depend knows them, each whole."""
    return (
        "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, f.oid, -1\n"
        f"  FROM ({family}) AS f (oid)\n"
        "  UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, y.oid, -1\n"
        f"  FROM ({family}) AS f (oid)\n"
        "  JOIN pg_catalog.pg_class AS c ON c.oid = f.oid\n"
        "  JOIN pg_catalog.pg_type AS r ON r.oid = c.reltype\n"
        "  JOIN pg_catalog.pg_type AS y ON y.oid IN (r.oid, r.typarray)"
    )


def _column(family: str, column: str) -> str:
    """SELECT of the column in each of the tables."""
    return (
        "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, a.attrelid, a.attnum\n"
        "  FROM pg_catalog.pg_attribute AS a\n"
        f"  WHERE a.attrelid IN ({family}) AND a.attname = {literal(column)}"
    )
