"""Why a person has to look at a place, and which reasons leave a question open."""

from __future__ import annotations

from enum import StrEnum


class Look(StrEnum):
    """Why a person has to look."""

    UNPARSED = "not parsed"
    HOLE = "hole"
    MACRO = "undeclared macro"
    FRAGMENT = "fragment"
    AMBIGUOUS = "ambiguous"
    TEXT = "text search"
    DYNAMIC = "dynamic SQL"
    SCHEMA = "another schema"
    ENTITY = "entity"
    SKIPPED = "not read"
    ENCODING = "encoding"
    DIALECT = "other dialect"


OPEN = {Look.UNPARSED, Look.HOLE, Look.MACRO, Look.DYNAMIC, Look.FRAGMENT, Look.SKIPPED,
        Look.SCHEMA}  # fmt: skip
"""Notes of these kinds leave it open whether the consumer is clear, unless they say otherwise."""
