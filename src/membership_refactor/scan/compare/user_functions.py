"""Call the database's own functions by their schema, where a statement may be run with them."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.scratch_schemas import Scratch
from membership_refactor.scan.compare.to_postgres import NotComparable

_FOUND = """
    SELECT p.proname::text, p.provolatile::text,
           p.prosrc || coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), '')
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = %s AND p.proname = ANY (%s)"""


def qualify_functions(scratch: Scratch, schema: str, *trees: Any) -> None:
    """Write the schema before the user's functions. Raises NotComparable where one reads tables.

    The search path of a comparison has only the scratch schemas, so that no statement can reach
    the user's tables.
    """
    calls = [node for tree in trees for node in tree.find_all(exp.Anonymous)]
    names = sorted({node.name.lower() for node in calls})
    if not names:
        return
    tables = {scratch.table(name) for form in scratch.made.values() for name in form}
    known = set()
    for name, volatile, body in scratch.run(_FOUND, (schema, names)).fetchall():
        if volatile == "v":
            raise NotComparable(f"the function {name} is volatile")
        if any(table in body.lower() for table in (*tables, *scratch.needs.foreign)):
            raise NotComparable(f"the function {name} reads a table, and would read the real one")
        known.add(name)
    for node in calls:
        if node.name.lower() in known and not isinstance(node.parent, exp.Dot):
            dotted = exp.Dot(this=exp.to_identifier(schema, quoted=True), expression=node.copy())
            node.replace(dotted)
