"""Claim: finds or creates the parent of a key through the unique key, safe among other writers."""

from __future__ import annotations

from membership_refactor.sql.parallel.sides import Sides, function
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.types import declared_type

TRIES = 100
"""After this many collisions something is broken, and the function raises."""


def claim_function(sides: Sides) -> tuple[Statement, ...]:
    """``claim(key..., values, xid, OUT own_claimed, OUT own_made)``.

    ``values`` is one record of the parent's values and the change time, because a function takes
    100 arguments at most.

    The parent is updated without a change, not only locked. ``own_made`` is true if this call
    created it.

    Most parents have the computed uuid and are found by it. Otherwise INSERT ... ON CONFLICT DO
    NOTHING runs without a conflict target: so it also waits for a session that is inserting the
    same uuid. (With a target that would be an error of the primary key.) Then ON CONFLICT (key) DO
    UPDATE follows, because the parent of the key may have any uuid. No column has the names of the
    variables: in ON CONFLICT (column) a variable of that name would win.
    """
    names, plan, u = sides.names, sides.plan, sides.uuid
    keys = [f"own_k{n}" for n in range(1, len(sides.key) + 1)]
    rest = sides.shared[len(keys) :]
    given = [*keys, *(f"own_values.f{n}" for n in range(1, len(rest) + 1))]
    arguments = [f"{n} {declared_type(c)}" for n, c in zip(keys, sides.key, strict=True)]
    arguments += [
        "own_values record",
        "own_xid pg_catalog.xid",
        "OUT own_claimed pg_catalog.uuid",
        "OUT own_made boolean",
    ]
    insert = (
        f"INSERT INTO {names.parent} AS p ({u}, {listed(sides.shared)})\n"
        f"    VALUES ({', '.join(['own_candidate', *given])})"
    )
    by_key = " || ' AND ' || ".join(
        f"CASE WHEN {k} IS NULL THEN {literal(f'p.{ident(c.name)} IS NULL')} "
        f"ELSE {literal(f'p.{ident(c.name)} = ${n}')} END"
        for n, (k, c) in enumerate(zip(keys, sides.key, strict=True), start=1)
    )
    look_up = literal(f"SELECT p.{u} FROM {names.parent} AS p WHERE ")
    same = sides.same_key("p", ", ".join(keys))
    body = f"""  own_candidate := {names.own("uuid")}({", ".join(keys)});
  FOR try IN 1..{TRIES} LOOP
    SELECT {same} INTO own_ours FROM {names.parent} AS p WHERE p.{u} = own_candidate;
    IF own_ours THEN
      UPDATE {names.parent} AS p SET {u} = p.{u}
      WHERE p.{u} = own_candidate AND {same} AND p.xmin OPERATOR(pg_catalog.<>) own_xid;
      IF NOT FOUND THEN
        PERFORM 1 FROM {names.parent} AS p
        WHERE p.{u} = own_candidate AND {same} AND p.xmin OPERATOR(pg_catalog.=) own_xid;
      END IF;
      IF FOUND THEN
        own_claimed := own_candidate; own_made := false;
        RETURN;
      END IF;
      CONTINUE;
    END IF;
    IF NOT own_ours THEN
      -- This uuid belongs to a parent whose key was changed.
      own_candidate := {names.own("another_uuid")}(own_candidate);
      CONTINUE;
    END IF;
    {insert}
    ON CONFLICT DO NOTHING RETURNING p.{u} INTO own_claimed;
    IF own_claimed IS NOT NULL THEN
      -- An earlier parent with this uuid may be listed as emptied.
      DELETE FROM {names.own("emptied")} AS e WHERE e.uuid = own_claimed;
      own_made := true;
      RETURN;
    END IF;
    own_made := false;
    {insert}
    ON CONFLICT ({listed(plan.key)}) DO UPDATE SET {u} = p.{u}
    WHERE p.xmin OPERATOR(pg_catalog.<>) own_xid RETURNING p.{u} INTO own_claimed;
    IF own_claimed IS NULL THEN
      -- This transaction updated it already. No index serves a NULL-safe comparison.
      EXECUTE {look_up} || {by_key} || ' FOR NO KEY UPDATE'
      INTO own_claimed USING {", ".join(keys)};
    END IF;
    IF own_claimed IS NOT NULL THEN
      RETURN;
    END IF;
  END LOOP;
  RAISE serialization_failure USING
    MESSAGE = {literal(f"no row of {plan.parent} could be found or created for this key")},
    HINT = 'Retry the transaction.';"""
    return function(
        names.own("claim"),
        ", ".join(arguments),
        "",
        body,
        declare="  own_candidate pg_catalog.uuid; own_ours boolean;",
        path=names.search_path,
    )


def claim(sides: Sides, key: str, values: list[str], changed: str) -> str:
    """plpgsql that calls ``claim`` and sets the variables ``claimed`` and ``made``."""
    record = ", ".join([*values, *([changed] if sides.plan.changed else [])])
    arguments = f"{key}, ROW({record}), saved.xmin"
    own = sides.names.own("claim")
    return f"SELECT f.own_claimed, f.own_made INTO claimed, made FROM {own}({arguments}) AS f;"


def provisional_functions(sides: Sides) -> tuple[Statement, ...]:
    """``provisional(key...)``: the uuid that the parent of this key most likely has, never that of
    a parent with another key. ``is_provisional(uuid, key...)``: whether it returned this uuid."""
    names = sides.names
    keys = [f"k{n}" for n in range(1, len(sides.key) + 1)]
    arguments = ", ".join(f"{k} {declared_type(c)}" for k, c in zip(keys, sides.key, strict=True))
    first = f"candidate := {names.own('uuid')}({', '.join(keys)});"
    others = (
        f"EXISTS (SELECT FROM {names.parent} AS p WHERE p.{sides.uuid} = candidate\n"
        f"      AND NOT ({sides.same_key('p', ', '.join(keys))}))"
    )
    following = f"candidate := {names.own('another_uuid')}(candidate);"
    declare = "  candidate pg_catalog.uuid;"
    return (
        *function(
            names.own("provisional"),
            arguments,
            "pg_catalog.uuid",
            f"  {first}\n  WHILE {others} LOOP\n    {following}\n  END LOOP;\n  RETURN candidate;",
            declare=declare,
        ),
        *function(
            names.own("is_provisional"),
            f"given pg_catalog.uuid, {arguments}",
            "boolean",
            f"  {first}\n  WHILE candidate <> given LOOP\n    IF NOT {others} THEN\n"
            f"      RETURN false;\n    END IF;\n    {following}\n  END LOOP;\n  RETURN true;",
            declare=declare,
        ),
    )
