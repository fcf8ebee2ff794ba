"""psql's own language: echoed lines, conditions, and variables filled by a query.

Everything else of a script is SQL that stands in it as it is run online.
"""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.sql.quoting import dollar_quoted


def say(text: str) -> str:
    """A line on standard error: standard output belongs to whoever runs the script."""
    line = text.replace("\n", " ")
    quoted = line.replace("\\", "\\\\").replace("'", "''")
    return f"\\warn '{quoted}'"


def ask(**variables: str) -> str:
    """Fills psql variables from SQL expressions."""
    listed = ",\n  ".join(f"{expression} AS {name}" for name, expression in variables.items())
    return f"SELECT {listed} \\gset"


def when(variable: str, then: Iterable[str], otherwise: Iterable[str] = ()) -> str:
    """``then`` if the variable is true, else ``otherwise``."""
    rest = [*otherwise]
    return "\n".join([f"\\if :{variable}", *then, *(["\\else", *rest] if rest else []), "\\endif"])


def block(body: str) -> str:
    """A DO block. Outside of a transaction it may COMMIT, which a script's loops rest on."""
    return f"DO {dollar_quoted(body)};"


def ended(text: str) -> str:
    """The statement with its semicolon."""
    return f"{text.strip().removesuffix(';')};"
