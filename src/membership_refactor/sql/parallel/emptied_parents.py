"""Emptied parents: a parent that the tool created is deleted with its last child."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.application_triggers import VARIABLE, silently
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.sides import Sides, function
from membership_refactor.sql.parents.parent_uuid import version_8
from membership_refactor.sql.parents.referring_rows import is_referred
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import trigger_function


def _childless(sides: Sides, uuid: str) -> str:
    return f"NOT EXISTS (SELECT FROM {sides.names.child} AS c WHERE c.{sides.link} = {uuid})"


def collect_function(sides: Sides, *, keep: bool = False) -> tuple[Statement, ...]:
    """``collect(uuids)``: updates each parent, in order, without changing it. Then deletes it if
    the tool created it and it has no child. One that other rows refer to is listed instead.

    If two sessions each take one of the last two children, both update the parent. So the second
    sees the work of the first or fails with 40001. With ``keep`` (the children are frozen) the
    parent is only listed, for the downgrade.
    """
    names, u = sides.names, sides.uuid
    emptied = names.own("emptied")
    act = f"INSERT INTO {emptied} AS e (uuid) VALUES (one) ON CONFLICT DO NOTHING;"
    if not keep:
        act = f"""IF {is_referred(names, "one")} THEN
        {act}
      ELSE
        DELETE FROM {names.parent} AS p WHERE p.{u} = one;
        DELETE FROM {emptied} AS e WHERE e.uuid = one;
      END IF;"""
    own_xid = "pg_catalog.pg_current_xact_id()::pg_catalog.xid"
    body = f"""  FOR one IN SELECT DISTINCT g.g FROM pg_catalog.unnest(uuids) AS g (g)
    WHERE g.g IS NOT NULL ORDER BY g.g LOOP
    {sides.touch("one", xid=own_xid)}
    IF parent.{u} IS NOT NULL AND {version_8("one")} AND {_childless(sides, "one")} THEN
      {act}
    END IF;
  END LOOP;"""
    return function(
        names.own("collect"),
        "uuids pg_catalog.uuid[]",
        "void",
        body,
        declare="  one pg_catalog.uuid; parent record;",
        path=names.search_path,
    )


def left_functions(sides: Sides) -> tuple[Statement, ...]:
    """AFTER statement functions: collect the parents that children left by UPDATE or DELETE.

    They run once per statement, because looking for a remaining child has to pass all dead rows of
    the statement. EXCEPT never becomes a nested loop, whatever plan is cached.
    """
    names, link, one, two = sides.names, sides.link, sides.id.word("o"), sides.id.word("n")
    declare = "  uuids pg_catalog.uuid[];"
    act = f"""IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  {guard(names)}
  PERFORM {names.own("collect")}(uuids);"""
    # Both transition tables have the same order. Most statements end here, at half the cost.
    updated = f"""  IF (SELECT pg_catalog.array_agg(o.{link}) FROM o)
    OPERATOR(pg_catalog.=) (SELECT pg_catalog.array_agg(n.{link}) FROM n) THEN
    RETURN NULL;
  END IF;
  SELECT pg_catalog.array_agg(DISTINCT z.z) INTO uuids FROM (
    SELECT {one}, o.{link} FROM o EXCEPT SELECT {two}, n.{link} FROM n) AS z (i, z)
  WHERE z.z IS NOT NULL;
  {act}
  RETURN NULL;"""
    forget = "\n  ".join(
        f'DELETE FROM {names.own(t)} AS r WHERE r."child id" = ANY (ids);'
        for t in ("replaced", "uuid_map")
    )
    deleted = f"""  SELECT pg_catalog.array_agg(DISTINCT o.{link}), pg_catalog.array_agg({one})
  INTO uuids, ids FROM o;
  IF ids IS NULL THEN
    RETURN NULL;
  END IF;
  {forget}
  {act}
  RETURN NULL;"""
    return (
        *trigger_function(
            names.own("child_left_update"),
            updated,
            declare=declare,
            whole=sides.tables,
            path=sides.names.search_path,
        ),
        *trigger_function(
            names.own("child_left_delete"),
            deleted,
            declare=f"{declare} ids {sides.id_type}[];",
            whole=sides.tables,
            path=sides.names.search_path,
        ),
    )


def truncated_function(sides: Sides, *, keep: bool = False) -> tuple[Statement, ...]:
    """AFTER TRUNCATE of the child: every parent that the tool created has lost its children.

    TRUNCATE also removes rows that an old snapshot does not see, so such a snapshot cannot find
    their parents. It is refused.
    """
    names, u = sides.names, sides.uuid
    ours = f"{names.parent} AS p WHERE {version_8(f'p.{u}')}"
    forget = "".join(f"DELETE FROM {names.own(t)};\n  " for t in ("replaced", "uuid_map"))
    if names.partitioned:
        # A single partition may have been emptied: other children are still there.
        ours += f" AND {_childless(sides, f'p.{u}')}"
        same = sides.id.equals("c", 'r."child id"')
        gone = f"NOT EXISTS (SELECT FROM {names.child} AS c WHERE {same})"
        forget = "".join(
            f"DELETE FROM {names.own(t)} AS r WHERE {gone};\n  " for t in ("replaced", "uuid_map")
        )
    act = (
        f"INSERT INTO {names.own('emptied')} AS e (uuid)\n"
        f"  SELECT p.{u} FROM {ours} ON CONFLICT DO NOTHING;"
    )
    if not keep:
        kept = f"{names.own('referred')}(ARRAY(SELECT p.{u} FROM {ours}))"
        emptied = "" if names.partitioned else f"DELETE FROM {names.own('emptied')};\n  "
        act = f"""{emptied}DELETE FROM {ours} AND p.{u} <> ALL ({kept});
  {act}"""
    message = f"{sides.plan.child} cannot be truncated in a transaction with an old snapshot"
    body = f"""  IF pg_catalog.current_setting('transaction_isolation')
    IN ('repeatable read', 'serializable') THEN
    RAISE feature_not_supported USING MESSAGE = {literal(message)},
      HINT = 'Run TRUNCATE at READ COMMITTED, or use DELETE.';
  END IF;
  {forget}{act}
  RETURN NULL;"""
    return trigger_function(
        names.own("child_truncated"),
        body,
        whole=sides.tables,
        path=names.search_path,
    )


def list_emptied(sides: Sides) -> Statement:
    """Lists the childless parents that the tool created. Listed parents stay; checks allow it."""
    return Statement(
        f"INSERT INTO {sides.names.own('emptied')} AS e (uuid)\n"
        f"SELECT p.{sides.uuid} FROM {sides.names.parent} AS p\n"
        f"WHERE {version_8(f'p.{sides.uuid}')} AND {_childless(sides, f'p.{sides.uuid}')}\n"
        "ON CONFLICT DO NOTHING"
    )


def delete_childless_function(names: Names, child: Table) -> tuple[Statement, ...]:
    """``delete_childless(lo, hi)``: deletes the parents in that range of uuids that lost their last
    child before the downgrade of link_children switched. Returns how many. No trigger of the
    application fires.

    They have no row in the old table. Their values are kept in the ledger's events. The parents
    are locked first: a child that comes meanwhile is either seen by the next statement, or makes
    its parent again.
    """
    sides = Sides(names, child)
    uuid = f"p.{sides.uuid}"
    alone = f"{uuid} BETWEEN lo AND hi AND {_childless(sides, uuid)}"
    work = f"""PERFORM FROM {names.parent} AS p WHERE {alone} ORDER BY {uuid} FOR UPDATE;
  INSERT INTO {qualified(names.ledger, "event")} (plan, step, direction, event, detail)
  SELECT {literal(names.plan.name)}, 'link_children', 'down', 'childless parent went',
    pg_catalog.to_jsonb(p.*)
  FROM {names.parent} AS p WHERE {alone} AND NOT ({is_referred(names, uuid)});
  DELETE FROM {names.parent} AS p WHERE {alone} AND NOT ({is_referred(names, uuid)});
  GET DIAGNOSTICS written = ROW_COUNT;"""
    body = f"""  IF NOT EXISTS (SELECT FROM {names.parent} AS p WHERE {alone}) THEN
    RETURN 0;
  END IF;
  {silently(names, (names.parent,), work)}
  RETURN written;"""
    return function(
        names.own("delete_childless"),
        "lo pg_catalog.uuid, hi pg_catalog.uuid",
        "bigint",
        body,
        declare=f"  written bigint; {VARIABLE}",
        marked=True,
        path=names.search_path,
    )
