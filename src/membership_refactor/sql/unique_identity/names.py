"""Quoted, qualified names of the objects of one UniqueIdentity in one schema."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from membership_refactor.planning import Alternative, UniqueIdentity
from membership_refactor.planning.identity import UNSEEN
from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import fitted, ident, literal, qualified

NEVER_BLANK = "'{smallint,integer,bigint,uuid}'::pg_catalog.regtype[]"
"""Types whose values are never blank; only a word that the plan lists could mean nobody."""


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

    def blank(self, alternative: Alternative, prefix: str = "") -> str:
        """Return the condition that the value is no identity: blank, or a word of the plan."""
        words = [word.strip() for word in self.plan.no_identity]
        text = as_text(alternative.column, prefix)
        pattern = "|".join(("", *map(_escaped, words)))
        matches = (
            f"{text} OPERATOR(pg_catalog.~*) {literal(f'^[{UNSEEN}]*({pattern})[{UNSEEN}]*$')}"
        )
        if alternative.text:
            return matches
        listed = ", ".join(literal(word) for word in words if _is_number_or_uuid(word))
        column = prefix + ident(alternative.column)
        return (
            f"CASE WHEN pg_catalog.pg_typeof({column}) = ANY ({NEVER_BLANK})"
            f" THEN {f'{column}::text IN ({listed})' if listed else 'false'} ELSE {matches} END"
        )

    def odd(self, alternative: Alternative, prefix: str = "") -> str:
        """Return the condition that a text has something unseen around it, or may be a word.

        True for each blank value. Quick, because it is asked of every row.
        """
        text = as_text(alternative.column, prefix)
        terms = [padded(alternative.column, prefix)]
        words = [word.strip().lower() for word in self.plan.no_identity]
        if words:
            listed = ", ".join(literal(word) for word in words)
            terms.append(
                f"pg_catalog.length({text}) <= {max(map(len, words))}"
                f" AND pg_catalog.lower({text}) IN ({listed})"
            )
        return f"({' OR '.join(terms)})"

    def clear_blanks(self, alternative: Alternative) -> str:
        """Return the statement that makes values NULL which are no identity."""
        column = ident(alternative.column)
        return f"UPDATE {self.table} SET {column} = NULL WHERE {self.blank(alternative)}"


def as_text(column: str, prefix: str = "") -> str:
    """Return the column as text in the default collation.

    A nondeterministic collation allows no regular expression, and C knows no case beyond ASCII.
    """
    return f'{prefix}{ident(column)}::text COLLATE pg_catalog."default"'


def padded(column: str, prefix: str = "") -> str:
    """Return the condition that a text has something unseen around it, or is empty."""
    return f"{as_text(column, prefix)} OPERATOR(pg_catalog.~) {_AROUND}"


def folded(alternative: Alternative, prefix: str = "") -> str:
    """Return the key in the form that all its spellings share."""
    column = alternative.column
    if not alternative.text:
        return prefix + ident(column)
    text, edge = as_text(column, prefix), literal(f"^[{UNSEEN}]+|[{UNSEEN}]+$")
    trimmed = f"pg_catalog.regexp_replace({text}, {edge}, '', 'g')"
    return f"pg_catalog.lower(CASE WHEN {padded(column, prefix)} THEN {trimmed} ELSE {text} END)"


_AROUND = literal(f"^(.*[{UNSEEN}])?$|^[{UNSEEN}]")


def _escaped(word: str) -> str:
    """Return a regular expression that matches only the word."""
    return "".join(c if c.isalnum() or not c.isascii() else f"\\{c}" for c in word)


def _is_number_or_uuid(word: str) -> bool:
    return re.fullmatch(r"-?\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", word) is not None
