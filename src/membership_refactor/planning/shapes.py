"""Shapes: what a plan does with its table, and which steps it takes for that."""

from __future__ import annotations

from enum import StrEnum


class Shape(StrEnum):
    """What a plan does with its table. It follows from which tables the plan names."""

    SPLIT = "split"
    """The rows move to a new table, the child, beside a parent. The plan names copy and parent."""
    IN_PLACE = "in place"
    """The table itself becomes the child of a new parent. The plan names no copy."""
    RENAME = "rename"
    """The table gets another name. The plan names no parent."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the steps of such a plan, in their order."""
        match self:
            case Shape.SPLIT:
                return (*_COPY, *_PARENT, *_ARCHIVE)
            case Shape.IN_PLACE:
                return _PARENT
            case Shape.RENAME:
                return (*_COPY, *_ARCHIVE)


# Each name is that of a file in steps/.
_COPY = ("copy_table", "dual_write", "retire_source")
_PARENT = (
    "create_parent",
    "rebuild_parent",
    "link_children",
    "stop_parallel_save",
    "drop_deprecated_columns",
)
_ARCHIVE = ("drop_retired_table",)
