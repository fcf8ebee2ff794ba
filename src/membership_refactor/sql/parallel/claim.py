"""Claim: a key's parent is found or created through the unique key, whoever else does the same."""

from __future__ import annotations

from membership_refactor.sql.parallel.sides import Sides, function
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.types import base_type

TRIES = 100
"""More than a hundred others cannot have come between; then something is broken."""


def claim_function(sides: Sides) -> tuple[Statement, ...]:
    """``claim(key..., values..., [changed,] xid, OUT own_claimed, OUT own_made)``.

    The parent is touched, not only locked. ``own_made`` is true only where this call created it.
    The usual parent bears the computed uuid and is found by it. Else INSERT ... ON CONFLICT DO
    NOTHING without an arbiter, which also waits for a uuid that another session is writing at
    this moment (with an arbiter that is an error of the primary key); then ON CONFLICT (key) DO
    UPDATE, because what holds the key may have any uuid. Variables are named as no column is: in
    ON CONFLICT (column) a variable of that name would be taken.
    """
    names, plan, u = sides.names, sides.plan, sides.uuid
    keys = [f"own_k{n}" for n in range(1, len(sides.key) + 1)]
    values = [f"own_v{n}" for n in range(1, len(sides.values) + 1)]
    times = ["own_changed"] if plan.changed else []
    types = [base_type(sides.child.column(c).type) for c in sides.shared]
    given = [*keys, *values, *times]
    arguments = [f"{n} {t}" for n, t in zip(given, types, strict=True)]
    arguments += [
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
      -- A parent that moved to another key kept its uuid.
      own_candidate := {names.own("another_uuid")}(own_candidate);
      CONTINUE;
    END IF;
    {insert}
    ON CONFLICT DO NOTHING RETURNING p.{u} INTO own_claimed;
    IF own_claimed IS NOT NULL THEN
      -- One of that uuid may have been listed as emptied, and deleted; this one never was.
      DELETE FROM {names.own("emptied")} AS e WHERE e.uuid = own_claimed;
      own_made := true;
      RETURN;
    END IF;
    own_made := false;
    {insert}
    ON CONFLICT ({listed(plan.key)}) DO UPDATE SET {u} = p.{u}
    WHERE p.xmin OPERATOR(pg_catalog.<>) own_xid RETURNING p.{u} INTO own_claimed;
    IF own_claimed IS NULL THEN
      -- Touched already. A predicate for these very gaps: no index knows IS NOT DISTINCT FROM.
      EXECUTE {look_up} || {by_key} || ' FOR NO KEY UPDATE'
      INTO own_claimed USING {", ".join(keys)};
    END IF;
    IF own_claimed IS NOT NULL THEN
      RETURN;
    END IF;
  END LOOP;
  RAISE serialization_failure USING
    MESSAGE = {literal(f"no parent could be claimed in {plan.parent}")},
    HINT = 'Retry the transaction.';"""
    return function(
        names.own("claim"),
        ", ".join(arguments),
        "",
        body,
        declare="  own_candidate pg_catalog.uuid; own_ours boolean;",
    )


def claim(sides: Sides, key: str, values: list[str], changed: str) -> str:
    """plpgsql that claims for a key, into the variables ``claimed`` and ``made``."""
    arguments = ", ".join([key, *values, *([changed] if sides.plan.changed else []), "saved.xmin"])
    own = sides.names.own("claim")
    return f"SELECT f.own_claimed, f.own_made INTO claimed, made FROM {own}({arguments}) AS f;"


def provisional_functions(sides: Sides) -> tuple[Statement, ...]:
    """``provisional(key...)``: the uuid a new row of that key most likely ends at; never one of
    a parent with another key. ``is_provisional(uuid, key...)``: whether it came from there."""
    names = sides.names
    keys = [f"k{n}" for n in range(1, len(sides.key) + 1)]
    arguments = ", ".join(f"{k} {base_type(c.type)}" for k, c in zip(keys, sides.key, strict=True))
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
