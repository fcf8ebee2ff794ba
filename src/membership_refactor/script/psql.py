"""psql's own language: echoed lines, conditions, and variables filled by a query.

Everything else of a script is SQL that stands in it as it is run online.
"""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.sql.quoting import dollar_quoted


def say(text: str) -> str:
    """Print a line on standard error, so that standard output stays free."""
    line = text.replace("\n", " ")
    quoted = line.replace("\\", "\\\\").replace("'", "''")
    return f"\\warn '{quoted}'"


def ask(**variables: str) -> str:
    """Fill psql variables from SQL expressions."""
    listed = ",\n  ".join(f"{expression} AS {name}" for name, expression in variables.items())
    return f"SELECT {listed} \\gset"


def when(variable: str, then: Iterable[str], otherwise: Iterable[str] = ()) -> str:
    """``then`` if the variable is true, else ``otherwise``."""
    rest = [*otherwise]
    return "\n".join([f"\\if :{variable}", *then, *(["\\else", *rest] if rest else []), "\\endif"])


def block(body: str) -> str:
    """Return a DO block. Outside of a transaction it may COMMIT, and the loops of a script do."""
    return f"DO {dollar_quoted(body)};"


def ended(text: str) -> str:
    """The statement with its semicolon."""
    return f"{text.strip().removesuffix(';')};"
