"""A plan's shape follows from the tables that it names, and the shape chooses the steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from membership_refactor.errors import PlanError
from membership_refactor.planning import Shape, TableSplit
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.steps import SPLIT_STEPS, steps_of

IN_PLACE = TableSplit(
    name="orders",
    source="order_line",
    parent="order",
    key=("order_no",),
    child_columns=("product",),
    link="order_uuid",
)
RENAME = TableSplit(name="lines", source="line", copy="order_line", child_columns=("product",))


def test_a_split_takes_every_step() -> None:
    assert SPLIT.shape is Shape.SPLIT
    assert steps_of(SPLIT) == SPLIT_STEPS


def test_in_place_the_table_stays_and_gets_a_parent() -> None:
    assert IN_PLACE.shape is Shape.IN_PLACE
    assert IN_PLACE.child == "order_line"
    assert IN_PLACE.tables == ("order_line", "order")
    assert [step.name for step in steps_of(IN_PLACE)] == [
        "create_parent",
        "rebuild_parent",
        "link_children",
        "stop_parallel_save",
        "drop_deprecated_columns",
    ]


def test_a_plan_without_a_parent_renames() -> None:
    assert RENAME.shape is Shape.RENAME
    assert RENAME.child == "order_line"
    assert RENAME.tables == ("line", "order_line", "line_retired")
    assert [step.name for step in steps_of(RENAME)] == [
        "copy_table",
        "dual_write",
        "retire_source",
        "drop_retired_table",
    ]


def test_a_recorded_plan_keeps_its_fingerprint() -> None:
    recorded = "f6c6d02e1ff80c3dbd8f4a92dc024ca8617db87030e6c610b4535ef7b78a2bb0"
    assert SPLIT.fingerprint == recorded


@pytest.mark.parametrize(
    ("plan", "changed", "words"),
    [
        (IN_PLACE, {"parent": ""}, "neither copy nor parent"),
        (IN_PLACE, {"retired": "old"}, "retired is given without copy"),
        (IN_PLACE, {"parent": "order_line"}, "source and parent have the same name"),
        (IN_PLACE, {"link": ""}, "link is empty"),
        (IN_PLACE, {"key": ()}, "key is empty"),
        (SPLIT, {"copy": SPLIT.source}, "source and copy have the same name"),
        (RENAME, {"key": ("product",), "child_columns": ()}, "key is given without parent"),
        (RENAME, {"link": "order_uuid"}, "link is given without parent"),
        (RENAME, {"copy": "line"}, "source and copy have the same name"),
    ],
)
def test_what_does_not_fit_the_shape_is_named(
    plan: TableSplit, changed: dict[str, Any], words: str
) -> None:
    with pytest.raises(PlanError, match=words):
        replace(plan, **changed)
