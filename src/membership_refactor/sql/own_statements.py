"""The mark by which the server's statistics and logs show that the tool ran a statement."""

from __future__ import annotations

from collections.abc import Iterable

MARK = "/* membership_refactor */"
"""It stands at the end of each statement: comments before the first word are not kept by every
version."""


def in_one_message(statements: Iterable[str]) -> str:
    """Several statements as one text. Each bears the mark but the last, which gets its own where
    the text is run: the statistics cut a text at its semicolons."""
    return f"\n{MARK};\n".join(statements)
