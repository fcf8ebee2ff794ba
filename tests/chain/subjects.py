"""The two plans of these tests: the one that ships, and one that is unlike it in every way."""

from __future__ import annotations

from dataclasses import replace

from membership_refactor.planning import Conflict, Nulls, ParentColumn, TableSplit
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH, create_tables
from membership_refactor.sql.quoting import ident, qualified
from tests.chain.driver import Chain, Subject

REFERENCES = """
INSERT INTO public.person (id) OVERRIDING SYSTEM VALUE VALUES (0), (1), (2), (3), (9);
INSERT INTO public.programme (id) OVERRIDING SYSTEM VALUE VALUES (-1), (0), (1), (2), (9);
INSERT INTO public.curriculum (id, name) OVERRIDING SYSTEM VALUE
  VALUES (0, 'a'), (1, 'b'), (2, 'c');
INSERT INTO public.rotation (id, programme_id, name) OVERRIDING SYSTEM VALUE
  VALUES (0, 0, 'zero'), (1, 1, 'one'), (2, 1, 'two');
INSERT INTO public.training_number (id) OVERRIDING SYSTEM VALUE VALUES (-1), (0), (1), (2);
"""
MEMBERSHIP = Subject(
    plan=SPLIT,
    schema="public",
    create=(
        EMPTY_SEARCH_PATH.text,
        *(s.text for s in create_tables(legacy_tables("public"))),
        *REFERENCES.strip().split(";\n"),
    ),
)

ODD_SCHEMA = 'Sch "ä" 100%s.x'
SIXTY_THREE = "ein Name von genau dreiundsechzig Byte, 'mit' Anführung, ja ß"
assert len(SIXTY_THREE.encode()) == 63


def odd(
    *,
    changed: str | None = 'um "%d"',
    nulls: Nulls = Nulls.EQUAL,
    indexed: bool = True,
    parent_columns: tuple[ParentColumn, ...] | None = None,
    keep: tuple[str, ...] = (),
) -> Subject:
    """A text primary key, every kind of key column, every policy, names that need quoting."""
    row_policy = Conflict.LATEST if changed else Conflict.FIRST
    plan = TableSplit(
        name="Plan %s 'ü' \"q\"",
        source="select",
        copy=SIXTY_THREE,
        parent='Eltern "%s" .x',
        link="li.nk %",
        id='Schlüssel "%"',
        parent_id="uuid%",
        key=("first key %", "order", 'né "q"', "b$ody$", "{last}"),
        parent_columns=parent_columns
        if parent_columns is not None
        else (
            ParentColumn(name="agrees %", conflict=Conflict.AGREE),
            ParentColumn(name="latest{first}", conflict=row_policy),
            ParentColumn(name="late json", conflict=row_policy),
            ParentColumn(name="First\\", conflict=Conflict.FIRST),
            ParentColumn(name="max num", conflict=Conflict.MAX),
            ParentColumn(name="max'date", conflict=Conflict.MAX),
        ),
        child_columns=("stays ü", "user"),
        changed=changed,
        version='ver"sion %',
        nulls=nulls,
        keep=keep,
    )
    table, lookup = qualified(ODD_SCHEMA, plan.source), qualified(ODD_SCHEMA, "look up")
    types = {
        plan.last_id: "text",
        "first key %": "text",
        "order": "smallint",
        'né "q"': "date",
        "b$ody$": "uuid",
        "{last}": "boolean",
        "agrees %": "integer",
        "latest{first}": "text",
        "late json": "json",
        "First\\": "character varying(20)",
        "max num": "numeric",
        "max'date": "date",
        "stays ü": "text DEFAULT 'x % ü'",
        "user": "double precision",
        "not in the plan": "text",
        'ver"sion %': "smallint NOT NULL DEFAULT 7",
    }
    if changed:
        types[changed] = "timestamp"
    for name in keep:
        types[name] += " NOT NULL"
    columns = [f"{ident(name)} {type_name}" for name, type_name in types.items()]
    foreign, check, index = (ident(name) for name in ('fk % "x"', "ck %", 'ix % ("'))
    create = [
        f"CREATE SCHEMA {ident(ODD_SCHEMA)}",
        f"CREATE TABLE {lookup} (n smallint PRIMARY KEY)",
        f"INSERT INTO {lookup} VALUES (-1), (0), (1), (32767)",
        f"CREATE TABLE {table} ({', '.join(columns)}, PRIMARY KEY ({ident(plan.last_id)}), "
        f"CONSTRAINT {foreign} FOREIGN KEY ({ident('order')}) REFERENCES {lookup} "
        f"ON DELETE CASCADE, CONSTRAINT {check} CHECK ({ident('max num')} > -1000))",
        f"COMMENT ON COLUMN {table}.{ident('max num')} IS 'sagt % und ''was'''",
        f"GRANT SELECT ON {table} TO PUBLIC",
    ]
    if indexed:
        create.append(f"CREATE INDEX {index} ON {table} ({ident('first key %')})")
    return Subject(plan=plan, schema=ODD_SCHEMA, create=tuple(create))


def in_place(subject: Subject, parent: str) -> Subject:
    """The same table, which becomes the child itself."""
    plan = replace(subject.plan, copy=None, retired="", parent=parent)
    return replace(subject, plan=plan)


def renamed(subject: Subject) -> Subject:
    """The same table, which only gets the name of the copy."""
    wide = subject.plan
    plan = TableSplit(name=wide.name, source=wide.source, copy=wide.copy, id=wide.id)
    return replace(subject, plan=plan)


ODD = odd()
UNCHANGED = odd(changed=None, indexed=False)
"""Nobody knows when a row was changed, and no index begins with the key."""
COMPLETE = odd(nulls=Nulls.REJECT, indexed=False)
"""A key with a gap is refused."""
IN_PLACE = in_place(MEMBERSHIP, "membership")
ODD_IN_PLACE = in_place(ODD, ODD.plan.parent)
RENAMED, ODD_RENAMED = renamed(MEMBERSHIP), renamed(ODD)

KEPT = replace(MEMBERSHIP, plan=replace(SPLIT, keep=("person_id", "programme_id")))
"""The child keeps two columns of the key."""
KEPT_IN_PLACE = in_place(KEPT, "membership")
ODD_KEPT = odd(indexed=True, keep=("order", "b$ody$"))


def composite(subject: Subject, *ids: str, keep: tuple[str, ...] = ()) -> Subject:
    """The same table with a primary key of several columns; `id` alone may repeat."""
    plan, table = subject.plan, subject.names.source
    staying = tuple(c for c in plan.child_columns if c not in ids)
    return Subject(
        plan=replace(plan, id=ids, child_columns=staying, keep=keep),
        schema=subject.schema,
        create=(
            *subject.create,
            f"ALTER TABLE {table} DROP CONSTRAINT pk_programme_membership, "
            f"ADD CONSTRAINT pk_programme_membership PRIMARY KEY ({', '.join(map(ident, ids))})",
        ),
    )


COMPOSITE = composite(MEMBERSHIP, "curriculum_id", "id")
"""The first column of the primary key stays with the child."""
COMPOSITE_IN_PLACE, COMPOSITE_RENAMED = in_place(COMPOSITE, "membership"), renamed(COMPOSITE)
COMPOSITE_KEPT = composite(MEMBERSHIP, "person_id", "id", keep=("person_id", "programme_id"))
"""The first column of the primary key is one of the parent's key, and is kept."""


def with_plan(chain: Chain, **changes: object) -> Chain:
    """The same database, for the plan that ships with some of its fields changed."""
    plan = replace(MEMBERSHIP.plan, **changes)  # type: ignore[arg-type]
    return replace(chain, subject=Subject(plan=plan, schema="public", create=()))


def with_old_shape(subject: Subject) -> Subject:
    """The same plan, with a view of the old shape."""
    return replace(subject, plan=replace(subject.plan, old_shape_view=True))


OLD_SHAPE, OLD_SHAPE_RENAMED = with_old_shape(MEMBERSHIP), with_old_shape(RENAMED)
OLD_SHAPE_ODD, OLD_SHAPE_KEPT = with_old_shape(ODD), with_old_shape(KEPT)
OLD_SHAPE_COMPOSITE = with_old_shape(COMPOSITE)
