"""Stages: the structures that stand between the steps."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """The structure between steps; models and scanner name their structures by it."""

    LEGACY = "legacy"
    """One wide table."""
    COPY = "copy"
    """The wide table and its copy with the link, both whole."""
    INTERIM = "interim"
    """Parent, and child with link and deprecated columns."""
    CURRENT = "current"
    """Parent, and child without the deprecated columns."""
