"""Call the database's own functions by their schema, where a statement may be run with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlglot import exp

from membership_refactor.scan.compare.scratch_schemas import Scratch
from membership_refactor.scan.compare.to_postgres import NotComparable

_FOUND = """
    SELECT p.proname::text, n.nspname::text, p.provolatile::text, l.lanname::text,
           p.prosrc || coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), '')
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    JOIN pg_catalog.pg_language l ON l.oid = p.prolang
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND p.proname = ANY (%s)"""
_RELATIONS = """
    SELECT c.relname::text FROM pg_catalog.pg_class c
    WHERE c.relnamespace NOT IN (SELECT oid FROM pg_catalog.pg_namespace
      WHERE nspname IN ('pg_catalog', 'information_schema') OR nspname ~ '^(pg_toast|mr_compare_)')
    AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY (%s)"""
_WORD = re.compile(r"[^\W\d][\w$]*")
_CALL = re.compile(r"([^\W\d][\w$]*)\"?\s*\(")
_DYNAMIC = re.compile(r"\bexecute\b|\b(?:table|query|cursor|schema|database)_to_xml|dblink", re.I)


def qualify_functions(scratch: Scratch, schema: str, *trees: Any) -> None:
    """Write the schema before the user's functions. Raises NotComparable where one reads tables.

    The search path of a comparison has only the scratch schemas, so that no statement can reach
    the user's tables.
    """
    tables = {scratch.table(name) for form in scratch.made.values() for name in form}
    for literal in (node for tree in trees for node in tree.find_all(exp.Literal)):
        if literal.is_string and any(table in literal.name.lower() for table in tables):
            raise NotComparable("a string names the table, and what reads it reads the real one")
    calls = [node for tree in trees for node in tree.find_all(exp.Anonymous)]
    known = _readable(scratch, {node.name.lower() for node in calls}, tables)
    for node in calls:
        if (node.name.lower(), schema) in known and not isinstance(node.parent, exp.Dot):
            dotted = exp.Dot(this=exp.to_identifier(schema, quoted=True), expression=node.copy())
            node.replace(dotted)


def _readable(
    scratch: Scratch, names: Iterable[str], tables: Iterable[str]
) -> set[tuple[str, str]]:
    """The user's functions of these names, with their schemas. All that they call are looked at."""
    known: set[tuple[str, str]] = set()
    asked: set[str] = set()
    called_by = dict.fromkeys(names, "")
    while wanted := sorted(called_by.keys() - asked):
        asked |= set(wanted)
        for name, schema, volatile, language, body in scratch.run(_FOUND, (wanted,)).fetchall():
            known.add((name, schema))
            through = called_by[name] and f", which {called_by[name]} calls,"
            if volatile == "v":
                raise NotComparable(f"the function {name}{through} is volatile")
            if language not in ("sql", "plpgsql", "c", "internal"):
                raise NotComparable(
                    f"the function {name}{through} is written in {language}, which is not read"
                )
            words = {word.lower() for word in _WORD.findall(body)}
            if (
                _DYNAMIC.search(body)
                or not words.isdisjoint({*tables, *scratch.needs.foreign})
                or scratch.run(_RELATIONS, (sorted(words),)).fetchall()
            ):
                raise NotComparable(
                    f"the function {name}{through} reads a table, and would read the real one"
                )
            for called in _CALL.findall(body):
                called_by.setdefault(called.lower(), name)
    return known
