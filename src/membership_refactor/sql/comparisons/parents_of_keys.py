"""The parent of a child's key at 0008: how it is found, and how it is made where it is gone."""

from __future__ import annotations

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.parent_uuid import computed
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.types import differs, keyed


def _key(plan: TableSplit, child: Table) -> tuple[Column, ...]:
    return keyed((child.column(n) for n in plan.key), plan.key)


def dangling(names: Names) -> str:
    """The link of the child ``c`` leads nowhere."""
    plan = names.plan
    own = f"p.{ident(plan.parent_id)} = c.{ident(plan.link)}"
    return f"NOT EXISTS (SELECT FROM {names.parent} AS p WHERE {own})"


def of_key(names: Names, child: Table) -> str:
    """The uuid of the parent that has the key of the child ``c``; NULL where there is none.

    IS NOT DISTINCT FROM knows no index. The usual parent is found by its computed uuid; another
    one of a key without gaps by the unique key. What is left are the parents with a uuid of their
    own and a gap in the key: by the columns that have none, and the first of the unique key.
    """
    plan = names.plan
    uuid, key = ident(plan.parent_id), _key(plan, child)
    find = f"SELECT q.{uuid} FROM {names.parent} AS q WHERE "
    same = f"NOT {differs(key, 'q', 'c')}"
    ways = [f"{find}q.{uuid} = {computed(names, 'c')} AND {same}"]
    ways.append(find + " AND ".join(f"q.{ident(k.name)} = c.{ident(k.name)}" for k in key))
    gaps = [f"c.{ident(k.name)} IS NULL" for k in key if not k.not_null]
    if gaps:
        near = [f"q.{ident(k.name)} = c.{ident(k.name)}" for k in key if k.not_null]
        if not key[0].not_null:
            first = ident(key[0].name)
            near.insert(0, f"(q.{first} = c.{first} OR (q.{first} IS NULL AND c.{first} IS NULL))")
        ways.append(f"{find}({' OR '.join(gaps)})\n    AND {' AND '.join(near)} AND {same}")
    return "coalesce(" + ",\n    ".join(f"({way})" for way in ways) + ")"


def make_parents(names: Names, child: Table, keys: str) -> str:
    """A parent for each key of the dangling children among ``keys``, and they are pointed to it;
    run when none of them has a parent of its key.

    One parent a key, not one a link: two groups may be under one dead link, one group under two.
    A dead uuid goes on with the key that it was computed from, else with that of its latest child,
    unless a child of another key that is not among ``keys`` bears it too: that one would then
    have a parent, of which it says something else. Every other key gets the computed uuid, or the
    next one that no parent has and no child bears.

    One statement, because afterwards nobody knows which links were dead.
    """
    plan = names.plan
    uuid, link, id = ident(plan.parent_id), ident(plan.link), ident(plan.id)
    key, of = _key(plan, child), listed(plan.key, "l.")
    copied = [*plan.deprecated, *((plan.changed,) if plan.changed else ())]

    def own(row: str) -> str:
        return f"({row}.{link} = {computed(names, row)})"

    def latest(row: str) -> str:
        changed = f"{row}.{ident(plan.changed)} DESC NULLS LAST, " if plan.changed else ""
        return f"{changed}{row}.{id} DESC"

    return (
        f"WITH lost AS MATERIALIZED (\n"
        f"  SELECT c.{id}, c.{link}, {listed(copied, 'c.')}\n"
        f"  FROM {names.copy} AS c WHERE c.{id} = ANY ({keys}) AND {dangling(names)}),\n"
        f"kept AS MATERIALIZED (SELECT k.* FROM (\n"
        f"  SELECT DISTINCT ON (l.{link}) l.* FROM lost AS l WHERE l.{link} IS NOT NULL\n"
        f"  ORDER BY l.{link}, {own('l')} DESC, {latest('l')}) AS k\n"
        f"  WHERE NOT EXISTS (SELECT FROM {names.copy} AS o WHERE o.{link} = k.{link}\n"
        f"    AND NOT (o.{id} = ANY ({keys})) AND {differs(key, 'o', 'k')})),\n"
        f"made AS (INSERT INTO {names.parent} AS p ({uuid}, {listed(copied)})\n"
        f"  SELECT coalesce(\n"
        f"    (SELECT k.{link} FROM kept AS k WHERE NOT {differs(key, 'k', 'l')}\n"
        f"    ORDER BY {own('k')} DESC, {latest('k')} LIMIT 1),\n"
        f"    (WITH RECURSIVE free (uuid) AS (SELECT {computed(names, 'l')}\n"
        f"      UNION ALL SELECT {names.own('another_uuid')}(f.uuid) FROM free AS f)\n"
        f"    SELECT f.uuid FROM free AS f\n"
        f"    WHERE NOT EXISTS (SELECT FROM {names.parent} AS q WHERE q.{uuid} = f.uuid)\n"
        f"    AND NOT EXISTS (SELECT FROM {names.copy} AS o WHERE o.{link} = f.uuid) LIMIT 1)),\n"
        f"    {listed(copied, 'l.')}\n"
        f"  FROM (SELECT DISTINCT ON ({of}) l.* FROM lost AS l ORDER BY {of}, {latest('l')}) AS l\n"
        f"  RETURNING p.{uuid}, {listed(plan.key, 'p.')})\n"
        f"UPDATE {names.copy} AS c SET {link} = m.{uuid}\n"
        f"FROM lost AS l JOIN made AS m ON NOT {differs(key, 'm', 'l')}\n"
        f"WHERE c.{id} = l.{id} AND c.{link} IS DISTINCT FROM m.{uuid}"
    )
