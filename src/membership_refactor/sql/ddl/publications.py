"""Adding a table to its publications, and removing it."""

from __future__ import annotations

from membership_refactor.portrait import Publication, Table
from membership_refactor.sql.quoting import columns, ident, qualified
from membership_refactor.sql.statements import Lock, Statement


def publish(table: Table) -> tuple[Statement, ...]:
    """Adds the table to every publication that its portrait names."""
    return tuple(_add(table, publication) for publication in table.publications)


def unpublish(table: Table) -> tuple[Statement, ...]:
    """Removes it from them."""
    name = qualified(table.schema, table.name)
    return tuple(
        Statement(
            f"ALTER PUBLICATION {ident(publication.name)} DROP TABLE {name}",
            Lock.SHARE_UPDATE_EXCLUSIVE,
            name,
        )
        for publication in table.publications
    )


def _add(table: Table, publication: Publication) -> Statement:
    name = qualified(table.schema, table.name)
    text = f"ALTER PUBLICATION {ident(publication.name)} ADD TABLE {name}"
    if publication.columns is not None:
        text += f" ({columns(publication.columns)})"
    if publication.where is not None:
        text += f" WHERE ({publication.where})"
    return Statement(text, Lock.SHARE_UPDATE_EXCLUSIVE, name)
