"""The search_path that functions of the application need while functions of ours write a table.

On one table such a function runs with the search_path of the session that writes. Functions of ours
pin theirs, because they run as the table's owner. So they get the schemas that these functions
need, and only schemas in which nobody else may create anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from membership_refactor.planning import TableSplit
from membership_refactor.portrait import PathSchema, Portrait, Routine, Table
from membership_refactor.portrait.tokens import tokens
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident

_INDEXES_WITHOUT_PATH, _DEFERRED_AS_QUEUED = 170000, 180000
_SHOWN = 3


def _own(plan: TableSplit, portrait: Portrait) -> Iterator[Table]:
    names = plan.tables
    return (table for name in names if (table := portrait.find(name)) is not None)


def needed_path(plan: TableSplit, portrait: Portrait) -> tuple[str, ...]:
    """The schemas that functions on the plan's tables need, in the order of the search_path."""
    needed = {schema for table in _own(plan, portrait) for schema in table.path}
    return tuple(dict.fromkeys(s.name for s in sorted(needed, key=lambda s: s.place)))


def session_path(names: Names) -> str:
    """SET for a session of the tool: checks and indexes evaluate functions of the application."""
    return f"SET search_path = {names.search_path}"


def path_obstacles(plan: TableSplit, portrait: Portrait) -> tuple[str, ...]:
    """Functions that cannot run as they were made to: a sentence each, with what ends it."""
    found = (
        text
        for table in _own(plan, portrait)
        for text in (
            *_unsafe(table),
            *_ambiguous(table),
            *(_in_an_index(table) if portrait.server_version >= _INDEXES_WITHOUT_PATH else ()),
            *(_deferred(table) if portrait.server_version >= _DEFERRED_AS_QUEUED else ()),
        )
    )
    return tuple(dict.fromkeys(found))


def _unsafe(table: Table) -> Iterator[str]:
    schemas = {s.name: s for s in table.path}
    for routine in table.routines:
        for need in routine.needs:
            schema, said = schemas[need.schema], _called(table, routine, need.names)
            if schema.makers:
                yield (
                    f'{said} of schema "{schema.name}". Functions of this tool run it as '
                    f'"{table.owner}", and {_listed(schema.makers)} may create objects in that '
                    f"schema, which would run as that owner too. Run {_revoke(schema)}, or name "
                    "these with their schema"
                )
            elif not schema.usable:
                yield (
                    f'{said} of schema "{schema.name}". Functions of this tool run it as '
                    f'"{table.owner}", who may not use that schema. '
                    f"Run GRANT USAGE ON SCHEMA {ident(schema.name)} TO {ident(table.owner)}"
                )


def _revoke(schema: PathSchema) -> str:
    roles = ", ".join(r if r == "PUBLIC" else ident(r) for r in schema.makers)
    return f"REVOKE CREATE ON SCHEMA {ident(schema.name)} FROM {roles}"


def _ambiguous(table: Table) -> Iterator[str]:
    for routine in table.routines:
        if routine.ambiguous:
            yield (
                f"{_called(table, routine, routine.ambiguous)}. Which one that is depends on the "
                f"session's search_path. Run {pinned(table, routine)}, with the right one first"
            )


def _in_an_index(table: Table) -> Iterator[str]:
    by_name = {r.name: r for r in table.routines}
    for routine in table.routines:
        uses = [u for u in _users(routine, by_name) if u.startswith("index ")]
        if uses and routine.needs:
            named = tuple(n for need in routine.needs for n in need.names)
            yield (
                f"{_called(table, routine, named)}. PostgreSQL builds {uses[0]} with pg_catalog "
                f"alone in the search_path. Run {pinned(table, routine)}"
            )


def _users(routine: Routine, by_name: Mapping[str, Routine]) -> list[str]:
    """What calls it, directly or through other functions."""
    seen, users = {routine.name}, list(routine.used_by)
    for user in users:
        caller = user.removeprefix("function ")
        if caller in by_name and caller not in seen:
            seen.add(caller)
            users += by_name[caller].used_by
    return users


def _deferred(table: Table) -> Iterator[str]:
    """From PostgreSQL 18 on a deferred trigger runs as the role that queued it."""
    by_name = {r.name: r for r in table.routines}
    for trigger in table.triggers:
        routine = by_name.get(trigger.function)
        if routine is None or routine.pinned or not is_deferrable(trigger.definition):
            continue
        yield (
            f'table "{table.name}": trigger "{trigger.name}" is deferrable. After a write that '
            f'comes through another table of the plan it runs at COMMIT as "{table.owner}", with '
            f"the search_path of the session. Run {pinned(table, routine)}"
        )


def is_deferrable(definition: str) -> bool:
    words = [t.text for t in tokens(definition) if t.kind == "word"]
    place = words.index("DEFERRABLE") if "DEFERRABLE" in words else 0
    return place > 0 and words[place - 1] != "NOT"


def pinned(table: Table, routine: Routine) -> str:
    """The statement by which the function no longer depends on a search_path."""
    needed = {need.schema for need in routine.needs}
    schemas = [ident(s.name) for s in table.path if s.name in needed] or ["pg_catalog"]
    return f"ALTER FUNCTION {routine.name} SET search_path = {', '.join(schemas)}, pg_temp"


def _called(table: Table, routine: Routine, names: tuple[str, ...]) -> str:
    return (
        f'table "{table.name}": {routine.used_by[0]} calls {routine.name}, whose text names '
        f"{_listed(names)} without a schema"
    )


def _listed(names: tuple[str, ...]) -> str:
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest
