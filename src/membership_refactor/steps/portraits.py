"""Portraits of what steps make: how the tables of a plan look from one step to the next."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.portrait import Portrait, Table


def with_tables(portrait: Portrait, *tables: Table, without: tuple[str, ...] = ()) -> Portrait:
    """``portrait`` with ``tables`` in place of those of the same names, less ``without``."""
    new = {table.name: table for table in tables}
    kept = [new.pop(t.name, t) for t in portrait.tables if t.name not in without or t.name in new]
    return replace(portrait, tables=(*kept, *new.values()))
