"""Numbers and lines for readers: bytes, durations, moments, columns, wrapped text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime

WIDTH = 100
"""Of wrapped text, in characters."""
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """4.5 MB; the units are powers of 1024, as in pg_size_pretty."""
    number, unit = float(count), 0
    while number >= 1024 and unit < len(_UNITS) - 1:
        number, unit = number / 1024, unit + 1
    return f"{count} bytes" if unit == 0 else f"{number:.1f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """0.3 s, 42 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def minute(at: datetime | None) -> str:
    """2026-11-27 13:20 UTC. Empty for None."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else ""


def wrapped(text: str, first: str = "", rest: str = "", *, width: int = WIDTH) -> list[str]:
    """Lines of at most ``width``, which begin with ``first`` and then with ``rest``. Names stay
    whole."""
    return textwrap.wrap(
        text,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def aligned(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Lines with aligned columns. Those whose numbers are in ``right`` are aligned to the right."""
    if not rows:
        return []
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if n in right else cell.ljust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
