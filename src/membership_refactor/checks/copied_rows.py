"""Checks of the copy until 0007: its rows, its links and its sequence."""

from __future__ import annotations

from membership_refactor.checks.check import Check
from membership_refactor.portrait import Table
from membership_refactor.sql.comparisons.copied_rows import differing_copies, wrong_links
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident, literal


def copy_is_exact(names: Names, source: Table) -> Check:
    """The copy has each row of the source, equal bit for bit in every column, and no other row."""
    return Check.of(
        differing_copies(names, source),
        name="copy is exact",
        sentence="the copy holds every row of the source, bit for bit, and nothing else",
        hint="membership-refactor verify shows rows and columns; "
        "membership-refactor repair corrects them.",
    )


def links_match_keys(names: Names, *, beside_source: bool = False) -> tuple[Check, ...]:
    """Until 0008 each link is the uuid of the row's key, if there is a link. ``beside_source``: in
    the same pass as ``copy_is_exact``."""
    if not names.plan.link:
        return ()
    return (
        Check.of(
            wrong_links(names, beside_source=beside_source),
            name="links match keys",
            sentence="every link is the uuid of its row's key",
            hint="Run membership-refactor repair.",
        ),
    )


def sequence_is_ahead(column: str, table: str, sequence: str) -> Check:
    """The sequence gives no value that is in the column of ``table``."""
    key = ident(column)
    return Check(
        name="sequence is ahead",
        sentence="the sequence gives no id a second time",
        query=(
            f"SELECT pg_catalog.format('greatest id %s, next %s', m.id, s.last_value)\n"
            f"FROM {sequence} AS s, (SELECT pg_catalog.max(t.{key}) AS id FROM {table} AS t) AS m\n"
            "WHERE m.id > s.last_value OR (m.id = s.last_value AND NOT s.is_called)"
        ),
        hint=f"Run SELECT setval({literal(sequence)}, N) with N at least the greatest id.",
    )
