"""The chain of revisions, and the structure that stands at each of them."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """The structure between steps; models and scanner name their structures by it."""

    LEGACY = "legacy"
    """One wide table (0001, 0002)."""
    COPY = "copy"
    """The wide table and its copy with the link, both whole (0003 to 0007)."""
    INTERIM = "interim"
    """Parent, and child with link and deprecated columns (0008, 0009)."""
    CURRENT = "current"
    """Parent, and child without the deprecated columns (from 0010)."""


CHAIN: tuple[tuple[str, str], ...] = (
    ("0001", "legacy_baseline"),
    ("0002", "enrollment_identity"),
    ("0003", "copy_table"),
    ("0004", "dual_write"),
    ("0005", "retire_source"),
    ("0006", "create_parent"),
    ("0007", "rebuild_parent"),
    ("0008", "link_children"),
    ("0009", "stop_parallel_save"),
    ("0010", "drop_deprecated_columns"),
    ("0011", "drop_retired_table"),
)
"""Revision id and step name, in order; users, CI and scripts hold on to them."""


def stage_at(revision: str | None) -> Stage | None:
    """The structure that stands when the chain is at ``revision``; None before 0001."""
    if revision is None or revision < "0001":
        return None
    if revision < "0003":
        return Stage.LEGACY
    if revision < "0008":
        return Stage.COPY
    return Stage.INTERIM if revision < "0010" else Stage.CURRENT
