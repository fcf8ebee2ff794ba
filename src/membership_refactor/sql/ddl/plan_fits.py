"""Whether a plan fits a table, by its columns and their types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from membership_refactor.planning import TableSplit
from membership_refactor.planning.policies import Extreme, choice
from membership_refactor.portrait import Column, Table
from membership_refactor.portrait.tokens import tokens
from membership_refactor.sql.parents.parent_uuid import supported_key_type
from membership_refactor.sql.quoting import ident, qualified
from membership_refactor.sql.types import base_type, has_own_equality, identifies, stored_type

_TIMES = frozenset({"timestamp with time zone", "timestamp without time zone"})
COUNTS = frozenset({"smallint", "integer", "bigint"})
"""Types of a version column."""
_WITHOUT_ORDER = frozenset(
    {
        "json",
        "jsonpath",
        "xml",
        "point",
        "line",
        "lseg",
        "box",
        "path",
        "polygon",
        "circle",
        "xid",
        "cid",
        "aclitem",
        "refcursor",
        "pg_snapshot",
        "txid_snapshot",
    }
)
"""Types without a btree order, which ORDER BY and DISTINCT need."""


_WORDS = frozenset({"uuids", "kept uuid", "child id", "is new", "own_place", "own_last"})
"""Names that the tool gives to columns beside those of a table."""
_VARIABLES = ("found", "own_", "tg_")
"""Variables of PL/pgSQL, and the beginnings of others. In the trigger functions a bare name means
the variable, and only the columns of an id have to be written as bare names."""

MOST_KEY_COLUMNS = 32
"""INDEX_MAX_KEYS of PostgreSQL: the parent's key is unique."""


def fits(plan: TableSplit, table: Table) -> tuple[str, ...]:
    """Why ``plan`` cannot be carried out on ``table``, a sentence each; empty if it fits.

    Columns that the plan does not mention stay with the child.
    """
    missing = [name for name in plan.source_columns if name not in table.column_names]
    reasons = [f'column "{name}" of the plan is not in the table' for name in missing]
    if plan.link in table.column_names:
        reasons.append(f'the table already has a column "{plan.link}", the name of the link')
    if len(plan.key) > MOST_KEY_COLUMNS:
        reasons.append(
            f"the key has {len(plan.key)} columns; a unique index takes {MOST_KEY_COLUMNS} at most"
        )
    if len(plan.keep) >= MOST_KEY_COLUMNS:
        reasons.append(
            f"the plan keeps {len(plan.keep)} columns; a foreign key over them and the link takes "
            f"{MOST_KEY_COLUMNS - 1} at most"
        )
    if all(c.generated is not None or c.name in plan.ids for c in table.columns):
        reasons.append(
            f"there is no column besides {_quoted(plan.ids)} that can be written, and changes are "
            "followed by one. Add a column, or rename the table with ALTER TABLE while nobody "
            "uses it"
        )
    reasons += _identity(plan, table)
    for name in plan.key:
        if name not in missing:
            reasons += key_obstacles(table.column(name))
    reasons += [
        f'kept column "{name}" may be NULL, and a foreign key does not look at a row with a NULL '
        f"in it. Run ALTER TABLE {qualified(table.schema, table.name)} ALTER COLUMN {ident(name)} "
        "SET NOT NULL, or leave the column out of keep"
        for name in plan.keep
        if name not in missing and not table.column(name).not_null
    ]
    if plan.changed and plan.changed not in missing:
        reasons += _changed(table.column(plan.changed))
    if plan.version and plan.version not in missing:
        reasons += _version(table.column(plan.version))
    for name in plan.parent_values:
        if name not in missing:
            reasons += _parent_value(plan, table.column(name))
    reasons += [
        f'column "{name}" has the domain {table.column(name).type}, which refuses NULL: the child '
        "keeps it without values once parallel saving has stopped. Use SET NOT NULL on the column "
        "instead of the domain's NOT NULL"
        for name in plan.leaving
        if name not in missing and table.column(name).refuses_null
    ]
    reasons += _generated(plan, table)
    reasons += _called(plan, table)
    return tuple(f'table "{table.name}": {reason}' for reason in reasons)


def _identity(plan: TableSplit, table: Table) -> Iterator[str]:
    """Every row is found by the plan's id, and no step may take its index away."""
    index, key = table.identity_index(plan.ids), table.primary_key
    late = next((c for c in table.constraints if c.columns == plan.ids and c.deferrable), None)
    if index is None and late is not None:
        name = "primary key" if late.kind == "p" else f"constraint {late.name}"
        yield f"the {name} is deferrable, and ON CONFLICT cannot use it. Make it NOT DEFERRABLE"
    elif index is None and key is None:
        yield f"there is no primary key; the plan expects one on {_quoted(plan.ids)}"
    elif index is None and key is not None:
        alone = "that column alone"
        if len(plan.ids) > 1:
            alone = "those columns alone, in that order"
        as_plan = repr(key.columns if len(key.columns) > 1 else key.columns[0]).replace("'", '"')
        yield (
            f"the primary key is ({', '.join(key.columns)}), the plan expects "
            f"({_quoted(plan.ids)}), or a UNIQUE constraint on {alone}. "
            f"To use the primary key, write id={as_plan} in the plan"
        )
    else:
        yield from (
            f'the id "{name}" may be NULL. Run ALTER TABLE '
            f"{qualified(table.schema, table.name)} ALTER COLUMN {ident(name)} SET NOT NULL"
            for name in plan.ids
            if name in table.column_names and not table.column(name).not_null
        )
    needed = {index.name if index else None, key.index if key else None} - {None}
    for name in sorted(filter(None, needed)):
        if with_it := [c for c in _indexed(table, name) if c in plan.leaving]:
            what = "primary key" if key and key.index == name else f"index {name} of the id"
            yield (
                f"the {what} includes {', '.join(with_it)}, which leave the child at step "
                "drop_deprecated_columns, and the key would go with them. Make it on the id alone, "
                "or name them in keep"
            )
    for name in plan.ids:
        if name in table.column_names:
            yield from _id(table.column(name))


def _called(plan: TableSplit, table: Table) -> Iterator[str]:
    """Columns whose names are words of the tool's functions."""
    bare = filter(None, (*plan.ids, plan.link, plan.parent_id))
    words = [n for n in bare if n == _VARIABLES[0] or n.startswith(_VARIABLES[1:])]
    for name in dict.fromkeys([*words, *(n for n in table.column_names if n in _WORDS)]):
        if name in table.column_names:
            on = qualified(table.schema, table.name)
            advice = f"Run ALTER TABLE {on} RENAME COLUMN {ident(name)} TO ..."
        else:
            advice = "Choose another one in the plan"
        yield (
            f'column "{name}" has the name of a variable or column in the functions of this tool. '
            f"{advice}"
        )


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _indexed(table: Table, index: str | None) -> tuple[str, ...]:
    """Every column of that index, those of INCLUDE too."""
    return next((i.columns for i in table.indexes if i.name == index), ())


def _id(column: Column) -> Iterator[str]:
    """Capture finds a row of the other table by its id, so equal ids would lose changes."""
    place = f'id column "{column.name}"'
    if not column.deterministic:
        yield _nondeterministic(place, column)
    elif not identifies(column):
        yield (
            f"{place} has type {_named(column)}, in which equal values can differ. "
            "Give it a type such as integer, uuid or text, or name another unique column as id"
        )


def _version(column: Column) -> Iterator[str]:
    place = f'version column "{column.name}"'
    if column.generated is not None:
        yield f"{place} is generated, and the chain has to raise it. Leave version out of the plan"
    elif base_type(column.base_type or column.type) not in COUNTS:
        yield (
            f"{place} has type {column.type}, and the chain raises it by one. Give it an integer "
            "type, or leave version out of the plan"
        )


def key_obstacles(column: Column) -> tuple[str, ...]:
    """Why the column cannot be one of the key; empty if it can."""
    return tuple(_key(column))


def _key(column: Column) -> Iterator[str]:
    place = f'key column "{column.name}"'
    if column.generated is not None:
        yield f"{place} is generated, so the parent could not be written"
    elif not supported_key_type(column):
        why = "in which equal values can differ"
        if identifies(column):
            why = "that this tool cannot encode"
        elif not has_own_equality(column):
            why = "for which PostgreSQL finds no ="
        yield (
            f"{place} has type {_named(column)}, {why}. "
            "Choose another key column or change its type"
        )
    elif not column.deterministic:
        yield _nondeterministic(place, column)


def _nondeterministic(place: str, column: Column) -> str:
    return (
        f"{place} has the nondeterministic collation {column.collation}, in which different texts "
        "are equal. Give it a deterministic collation"
    )


def _named(column: Column) -> str:
    of = f" (a domain over {column.base_type})" if column.base_type else ""
    return f"{column.type}{of}"


def may_be_changed(column: Column) -> bool:
    """Whether the column can have the time of a row's last change."""
    return not any(_changed(column))


def _changed(column: Column) -> Iterator[str]:
    if column.generated is not None:
        yield f'column "{column.name}" (changed) is generated'
    elif base_type(column.type) not in _TIMES:
        yield f'column "{column.name}" (changed) has type {column.type}, not a timestamp'


def _parent_value(plan: TableSplit, column: Column) -> Iterator[str]:
    if column.generated is not None:
        yield f'parent column "{column.name}" is generated, so the parent could not be written'
    conflict = next(c.conflict for c in plan.parent_columns if c.name == column.name)
    chosen = choice(conflict)
    if isinstance(chosen, Extreme) and (stored_type(column).removesuffix("[]") in _WITHOUT_ORDER):
        yield (
            f'parent column "{column.name}" has type {_named(column)}, '
            f"which has no {chosen.adjective} value. Choose another policy than {conflict}"
        )


def _generated(plan: TableSplit, table: Table) -> Iterator[str]:
    """A generated column of the child must not use columns that drop_deprecated_columns drops."""
    going = frozenset(plan.leaving)
    for column in table.columns:
        if column.generated is None or column.name in going:
            continue
        named = feeding(column) & going
        if named:
            yield (
                f'column "{column.name}" is generated from "{min(named)}", '
                "which leaves the child at step drop_deprecated_columns"
            )


def feeding(column: Column) -> set[str]:
    """The names in the expression of a generated column, those of its columns among them."""
    return {token.name for token in tokens(column.generated or "") if token.name}
