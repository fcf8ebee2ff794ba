"""Reads the functions that PostgreSQL runs when a table is written, and the schemas they need."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from membership_refactor.catalog import function_queries as queries
from membership_refactor.portrait.called_functions import Need, PathSchema, Routine
from membership_refactor.portrait.tokens import Token, tokens, unquoted

_Rows = list[dict[str, Any]]
_Ask = Callable[[str, dict[str, Any]], _Rows]
_HIDDEN = ("pg_catalog", "pg_temp", "information_schema")
_BEFORE_A_TABLE = {"FROM", "JOIN", "INTO", "UPDATE", "ONLY", "TABLE", "USING", "TRUNCATE", "LOCK"}
_AFTER_A_TYPE = {";", ":", "[", "(", "=", ")", "NOT", "DEFAULT", "COLLATE"}
_CLAUSES = {"SELECT", "FROM", "WHERE", "SET", "VALUES", "INTO", "ON", "RETURNING", "BY", "RETURN"}
_OPERATOR = re.compile(r"[-+*/<>=~!@#%^&|`?]+")


@dataclass(slots=True)
class _Function:
    name: str
    body: str
    pinned: bool
    named: list[tuple[str, str]] = field(default_factory=list)
    """(schema, name) of what its text names without a schema."""
    ambiguous: list[str] = field(default_factory=list)
    functions: set[int] = field(default_factory=set)
    relations: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Relation:
    writes: set[int] = field(default_factory=set)
    """Tables that actions of foreign keys write when this one is written."""
    calls: _Rows = field(default_factory=list)


def read_routines(
    ask: _Ask, tables: Sequence[int], schema: str, *, own: Sequence[str], ledger: str
) -> dict[int, tuple[tuple[Routine, ...], tuple[PathSchema, ...]]]:
    """The functions that run when one of ``tables`` (OIDs) is written, and the schemas they need.

    A text is searched for names; one that is put together at run time is not seen. Functions of
    tables that a function names, or that a foreign key's action writes, are followed too.
    """
    relations: dict[int, _Relation] = {}
    functions: dict[int, _Function] = {}
    paths: _Paths | None = None
    new_relations, new_functions = set(tables), set[int]()
    while new_relations or new_functions:
        if new_relations:
            values = {"relations": list(new_relations), "own": list(own)}
            relations |= {oid: _Relation() for oid in new_relations}
            for row in ask(queries.CALLS, values):
                relations[row["rel"]].calls.append(row)
                new_functions.add(row["function"])
            for row in ask(queries.CASCADES, values):
                relations[row["rel"]].writes.add(row["writes"])
        new_functions -= functions.keys()
        wanted = {"functions": list(new_functions)}
        added = {
            row["oid"]: _Function(row["name"], row["body"], row["fixed"] or row["own_path"])
            for row in (ask(queries.FUNCTIONS, wanted) if new_functions else ())
        }
        functions |= added
        for one in added.values():
            if not one.pinned:
                paths = paths or _Paths(ask, tables[0], schema, ledger)
                paths.name(one)
        new_relations = {x for r in relations.values() for x in r.writes}
        new_relations |= {x for f in added.values() for x in f.relations}
        new_relations -= relations.keys()
        new_functions = {x for f in added.values() for x in f.functions} - functions.keys()
    return {table: _reached(table, relations, functions, paths) for table in tables}


def _reached(
    table: int,
    relations: dict[int, _Relation],
    functions: dict[int, _Function],
    paths: _Paths | None,
) -> tuple[tuple[Routine, ...], tuple[PathSchema, ...]]:
    """What of all this runs when that table is written, in the order in which it is met."""
    users: dict[int, list[str]] = {}
    seen, writes = {table}, [table]
    while writes:
        rel = writes.pop(0)
        # Whoever carries a row over gives every column, so defaults of its own table do not count.
        called = [
            (c["function"], c["label"] if rel == table else f"{c['label']} of {c['table']}")
            for c in relations[rel].calls
            if not (c["by_default"] and rel == table)
        ]
        further = set(relations[rel].writes)
        while called:
            oid, user = called.pop(0)
            if oid not in functions:
                continue
            if oid not in users:
                one = functions[oid]
                called += [(f, f"function {one.name}") for f in sorted(one.functions)]
                further |= one.relations
            users.setdefault(oid, []).append(user)
        writes += sorted(further - seen)
        seen |= further
    met = [functions[oid] for oid in users]
    order = paths.order if paths else []
    routines = (_routine(functions[oid], by, order) for oid, by in users.items())
    return tuple(routines), paths.needed(met) if paths else ()


def _routine(found: _Function, used_by: list[str], order: Iterable[str]) -> Routine:
    needs = (Need(schema=s, names=tuple(sorted({n for at, n in found.named if at == s})))
             for s in order)  # fmt: skip
    return Routine(
        name=found.name,
        used_by=tuple(dict.fromkeys(used_by)),
        body=found.body,
        pinned=found.pinned,
        needs=tuple(need for need in needs if need.names),
        ambiguous=tuple(dict.fromkeys(found.ambiguous)),
    )


class _Paths:
    """The search_paths of sessions that write one table, and what names mean in them."""

    def __init__(self, ask: _Ask, table: int, schema: str, ledger: str) -> None:
        self._ask, self._table = ask, table
        given = [_schemas(r["path"], r["role"]) for r in ask(queries.PATHS, {"table": table})]
        first = next((path for path in given if schema in path), [schema, *given[0]])
        self._all = list(dict.fromkeys(map(tuple, [first, *given])))
        order = list(dict.fromkeys(s for path in self._all for s in path))
        rows = ask(
            queries.SCHEMAS, {"table": table, "schemas": order, "hidden": [*_HIDDEN, ledger]}
        )
        self._there = {row["name"]: row for row in rows}
        self.order = [s for s in order if s in self._there]

    def name(self, function: _Function) -> None:
        """Note what the function's text names."""
        bare, qualified = _mentioned(function.body)
        words = {name for kind, name in bare if kind != "operator"}
        operators = {name for kind, name in bare if kind == "operator"}
        schemas = {*self.order, *(schema for schema, _ in qualified)}
        wanted = {
            "schemas": list(schemas),
            "names": list(words | {name for _, name in qualified}),
            "operators": list(operators),
        }
        rows = self._ask(queries.NAMED, wanted)
        reached = [r for r in rows if (r["schema"], r["name"]) in qualified]
        for kind, name in sorted(bare):
            there = [r for r in rows if r["kind"] == kind and r["name"] == name]
            met = {r["schema"] for r in there} & set(self.order)
            if kind in ("relation", "type"):
                chosen = [next((s for s in path if s in met), None) for path in self._all]
                ways = list(dict.fromkeys(s for s in chosen if s is not None))
                if len(ways) > 1:
                    function.ambiguous.append(f"{name} ({' or '.join(ways)})")
                met = set(ways[:1]) or met
            function.named += [(schema, name) for schema in sorted(met)]
            reached += [r for r in there if r["schema"] in met]
        function.relations = {r["oid"] for r in reached if r["kind"] == "relation"}
        function.functions = {r["oid"] for r in reached if r["kind"] in ("function", "operator")}

    def needed(self, functions: Iterable[_Function]) -> tuple[PathSchema, ...]:
        needed = {schema for f in functions for schema, _ in f.named}
        return tuple(
            PathSchema(name=s, place=n, usable=row["usable"], makers=tuple(row["makers"]))
            for n, s in enumerate(self.order)
            if s in needed
            for row in (self._there[s],)
        )


def _schemas(path: str, role: str) -> list[str]:
    """The schemas of a search_path's text."""
    names = (_folded(token) for token in tokens(path))
    return [role if name == "$user" else name for name in names if name]


def _mentioned(body: str) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """(kind, name) of what a text names without a schema, and (schema, name) of the rest.

    Strings are searched as well: they may be statements, or names of sequences.
    """
    bare: set[tuple[str, str]] = set()
    qualified: set[tuple[str, str]] = set()
    found = [t for t in tokens(body) if t.kind not in ("space", "comment")]
    clause = ""
    for place, token in enumerate(found):
        if token.kind in ("string", "dollar"):
            inner = _mentioned(unquoted(token.text))
            bare, qualified = bare | inner[0], qualified | inner[1]
        name = _folded(token)
        if name is None:
            continue
        before = found[place - 1] if place else None
        after = found[place + 1].text if place + 1 < len(found) else ""
        if before is not None and before.text == ".":
            if place > 1 and (schema := _folded(found[place - 2])) is not None:
                qualified.add((schema, name))
        elif after != ".":
            clause = token.text.upper() if token.text.upper() in _CLAUSES else clause
            listed = before is not None and before.text == "," and clause == "FROM"
            table = listed or after == "%" or len(found) == 1 or _before_a_table(before)
            bare |= {("relation", name)} if table else set()
            bare |= {("type", name)} if _is_type(before, after) else set()
            bare |= {("function", name)} if after == "(" else set()
    text = "".join(t.text if t.kind == "other" else " " for t in tokens(body))
    return bare | {("operator", o) for o in _OPERATOR.findall(text)}, qualified


def _folded(token: Token) -> str | None:
    return token.name.lower() if token.kind == "word" and token.name else token.name


def _is_type(before: Token | None, after: str) -> bool:
    """Whether a name stands where a type does: in a cast, or in a declaration."""
    if before is None:
        return False
    declared = before.name is not None and after.upper() in _AFTER_A_TYPE
    return declared or before.text in (":", "%") or before.text.upper() == "AS"


def _before_a_table(token: Token | None) -> bool:
    return token is not None and token.text.upper() in _BEFORE_A_TABLE
