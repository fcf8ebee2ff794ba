"""Column values as text: how PostgreSQL orders them, which are one key, and what Python calls them.

Everything is compared as text: psycopg cannot load an infinite date, and 1.0 is not 1.00.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

INTEGERS = ("smallint", "integer", "bigint")
INFINITE = {"-infinity": -1, "infinity": 1}


def base(type_name: str) -> str:
    """``numeric(8,3)`` is numeric, ``timestamp(3) with time zone`` a timestamp."""
    head, opened, rest = type_name.partition("(")
    return head if not opened else (head + rest.partition(")")[2]).strip()


def ordered(type_name: str, text: str) -> Any:
    """Something that Python orders as PostgreSQL orders the value (texts by code point)."""
    kind = base(type_name)
    if kind in INTEGERS:
        return int(text)
    if kind == "numeric":
        # PostgreSQL puts NaN above everything, and lets it equal itself.
        return (1, Decimal(0)) if text == "NaN" else (0, Decimal(text))
    if kind == "date" or kind.startswith("timestamp"):
        if text in INFINITE:
            return (INFINITE[text], "")
        return (0, _moment(text))
    return text


def _moment(text: str) -> str:
    # ISO text in UTC orders as the moments do, once the fraction is as long for all.
    bare = text.removesuffix("+00")
    head, _, fraction = bare.partition(".")
    return f"{head}.{fraction:0<6}"


def identity(type_name: str, text: str | None) -> Any:
    """What two values of a key have in common exactly where they are one key."""
    if text is None:
        return None
    return (ordered(type_name, text),) if base(type_name) == "numeric" else (text,)


def python(type_name: str, text: str | None) -> object:
    """The value as ``parent_uuid`` wants it."""
    if text is None or text in INFINITE:
        return text
    kind = base(type_name)
    if kind in INTEGERS:
        return int(text)
    if kind == "date":
        return date.fromisoformat(text)
    if kind.startswith("timestamp"):
        return datetime.fromisoformat(text.removesuffix("+00"))
    if kind == "boolean":
        return text in ("t", "true")
    if kind == "numeric":
        return Decimal(text)
    return text
