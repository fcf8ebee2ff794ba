"""Counts in words, for messages: 1 row, 2 rows; once, 3 times."""

from __future__ import annotations


def counted(number: int, one: str, many: str | None = None) -> str:
    """1 row, 2 rows, 1,234 rows."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def times(number: int) -> str:
    """once, 2 times, 1,234 times."""
    return "once" if number == 1 else f"{number:,} times"
