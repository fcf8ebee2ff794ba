"""Comparisons of parents with the children that each of them must have."""

from __future__ import annotations

from collections.abc import Callable

from membership_refactor.sql.comparisons.comparison import (
    EXCLUSIVE,
    NOTHING,
    UUID,
    Comparison,
    rows_as_json,
)
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.parent_uuid import version_8
from membership_refactor.sql.quoting import ident


def derived_childless_parents(names: Names) -> Comparison:
    """0007: a parent is made of its children."""
    return _childless(names, "true", lambda keys: f"SELECT {names.own('settle')}({keys}, true)")


def saved_childless_parents(names: Names) -> Comparison:
    """0008: a parent that the tool made goes when its last child goes; those that were emptied
    while the children were frozen stay, and are listed in the ledger."""
    plan = names.plan
    uuid = ident(plan.parent_id)
    lost = (
        f"{version_8(f'p.{uuid}')}\n"
        f"AND NOT EXISTS (SELECT FROM {names.own('emptied')} AS e WHERE e.uuid = p.{uuid})"
    )
    alone = _alone(names)
    return _childless(
        names,
        lost,
        lambda keys: (
            f"DELETE FROM {names.parent} AS p WHERE p.{uuid} = ANY ({keys})\nAND {alone} AND {lost}"
        ),
    )


def _alone(names: Names, condition: str = "true") -> str:
    plan = names.plan
    of_parent = f"c.{ident(plan.link)} = p.{ident(plan.parent_id)}"
    return f"NOT EXISTS (SELECT FROM {names.copy} AS c WHERE {of_parent} AND {condition})"


def _childless(names: Names, lost: str, mend: Callable[[str], str]) -> Comparison:
    plan = names.plan
    uuid, link = ident(plan.parent_id), ident(plan.link)

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT p.{uuid}::text, 'extra', {NOTHING}\n"
            # The range on both sides, and only the childless asked what they are: then two
            # indexes are merged and no table is read.
            f"FROM (SELECT p.{uuid} FROM {names.parent} AS p\n"
            f"  WHERE {left} AND {_alone(names, right)} OFFSET 0) AS p\n"
            f"WHERE {lost}"
        )

    return Comparison(
        name="childless parents",
        authority=plan.copy,
        route=names.parent,
        route_key=plan.parent_id,
        route_type=UUID,
        rows=rows,
        left_key=f"p.{uuid}",
        right_key=f"c.{link}",
        of_keys=lambda keys: rows(f"p.{uuid} = ANY ({keys})", f"c.{link} = ANY ({keys})"),
        key_type=UUID,
        mend=lambda keys: (mend(keys),),
        was=rows_as_json(names.parent, uuid),
        locks=((names.copy, EXCLUSIVE), (names.parent, EXCLUSIVE)),
    )
