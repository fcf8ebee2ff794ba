"""Parents from their children: the grouping with its conflict policies, and keeping it true.

Until 0008 a parent is a function of its children: its uuid is their link, its values follow the
policies. Batches, replay and synchronous capture all use the one SELECT of ``grouped``.
"""

from __future__ import annotations

from membership_refactor.planning import Conflict, TableSplit
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import SYNC_MARK, SYNC_ON, OwnTrigger, after, trigger_function
from membership_refactor.sql.types import base_type, differs, equal_is_identical, keyed


def parent_columns(plan: TableSplit, child: Table) -> tuple[Column, ...]:
    """The parent's columns apart from its uuid, with the child's types, in their order."""
    names = (*plan.deprecated, *((plan.changed,) if plan.changed else ()))
    return tuple(child.column(name) for name in names)


def grouped(names: Names, child: Table, condition: str, *, route: str | None = None) -> str:
    """A SELECT of parents: uuid, then the columns of ``parent_columns``, one row a link.

    ``condition`` restricts the children, aliased ``c``. ``route`` is a key column along whose
    index the children come in order: sorting by it first sorts each small run by itself.
    """
    plan = names.plan
    link, table = ident(plan.link), names.copy
    chosen_by = _policies(plan, child)
    policies = {conflict for conflict in chosen_by.values() if conflict is not Conflict.AGREE}
    shared = [*plan.deprecated, *((plan.changed,) if plan.changed else ())]
    if policies <= {Conflict.LATEST} or policies <= {Conflict.FIRST}:
        first = Conflict.FIRST in policies
        run = (f"c.{ident(route)}, " if route else "") + f"c.{link}"
        chosen = [f"c.{ident(n)}" for n in shared]
        if first and plan.changed:
            changed = ident(plan.changed)
            chosen[-1] = f"pg_catalog.max(c.{changed}) OVER (PARTITION BY c.{link}) AS {changed}"
        order = _order(plan, first=first)
        return (
            f"SELECT DISTINCT ON ({run}) c.{link}, {', '.join(chosen)}\n"
            f"FROM {table} AS c WHERE {condition}\n"
            f"ORDER BY {run}, {order}"
        )
    return _mixed(plan, chosen_by, child, f"{table} AS c WHERE {condition}")


def _policies(plan: TableSplit, child: Table) -> dict[str, Conflict]:
    """What chooses each value. Rows that agree on 1.0 and 1.00 have to give one of the two, and
    always the same one: the first row's."""
    images = {c.name for c in child.columns if not equal_is_identical(c)}
    return {
        c.name: Conflict.FIRST if c.conflict is Conflict.AGREE and c.name in images else c.conflict
        for c in plan.parent_columns
    }


def _plain_max(column: Column) -> bool:
    """Whether max() exists, gives the column's own type, and of equal values cannot choose."""
    return equal_is_identical(column) and base_type(column.type) not in ("boolean", "uuid", "bytea")


def _order(plan: TableSplit, *, first: bool) -> str:
    identifier = f"c.{ident(plan.id)}"
    if first or plan.changed is None:
        return identifier
    return f"c.{ident(plan.changed)} DESC NULLS LAST, {identifier} DESC"


def _mixed(plan: TableSplit, chosen_by: dict[str, Conflict], child: Table, rows: str) -> str:
    """Several policies: one row's values per row policy, joined to the aggregates by link.

    ``rows`` is a FROM clause with its condition. A greatest value of which there are several
    images is a row's too: that of the highest id.
    """
    link = ident(plan.link)
    by = {x: tuple(n for n in chosen_by if chosen_by[n] is x) for x in Conflict}
    plain = [n for n in by[Conflict.MAX] if _plain_max(child.column(n))]
    rowwise = [
        ("l", by[Conflict.LATEST], _order(plan, first=False)),
        ("f", by[Conflict.FIRST], _order(plan, first=True)),
    ]
    for number, name in enumerate(n for n in by[Conflict.MAX] if n not in plain):
        order = f"c.{ident(name)} DESC NULLS LAST, c.{ident(plan.id)} DESC"
        rowwise.append((f"m{number}", (name,), order))
    values: dict[str, str] = {}
    joins = []
    for alias, names, order in rowwise:
        if names:
            values |= {n: f"{alias}.{ident(n)}" for n in names}
            joins.append(
                f"JOIN (SELECT DISTINCT ON (c.{link}) c.{link}, {listed(names, 'c.')}\n"
                f"  FROM {rows}\n"
                f"  ORDER BY c.{link}, {order}) AS {alias} ON {alias}.{link} = g.{link}"
            )
    # The key is one within a link, and so is a column on which all agree: any row's will do.
    single = (*plan.key, *by[Conflict.AGREE])
    aggregates = [f"(pg_catalog.array_agg(c.{ident(n)}))[1] AS {ident(n)}" for n in single]
    aggregated = [*plain, *((plan.changed,) if plan.changed else ())]
    aggregates += [f"pg_catalog.max(c.{ident(n)}) AS {ident(n)}" for n in aggregated]
    shared = (*plan.deprecated, *((plan.changed,) if plan.changed else ()))
    chosen = ", ".join(values.get(n, f"g.{ident(n)}") for n in shared)
    return (
        f"SELECT g.{link}, {chosen}\nFROM (SELECT c.{link}, {', '.join(aggregates)}\n"
        f"  FROM {rows} GROUP BY c.{link}) AS g\n" + "\n".join(joins)
    )


def insert_parents(names: Names, child: Table, select: str) -> str:
    """INSERT of what ``grouped`` selects."""
    plan = names.plan
    columns = [plan.parent_id, *(c.name for c in parent_columns(plan, child))]
    return f"INSERT INTO {names.parent} AS p ({listed(columns)})\n{select}"


def settle_function(names: Names, child: Table) -> tuple[Statement, ...]:
    """``settle(uuids, shared)``: afterwards those parents are what their children say.

    With ``shared`` other writers may be at the same groups. Then every parent is first touched by
    an UPDATE: under READ COMMITTED the later writer waits, and the next statement's snapshot sees
    the earlier one's children; under REPEATABLE READ it fails with 40001. A lock would not do:
    the other's snapshot would go on missing our child.
    """
    plan = names.plan
    uuid, link = ident(plan.parent_id), ident(plan.link)
    columns = [c.name for c in parent_columns(plan, child)]
    mine = f"c.{link} IN (SELECT pg_catalog.unnest(uuids))"
    select = grouped(names, child, mine)
    missing = (
        f"SELECT g.* FROM ({select}) AS g\n"
        f"WHERE NOT EXISTS (SELECT FROM {names.parent} AS q WHERE q.{uuid} = g.{link})\n"
        f"ORDER BY g.{link}\n"
        f"ON CONFLICT ({uuid}) DO UPDATE SET {uuid} = excluded.{uuid}"
    )
    # The emptied go first: a cascade (a person's id that changes) reaches a parent before its
    # children's events do, and then it holds the key of the one that is about to be inserted.
    body = f"""
BEGIN
  IF shared THEN
    PERFORM FROM {names.parent} AS p WHERE p.{uuid} = ANY (uuids)
      ORDER BY p.{uuid} FOR NO KEY UPDATE;
    UPDATE {names.parent} AS p SET {uuid} = p.{uuid} WHERE p.{uuid} = ANY (uuids);
  END IF;
  DELETE FROM {names.parent} AS p WHERE p.{uuid} = ANY (uuids)
    AND NOT EXISTS (SELECT FROM {names.copy} AS c WHERE c.{link} = p.{uuid});
  {insert_parents(names, child, missing)};
  UPDATE {names.parent} AS p SET ({listed(columns)}) = ROW ({listed(columns, "g.")})
  FROM ({select}) AS g
  WHERE p.{uuid} = g.{link} AND {differs(keyed(parent_columns(plan, child), plan.key), "p", "g")};
END
"""
    signature = f"{names.own('settle')}(uuids pg_catalog.uuid[], shared pg_catalog.bool)"
    return (
        Statement(
            f"CREATE OR REPLACE FUNCTION {signature} RETURNS void LANGUAGE plpgsql\n"
            f"SET search_path = pg_catalog, pg_temp AS {dollar_quoted(body)}"
        ),
        Statement(
            f"REVOKE ALL ON FUNCTION {names.own('settle')}(pg_catalog.uuid[], pg_catalog.bool) "
            "FROM PUBLIC"
        ),
    )


def let_childless_go(names: Names) -> Statement:
    """Delete the parents that lost their last child before link_children's downgrade switched.

    They have no row in the old table. Their values are kept in the ledger's events. The parents
    are locked first: a child that comes meanwhile is either seen by the next statement, or makes
    its parent again.
    """
    plan = names.plan
    uuid, link = ident(plan.parent_id), ident(plan.link)
    alone = f"NOT EXISTS (SELECT FROM {names.copy} AS c WHERE c.{link} = p.{uuid})"
    event = qualified(names.ledger, "event")
    return Statement(
        "DO "
        + dollar_quoted(
            f"""
BEGIN
  PERFORM pg_catalog.set_config({literal(SYNC_MARK)}, {literal(SYNC_ON)}, true);
  PERFORM FROM {names.parent} AS p WHERE {alone} ORDER BY p.{uuid} FOR UPDATE;
  INSERT INTO {event} (plan, step, direction, event, detail)
  SELECT {literal(plan.name)}, 'link_children', 'down', 'childless parent went',
    pg_catalog.to_jsonb(p.*)
  FROM {names.parent} AS p WHERE {alone};
  DELETE FROM {names.parent} AS p WHERE {alone};
END
"""
        )
    )


def derive_functions(names: Names) -> tuple[Statement, ...]:
    """Synchronous capture of 0007: every write to the child settles its parents at once."""
    plan = names.plan
    key, link = ident(plan.id), ident(plan.link)
    made: list[Statement] = []
    whole = (names.copy, names.parent)
    rows = {"insert": ("n",), "update": ("o", "n"), "delete": ("o",)}
    for kind, tables in rows.items():
        union = " UNION ".join(f"SELECT {t}.{link} AS k FROM {t}" for t in tables)
        locks = (
            ()
            if kind == "delete"
            else (
                # An array, not IN: see the capture between source and copy.
                f"1 FROM {names.copy} AS c\n"
                f"    WHERE c.{key} = ANY (ARRAY(SELECT n.{key} FROM n)) FOR KEY SHARE",
            )
        )
        body = f"""  SELECT pg_catalog.array_agg(z.k) INTO uuids FROM ({union}) AS z
  WHERE z.k IS NOT NULL;
  IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  {guard(names, *locks)}
  PERFORM {names.own("settle")}(uuids, true);
  RETURN NULL;"""
        made += trigger_function(
            names.own(f"derive_{kind}"),
            body,
            declare="  uuids pg_catalog.uuid[];",
            marked=True,
            whole=whole,
        )
    # TRUNCATE, not DELETE: an old snapshot cannot see the parents that are younger than itself,
    # and they would stay. It is refused while the foreign key of 0008 stands (0008 taken back) or
    # while an event of a parent is pending; then whoever has such a snapshot is told to retry.
    made += trigger_function(
        names.own("derive_truncate"),
        f"""  BEGIN
    TRUNCATE {names.parent};
  EXCEPTION WHEN feature_not_supported OR object_in_use THEN
    IF pg_catalog.current_setting('transaction_isolation')
      IN ('repeatable read', 'serializable') THEN
      RAISE serialization_failure USING
        MESSAGE = 'the parents cannot be emptied from a snapshot that may be old',
        HINT = 'Retry the transaction at READ COMMITTED.';
    END IF;
    DELETE FROM {names.parent};
  END;
  RETURN NULL;""",
        marked=True,
        whole=whole,
    )
    return tuple(made)


def derive_triggers(names: Names) -> tuple[OwnTrigger, ...]:
    """On the child, from the switch of 0007 until that of 0008."""
    references = {
        "insert": "NEW TABLE AS n",
        "update": "OLD TABLE AS o NEW TABLE AS n",
        "delete": "OLD TABLE AS o",
        "truncate": "",
    }
    return tuple(
        OwnTrigger(
            name=after(f"derive_{kind}"),
            table=names.copy,
            event=f"AFTER {kind.upper()}",
            function=names.own(f"derive_{kind}"),
            referencing=reference,
        )
        for kind, reference in references.items()
    )
