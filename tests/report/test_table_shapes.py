"""The tables after each step, for plans of every shape."""

from __future__ import annotations

import pytest

from membership_refactor.planning import TableSplit
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.report.table_shapes import structure

IN_PLACE = TableSplit(
    name="p", source="orders", parent="customer", key=("a",), link="customer_id",
    child_columns=("b",),
)  # fmt: skip
RENAME = TableSplit(name="r", source="old", copy="new")
OLD, CHILD, ARCHIVE = SPLIT.source, SPLIT.child, SPLIT.retired


@pytest.mark.parametrize(
    ("step", "names", "between", "closed"),
    [
        (None, [OLD], "", []),
        ("enrollment_identity", [OLD], "", []),
        ("copy_table", [OLD, CHILD], "->", []),
        ("dual_write", [OLD, CHILD], "<->", []),
        ("retire_source", [ARCHIVE, CHILD], "", [ARCHIVE]),
        ("create_parent", [OLD, CHILD, ARCHIVE], "<-", [OLD, ARCHIVE]),
        ("link_children", [OLD, CHILD, ARCHIVE], "<->", [ARCHIVE]),
        ("stop_parallel_save", [OLD, CHILD, ARCHIVE], "", [ARCHIVE]),
        ("drop_deprecated_columns", [OLD, CHILD, ARCHIVE], "", [ARCHIVE]),
        ("drop_retired_table", [OLD, CHILD], "", []),
    ],
)
def test_a_split(step: str | None, names: list[str], between: str, closed: list[str]) -> None:
    found = structure(SPLIT, step)
    assert [shape.name for shape in found.tables] == names
    assert found.between == between
    assert [shape.name for shape in found.tables if shape.closed] == closed


def test_the_columns_that_leave_the_child_are_gone_at_last() -> None:
    at = {step: structure(SPLIT, step).right for step in SPLIT.steps}
    groups = {step: shape.groups for step, shape in at.items() if shape}
    assert groups["link_children"] == ("parent", "child", "link")
    assert groups["stop_parallel_save"] == ("closed", "child", "link")
    assert groups["drop_deprecated_columns"] == ("child", "link")


def test_in_place_there_is_no_archive_and_the_table_keeps_its_name() -> None:
    assert [s.name for s in structure(IN_PLACE, None).tables] == ["orders"]
    for step in IN_PLACE.steps:
        assert [s.name for s in structure(IN_PLACE, step).tables] == ["customer", "orders"]


def test_a_rename_has_no_parent() -> None:
    names = {step: [s.name for s in structure(RENAME, step).tables] for step in RENAME.steps}
    assert names == {
        "copy_table": ["old", "new"],
        "dual_write": ["old", "new"],
        "retire_source": ["old_retired", "new"],
        "drop_retired_table": ["new"],
    }
