"""Makes the portraits of the baseline's tables, with keys and indexes named by one rule."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.plans.printed_names import printed, printed_in
from membership_refactor.portrait import (
    Column,
    Constraint,
    IncomingKey,
    Index,
    Sequence,
    Table,
)


def table(
    schema: str,
    name: str,
    *columns: Column,
    keys: dict[str, str] | None = None,
    unique: tuple[str, ...] = (),
    checks: tuple[Constraint, ...] = (),
) -> Table:
    """A table with an identity ``id``, a foreign key and an index for each of ``keys``."""
    constraints = [_primary_key(name)]
    indexes = [_index(schema, name, constraints[0].name, ("id",), of_constraint=True)]
    for column, target in (keys or {}).items():
        constraints.append(_foreign_key(schema, name, column, target))
        # A unique key that begins with the column serves look-ups and the foreign key as well.
        if unique[:1] != (column,):
            indexes.append(_index(schema, name, f"ix_{name}_{column}", (column,)))
    if unique:
        key_name = f"uq_{name}_{'_'.join(unique)}"
        constraints.append(
            Constraint(
                name=key_name,
                kind="u",
                definition=f"UNIQUE ({_list(unique)})",
                columns=unique,
                index=key_name,
            )
        )
        indexes.append(_index(schema, name, key_name, unique, of_constraint=True))
    constraints += checks
    return Table(
        schema=schema,
        name=name,
        columns=(_identity(schema, name), *columns),
        constraints=tuple(sorted(constraints, key=lambda constraint: constraint.name)),
        indexes=tuple(sorted(indexes, key=lambda index: index.name)),
    )


def _identity(schema: str, table: str) -> Column:
    return Column(
        name="id",
        type="bigint",
        not_null=True,
        identity="by default",
        sequence=Sequence(schema=schema, name=f"{table}_id_seq"),
    )


def _primary_key(table: str) -> Constraint:
    name = f"pk_{table}"
    return Constraint(
        name=name, kind="p", definition="PRIMARY KEY (id)", columns=("id",), index=name
    )


def _foreign_key(schema: str, table: str, column: str, target: str) -> Constraint:
    return Constraint(
        name=f"fk_{table}_{column}",
        kind="f",
        definition=(f"FOREIGN KEY ({printed(column)}) REFERENCES {printed_in(schema, target)}(id)"),
        columns=(column,),
        references=(schema, target),
        on_delete="a",
        on_update="a",
    )


def _index(
    schema: str, table: str, name: str, columns: tuple[str, ...], *, of_constraint: bool = False
) -> Index:
    # A primary key and a unique key are the only constraints with an index here.
    unique = "UNIQUE " if of_constraint else ""
    return Index(
        name=name,
        definition=(
            f"CREATE {unique}INDEX {printed(name)} ON {printed_in(schema, table)} "
            f"USING btree ({_list(columns)})"
        ),
        columns=columns,
        unique=of_constraint,
        constraint=name if of_constraint else None,
    )


def _list(columns: tuple[str, ...]) -> str:
    return ", ".join(printed(column) for column in columns)


def with_incoming_keys(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """Return the same tables, each with the foreign keys that refer to it."""
    incoming: dict[str, list[IncomingKey]] = {table.name: [] for table in tables}
    for table in sorted(tables, key=lambda table: table.name):
        for key in table.foreign_keys:
            assert key.references is not None
            incoming[key.references[1]].append(
                IncomingKey(
                    schema=table.schema,
                    table=table.name,
                    name=key.name,
                    definition=key.definition,
                    columns=key.columns,
                    references=("id",),
                )
            )
    return tuple(replace(table, incoming=tuple(incoming[table.name])) for table in tables)
