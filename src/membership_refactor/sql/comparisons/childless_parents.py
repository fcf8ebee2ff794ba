"""Comparisons that find parents without children."""

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
    """0007: every parent has children, because it is derived from them."""
    return _childless(names, "true", lambda keys: f"SELECT {names.own('settle')}({keys}, true)")


def goes_with_last_child(names: Names) -> str:
    """A condition: the tool created the parent ``p``, and it must not outlive its last child.

    Parents that lost their last child while the deprecated columns were frozen stay. The ledger's
    table ``emptied`` lists them.
    """
    uuid = f"p.{ident(names.plan.parent_id)}"
    listed = f"SELECT FROM {names.own('emptied')} AS e WHERE e.uuid = {uuid}"
    return f"{version_8(uuid)} AND NOT EXISTS ({listed})"


def saved_childless_parents(names: Names) -> Comparison:
    """0008: a parent that the tool created is deleted with its last child."""
    uuid = ident(names.plan.parent_id)
    lost = goes_with_last_child(names)
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
    return f"NOT EXISTS (SELECT FROM {names.child} AS c WHERE {of_parent} AND {condition})"


def _childless(names: Names, lost: str, mend: Callable[[str], str]) -> Comparison:
    plan = names.plan
    uuid, link = ident(plan.parent_id), ident(plan.link)

    def rows(left: str, right: str) -> str:
        return (
            f"SELECT p.{uuid}::text, 'extra', {NOTHING}\n"
            # Both sides are limited to the range, and ``lost`` is evaluated only for childless
            # parents. So two indexes are merged and no table is read.
            f"FROM (SELECT p.{uuid} FROM {names.parent} AS p\n"
            f"  WHERE {left} AND {_alone(names, right)} OFFSET 0) AS p\n"
            f"WHERE {lost}"
        )

    return Comparison(
        name="childless parents",
        authority=plan.child,
        route=names.parent,
        route_key=names.parent_id,
        route_type=UUID,
        rows=rows,
        left=(names.parent_id, "p"),
        right=(names.link, "c"),
        of_keys=lambda keys: rows(f"p.{uuid} = ANY ({keys})", f"c.{link} = ANY ({keys})"),
        key_type=UUID,
        mend=lambda keys: (mend(keys),),
        was=rows_as_json(names.parent, names.parent_id),
        locks=((names.child, EXCLUSIVE), (names.parent, EXCLUSIVE)),
    )
