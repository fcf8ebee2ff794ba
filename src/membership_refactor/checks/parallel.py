"""Checks while parent and child are saved in parallel, and before that is given up."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.checks.check import Check
from membership_refactor.portrait import Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel import invariants


def parallel_checks(names: Names, child: Table) -> tuple[Check, ...]:
    """Parent exists, key and values agree, keys are unique, no derived parent is childless."""
    return tuple(
        Check.of(
            replace(
                invariant.look, key=f"pg_catalog.btrim({invariant.look.key}::pg_catalog.text, '()')"
            ),
            name=invariant.name.replace("_", " "),
            sentence=invariant.sentence,
        )
        for invariant in invariants(names, child)
    )


def childless(query: str) -> Check:
    """A parent without children has no legacy row: the way down cannot represent it."""
    return Check(
        name="parents have children",
        sentence="no parent is without children, which a row of the old table could not hold",
        query=_keys(query),
        hint="Delete those parents or give them a child, then run the same command again.",
    )


def _keys(query: str) -> str:
    """The rows of a query as one text each."""
    return f"SELECT pg_catalog.btrim(z::pg_catalog.text, '()') FROM (\n{query}\n) AS z"
