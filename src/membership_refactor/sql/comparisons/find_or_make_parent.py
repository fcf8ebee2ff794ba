"""The parent of a child's key at 0008: finding it, and creating it if it no longer exists."""

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


def has_no_parent(names: Names) -> str:
    """A condition: the link of the child ``c`` is the uuid of no parent."""
    plan = names.plan
    own = f"p.{ident(plan.parent_id)} = c.{ident(plan.link)}"
    return f"NOT EXISTS (SELECT FROM {names.parent} AS p WHERE {own})"


def parent_of_key(names: Names, child: Table) -> str:
    """The uuid of the parent that has the key of the child ``c``, or NULL if there is none.

    No index serves IS NOT DISTINCT FROM, so there are up to three look-ups. The first uses the
    computed uuid, which most parents have. The second uses the unique key, if the key holds no
    NULL. The third is for keys with a NULL: it uses the NOT NULL columns and the first column of
    the unique key.
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
    """Creates a parent for each key of the children among ``keys`` that have none, and sets their
    links to it. Run it when no parent with such a key exists.

    It creates one parent per key, not one per link: children of two keys may share a dead link,
    and children of one key may have two. A dead uuid is used again for the key from which it was
    computed, or else for the key of its latest child. It is not used if a child outside ``keys``
    has the same link and another key: that child would then differ from its parent. Every other
    key gets its computed uuid, or the next one that no parent and no child uses.

    This is one statement, because afterwards dead links can no longer be told from others.
    """
    plan = names.plan
    uuid, link, id = ident(plan.parent_id), ident(plan.link), names.id
    key, of = _key(plan, child), listed(plan.key, "l.")
    copied = [*plan.deprecated, *((plan.changed,) if plan.changed else ())]
    read = [n for n in id.columns if n not in copied]

    def has_computed_link(row: str) -> str:
        return f"({row}.{link} = {computed(names, row)})"

    def latest(row: str) -> str:
        changed = f"{row}.{ident(plan.changed)} DESC NULLS LAST, " if plan.changed else ""
        return f"{changed}{id.listed(row, ' DESC')}"

    return (
        f"WITH lost AS MATERIALIZED (\n"
        f"  SELECT {listed([*read, plan.link, *copied], 'c.')}\n"
        f"  FROM {names.child} AS c WHERE {id.in_array('c', keys)} AND {has_no_parent(names)}),\n"
        f"kept AS MATERIALIZED (SELECT k.* FROM (\n"
        f"  SELECT DISTINCT ON (l.{link}) l.* FROM lost AS l WHERE l.{link} IS NOT NULL\n"
        f"  ORDER BY l.{link}, {has_computed_link('l')} DESC, {latest('l')}) AS k\n"
        f"  WHERE NOT EXISTS (SELECT FROM {names.child} AS o WHERE o.{link} = k.{link}\n"
        f"    AND NOT ({id.in_array('o', keys)}) AND {differs(key, 'o', 'k')})),\n"
        f"made AS (INSERT INTO {names.parent} AS p ({uuid}, {listed(copied)})\n"
        f"  SELECT coalesce(\n"
        f"    (SELECT k.{link} FROM kept AS k WHERE NOT {differs(key, 'k', 'l')}\n"
        f"    ORDER BY {has_computed_link('k')} DESC, {latest('k')} LIMIT 1),\n"
        f"    (WITH RECURSIVE free (uuid) AS (SELECT {computed(names, 'l')}\n"
        f"      UNION ALL SELECT {names.own('another_uuid')}(f.uuid) FROM free AS f)\n"
        f"    SELECT f.uuid FROM free AS f\n"
        f"    WHERE NOT EXISTS (SELECT FROM {names.parent} AS q WHERE q.{uuid} = f.uuid)\n"
        f"    AND NOT EXISTS (SELECT FROM {names.child} AS o WHERE o.{link} = f.uuid) LIMIT 1)),\n"
        f"    {listed(copied, 'l.')}\n"
        f"  FROM (SELECT DISTINCT ON ({of}) l.* FROM lost AS l ORDER BY {of}, {latest('l')}) AS l\n"
        f"  RETURNING p.{uuid}, {listed(plan.key, 'p.')})\n"
        f"UPDATE {names.child} AS c SET {link} = m.{uuid}\n"
        f"FROM lost AS l JOIN made AS m ON NOT {differs(key, 'm', 'l')}\n"
        f"WHERE {id.same('c', 'l')} AND c.{link} IS DISTINCT FROM m.{uuid}"
    )
