"""The names of one UniqueIdentity in one schema, quoted and qualified."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from membership_refactor.planning import Alternative, UniqueIdentity
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import fitted, ident, qualified

BLANKS = "E' \\t\\n\\r\\f\\x0B'"
"""What may stand around a key without being seen; btrim alone takes off spaces only."""


@dataclass(frozen=True)
class IdentityNames:
    """Names of one plan in one schema."""

    plan: UniqueIdentity
    schema: str

    @cached_property
    def table(self) -> str:
        return qualified(self.schema, self.plan.table)

    @cached_property
    def ledger(self) -> str:
        """The ledger schema's bare name."""
        return ledger_schema(self.schema)

    def within(self, table: str) -> str:
        """A dependent table; it is in the schema of the identity table."""
        return qualified(self.schema, table)

    def own(self, purpose: str) -> str:
        """An object of the ledger schema that belongs to this plan."""
        return qualified(self.ledger, fitted(f"{self.plan.name}_{purpose}"))

    def scope_given(self, prefix: str = "") -> str:
        """True where no scope column is NULL: only then do unique constraints look at the row."""
        given = " AND ".join(f"{prefix}{ident(c)} IS NOT NULL" for c in self.plan.scope)
        return given or "true"

    def known(self, prefix: str = "") -> str:
        """True where at least one identity is there."""
        listed = ", ".join(prefix + ident(c) for c in self.plan.identity_columns)
        return f"pg_catalog.num_nonnulls({listed}) >= 1"


def trimmed(column: str) -> str:
    """The key without blanks around it."""
    return f"pg_catalog.btrim({column}::text, {BLANKS})"


def folded(alternative: Alternative, prefix: str = "") -> str:
    """What two spellings of one key have in common."""
    column = prefix + ident(alternative.column)
    return f"pg_catalog.lower({trimmed(column)})" if alternative.text else column
