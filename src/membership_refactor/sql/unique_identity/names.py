"""Quoted, qualified names of the objects of one UniqueIdentity in one schema."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from membership_refactor.planning import Alternative, UniqueIdentity
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import fitted, ident, literal, qualified

BLANKS = "E' \\t\\n\\r\\f\\x0B'"
"""Invisible characters around a key; btrim alone removes spaces only."""

UNSEEN = (
    r"[\u0001-\u0020\u007f\u0085\u00a0\u00ad\u1680\u180e\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u2800\u3000\u3164\ufeff\uffa0]*"
)
"""A regular expression for characters that nobody sees: spaces, zero width and controls."""


@dataclass(frozen=True)
class IdentityNames:
    """The names of one plan in one schema."""

    plan: UniqueIdentity
    schema: str

    @cached_property
    def table(self) -> str:
        return qualified(self.schema, self.plan.table)

    @cached_property
    def ledger(self) -> str:
        """The unquoted name of the ledger schema."""
        return ledger_schema(self.schema)

    def within(self, table: str) -> str:
        """Name a table in the schema of the identity table."""
        return qualified(self.schema, table)

    def own(self, purpose: str) -> str:
        """Name an object of this plan in the ledger schema."""
        return qualified(self.ledger, fitted(f"{self.plan.name}_{purpose}"))

    def scope_given(self, prefix: str = "") -> str:
        """Return the condition that no scope column is NULL; else UNIQUE ignores the row."""
        given = " AND ".join(f"{prefix}{ident(c)} IS NOT NULL" for c in self.plan.scope)
        return given or "true"

    def known(self, prefix: str = "") -> str:
        """Return the condition that the row has an identity."""
        listed = ", ".join(prefix + ident(c) for c in self.plan.identity_columns)
        return f"pg_catalog.num_nonnulls({listed}) >= 1"

    def blank(self, column: str, prefix: str = "") -> str:
        """Return the condition that the value is no identity: blank, or a word of the plan."""
        words = "|".join(("", *(_escaped(word.strip()) for word in self.plan.no_identity)))
        # The default collation: a nondeterministic one allows no regular expression.
        text = f'{prefix}{ident(column)}::text COLLATE pg_catalog."default"'
        pattern = literal(f"^{UNSEEN}({words}){UNSEEN}$")
        return f"{text} OPERATOR(pg_catalog.~*) {pattern}"

    def clear_blanks(self, column: str) -> str:
        """Return the statement that makes values NULL which are no identity."""
        return f"UPDATE {self.table} SET {ident(column)} = NULL WHERE {self.blank(column)}"


def _escaped(word: str) -> str:
    """Return a regular expression that matches only the word."""
    return "".join(c if c.isalnum() or not c.isascii() else f"\\{c}" for c in word)


def trimmed(column: str) -> str:
    """Return the key without surrounding blanks."""
    return f"pg_catalog.btrim({column}::text, {BLANKS})"


def folded(alternative: Alternative, prefix: str = "") -> str:
    """Return the key in the form that all its spellings share."""
    column = prefix + ident(alternative.column)
    return f"pg_catalog.lower({trimmed(column)})" if alternative.text else column
