"""Resolve one parsed statement, whatever kind it is."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from membership_refactor.scan.resolve.bind_name import Names
from membership_refactor.scan.resolve.bindings import Frame, Resolution, Source
from membership_refactor.scan.resolve.definition import resolve_definition
from membership_refactor.scan.resolve.query import Queries
from membership_refactor.scan.resolve.tables_as_spelled import View
from membership_refactor.scan.resolve.write_statement import WRITES


def resolve(tree: Any, view: View, *, row_table: str = "") -> Resolution:
    """Bind every name of the statement. ``row_table`` is the table of the rows NEW and OLD."""
    resolution = Resolution(tree)
    queries = Queries(Names(view, resolution))
    outer = None
    table = view.tables.get(row_table)
    if table is not None:
        outer = Frame(None, [Source(n, table, qualified_only=True) for n in ("new", "old")])
    if isinstance(tree, (*WRITES, exp.Query, exp.Values)):
        resolution.statement = tree.key if isinstance(tree, WRITES) else "select"
        queries.query(tree, outer)
    else:
        resolution.statement = "definition"
        resolve_definition(queries, tree, outer)
    resolution.bindings.sort(key=lambda b: (b.start, b.end))
    resolution.stars.sort(key=lambda s: s.start)
    return resolution
