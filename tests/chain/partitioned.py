"""The wide table, partitioned in every way: the same columns, keys and indexes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from membership_refactor.planning import TableSplit
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.portrait import Constraint, Index, Member, Partitioning, Portrait, Table
from membership_refactor.sql.ddl.create import EMPTY_SEARCH_PATH, create_tables
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import qualified
from tests.chain.driver import Subject
from tests.chain.subjects import MEMBERSHIP, REFERENCES, in_place, renamed

NAME = MEMBERSHIP.plan.source
ROOT = qualified("public", NAME)


def member(suffix: str, bound: str, *, of: str = "", by: str | None = None) -> Member:
    """A partition of the root, or of the member with the suffix ``of``."""
    parent = qualified("public", f"{NAME}_{of}") if of else ROOT
    name = f"{NAME}_{suffix}"
    return Member(schema="public", name=name, parent=parent, bound=bound, by=by)


def hashed(count: int = 3) -> tuple[Member, ...]:
    return tuple(
        member(f"p{n}", f"FOR VALUES WITH (modulus {count}, remainder {n})") for n in range(count)
    )


def partitioned(
    by: str, *members: Member, ids: tuple[str, ...] = ("id",), keep: tuple[str, ...] = ()
) -> Subject:
    """The table with that partition key, and a primary key of ``ids``."""
    plan = MEMBERSHIP.plan
    whole = legacy_tables("public")
    wide = _with_key(whole.table(NAME), ids)
    wide = replace(wide, kind="p", partitioning=Partitioning(by=by, members=members))
    tables = tuple(wide if t.name == NAME else t for t in whole.tables)
    return Subject(
        plan=_with_ids(plan, ids, keep),
        schema="public",
        create=(
            EMPTY_SEARCH_PATH.text,
            *(s.text for s in create_tables(Portrait(schema="public", tables=tables))),
            *REFERENCES.strip().split(";\n"),
        ),
    )


def _with_ids(plan: TableSplit, ids: tuple[str, ...], keep: tuple[str, ...]) -> TableSplit:
    staying = tuple(c for c in plan.child_columns if c not in ids)
    return replace(plan, id=ids, child_columns=staying, keep=keep)


def _with_key(table: Table, ids: tuple[str, ...]) -> Table:
    key = table.primary_key
    assert key is not None
    text = f"({listed(ids)})"

    def of_constraint(one: Constraint) -> Constraint:
        if one.kind != "p":
            return one
        return replace(one, definition=f"PRIMARY KEY {text}", columns=ids)

    def of_index(one: Index) -> Index:
        if one.constraint != key.name:
            return one
        made = f"{one.definition.partition(' USING ')[0]} USING btree {text}"
        return replace(one, definition=made, columns=ids)

    return replace(
        table,
        access_method="",
        constraints=tuple(map(of_constraint, table.constraints)),
        indexes=tuple(map(of_index, table.indexes)),
    )


HASHED = partitioned("HASH (id)", *hashed())
"""By the id alone."""
HASHED_BY_ANOTHER = partitioned("HASH (curriculum_id)", *hashed(), ids=("curriculum_id", "id"))
"""By a column that applications change: rows move between partitions."""
HASHED_BY_KEPT = partitioned(
    "HASH (person_id)", *hashed(), ids=("person_id", "id"), keep=("person_id", "programme_id")
)
"""By a column of the parent's key, which the child keeps."""
LISTED = partitioned(
    "LIST (curriculum_id)",
    member("zero", "FOR VALUES IN ('0')"),
    member("one", "FOR VALUES IN ('1')"),
    member("rest", "DEFAULT"),
    ids=("curriculum_id", "id"),
)
RANGED = partitioned(
    "RANGE (id)",
    member("first", "FOR VALUES FROM (MINVALUE) TO ('20')"),
    member("second", "FOR VALUES FROM ('20') TO ('40')"),
    member("rest", "DEFAULT"),
)
LEVELS = partitioned(
    "HASH (curriculum_id)",
    member("h0", "FOR VALUES WITH (modulus 2, remainder 0)", by="RANGE (id)"),
    member("h1", "FOR VALUES WITH (modulus 2, remainder 1)", by="RANGE (id)"),
    *(
        member(f"h{n}_{name}", bound, of=f"h{n}")
        for n in range(2)
        for name, bound in (
            ("low", "FOR VALUES FROM (MINVALUE) TO ('25')"),
            ("high", "FOR VALUES FROM ('25') TO (MAXVALUE)"),
        )
    ),
    ids=("curriculum_id", "id"),
)
"""Each hash partition is partitioned by range."""
SHAPES = {
    "hash": HASHED,
    "hash by another": HASHED_BY_ANOTHER,
    "hash by kept": HASHED_BY_KEPT,
    "list": LISTED,
    "range": RANGED,
    "levels": LEVELS,
}
EVERYDAY = ("hash by another", "levels")
RENAMED = {name: renamed(subject) for name, subject in SHAPES.items()}
IN_PLACE = {name: in_place(subject, "membership") for name, subject in SHAPES.items()}


def each(shapes: Iterable[str], everyday: Sequence[str] = EVERYDAY) -> Sequence[Any]:
    """A parameter for each of these; a plain run takes those that are unlike most."""
    return [pytest.param(s, marks=() if s in everyday else pytest.mark.slow) for s in shapes]


def bounds(portrait: Portrait, name: str) -> set[tuple[str, str, str, str | None]]:
    """The partitions of that table with what decides which rows they have."""
    found = portrait.table(name).partitioning
    assert found is not None
    return {(m.name, m.parent, m.bound, m.by) for m in found.members}


PARTITIONED = {
    "split hash": HASHED,
    "split hash by another": HASHED_BY_ANOTHER,
    "renamed hash by another": RENAMED["hash by another"],
    "renamed range": RENAMED["range"],
}
"""What is stopped in every way, by the name of its template."""
