"""The portrait of the tables that revision 0001 creates in an empty schema."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.plans.printed_names import printed, printed_in
from membership_refactor.portrait import (
    Column,
    Constraint,
    IncomingKey,
    Index,
    Portrait,
    Sequence,
    Table,
)


def legacy_tables(schema: str) -> Portrait:
    """Person, programme, curriculum, rotation, training number, and the wide table.

    A table stands after those that it refers to. The portrait equals the one that is read from a
    database in which it has been created; the owner is empty, whoever runs the revision.
    """
    tables = (
        _table(
            schema,
            "person",
            Column(name="forenames", type="text"),
            Column(name="surname", type="text"),
            Column(name="status", type="text"),
        ),
        _table(
            schema,
            "programme",
            Column(name="programme_name", type="text"),
            Column(name="programme_number", type="text"),
            Column(name="owner", type="text"),
            Column(name="status", type="text"),
        ),
        _table(
            schema,
            "curriculum",
            Column(name="name", type="text", not_null=True),
            Column(name="curriculum_sub_type", type="text"),
        ),
        _table(
            schema,
            "rotation",
            Column(name="programme_id", type="bigint", not_null=True),
            Column(name="name", type="text", not_null=True),
            keys={"programme_id": "programme"},
            unique=("programme_id", "name"),
        ),
        _table(
            schema,
            "training_number",
            Column(name="training_number", type="text"),
            Column(name="programme_id", type="bigint"),
            keys={"programme_id": "programme"},
        ),
        _table(
            schema,
            "programme_membership",
            Column(name="person_id", type="bigint", not_null=True),
            Column(name="programme_id", type="bigint", not_null=True),
            Column(name="curriculum_id", type="bigint", not_null=True),
            Column(name="programme_membership_type", type="text"),
            Column(name="programme_start_date", type="date"),
            Column(name="programme_end_date", type="date"),
            Column(name="rotation", type="text"),
            Column(name="rotation_id", type="bigint"),
            Column(name="training_number_id", type="bigint"),
            Column(name="training_pathway", type="text"),
            Column(name="leaving_reason", type="text"),
            Column(name="leaving_destination", type="text"),
            Column(name="curriculum_start_date", type="date"),
            Column(name="curriculum_end_date", type="date"),
            Column(name="curriculum_completion_date", type="date"),
            Column(name="period_of_grace", type="integer"),
            Column(name="intrepid_id", type="text"),
            Column(
                name="amended_date",
                type="timestamp(3) with time zone",
                not_null=True,
                default="now()",
            ),
            keys={
                "person_id": "person",
                "programme_id": "programme",
                "curriculum_id": "curriculum",
                "rotation_id": "rotation",
                "training_number_id": "training_number",
            },
        ),
    )
    return Portrait(schema=schema, tables=_with_incoming_keys(tables))


def _table(
    schema: str,
    name: str,
    *columns: Column,
    keys: dict[str, str] | None = None,
    unique: tuple[str, ...] = (),
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


def _with_incoming_keys(tables: tuple[Table, ...]) -> tuple[Table, ...]:
    """The same tables; each knows the foreign keys that point to it."""
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
