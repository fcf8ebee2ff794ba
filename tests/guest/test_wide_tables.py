"""Wide tables of other people go up, down and up again by what `new` wrote, judged by plain SQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.cli.processes import query, value
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import Project, new_project
from tests.guest.wide_tables import BROAD, EMPTY, MILLION, TABLES, TYPES, WORDS, Wide

CATALOG = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
  a.attgenerated, pg_get_expr(d.adbin, d.adrelid)
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = '{0}'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY 1;
SELECT conname, contype, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
WHERE conrelid = '{0}'::regclass ORDER BY 1;
SELECT pg_get_indexdef(indexrelid), indisunique, indisvalid FROM pg_index
WHERE indrelid = '{0}'::regclass ORDER BY 1;
SELECT polname, polcmd, pg_get_expr(polqual, polrelid) FROM pg_policy
WHERE polrelid = '{0}'::regclass ORDER BY 1;
SELECT relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner), relacl::text
FROM pg_class WHERE oid = '{0}'::regclass;
SELECT tgname FROM pg_trigger WHERE tgrelid = '{0}'::regclass AND NOT tgisinternal ORDER BY 1;
SELECT stxname FROM pg_statistic_ext WHERE stxrelid = '{0}'::regclass ORDER BY 1
"""


def catalog(url: str, table: str) -> list[list[tuple[Any, ...]]]:
    """The structure by queries of this file's own."""
    return [query(url, text) for text in CATALOG.format(table).split(";")]


def digest(url: str, relation: str, wide: Wide, columns: Sequence[str]) -> tuple[int, str]:
    """How many rows, and a digest of all values in the order of the id."""
    values = ", ".join(f"t.{c}::text" for c in columns)
    row = query(
        url,
        f"SELECT count(*), coalesce(md5(string_agg(ARRAY[{values}]::text, '|' ORDER BY "
        f"t.{wide.id}::text)), '') FROM {relation} AS t",
    )[0]
    return row[0], row[1]


def columns_of(url: str, table: str) -> list[str]:
    rows = query(
        url,
        "SELECT quote_ident(attname) FROM pg_attribute WHERE attnum > 0 AND NOT attisdropped "
        f"AND attrelid = '{table}'::regclass ORDER BY attnum",
    )
    return [row[0] for row in rows]


def bare(name: str) -> str:
    return name.strip('"')


def new(project: Project, wide: Wide, *more: str) -> str:
    shared = ",".join(bare(c) for c in wide.shared)
    done = project.refactor(
        *("new", bare(wide.table), "--yes", "--seconds", "1", "--parent", "the_parent"),
        *("--key", ",".join(map(bare, wide.key)), "--parent-columns", shared),
        *more,
    )
    assert done.status == 0, done.out + done.err
    return done.out


def made(tmp_path: Path, new_database: NewDatabase, wide: Wide) -> Project:
    project = new_project(tmp_path, new_database(), revisions=())
    with psycopg.connect(libpq_url(project.url), autocommit=True) as connection:
        for text in wide.create:
            connection.execute(text.encode())
    return project


def joined(wide: Wide, child: str, all_columns: Sequence[str], link: str) -> str:
    """The wide shape over both tables, as a reader would write it."""
    moved = {*wide.key, *wide.shared}
    listed = ", ".join(f"{'p' if c in moved else 'c'}.{c}" for c in all_columns)
    return f"(SELECT {listed} FROM {child} AS c JOIN the_parent AS p ON p.uuid = c.{link})"


def link_of(url: str, child: str) -> str:
    return str(
        value(
            url,
            "SELECT quote_ident(a.attname) FROM pg_constraint k JOIN pg_attribute a "
            "ON a.attrelid = k.conrelid AND a.attnum = k.conkey[cardinality(k.conkey)] "
            "WHERE k.contype = 'f' "
            f"AND k.conrelid = '{child}'::regclass AND k.confrelid = 'the_parent'::regclass",
        )
    )


FORMS = {
    "split": (("--child", "the_child"), "the_child"),
    "in place": (("--in-place",), ""),
}
QUICK = {("split", TYPES.note), ("in place", WORDS.note), ("split", EMPTY.note)}


def cases() -> list[Any]:
    return [
        pytest.param(
            wide,
            form,
            id=f"{form}: {wide.note}",
            marks=() if (form, wide.note) in QUICK else pytest.mark.slow,
        )
        for wide in TABLES
        for form in FORMS
    ]


@pytest.mark.parametrize(("wide", "form"), cases())
def test_a_wide_table_goes_up_down_and_up_by_what_new_wrote(
    wide: Wide, form: str, tmp_path: Path, new_database: NewDatabase
) -> None:
    flags, named = FORMS[form]
    child = named or wide.table
    project = made(tmp_path, new_database, wide)
    columns = columns_of(project.url, wide.table)
    structure = catalog(project.url, wide.table)
    rows = digest(project.url, wide.table, wide, columns)
    assert rows[0] == wide.rows
    parents = value(
        project.url,
        f"SELECT count(*) FROM (SELECT DISTINCT {', '.join(wide.key)} FROM {wide.table}) AS t",
    )

    new(project, wide, *flags, *(("--keep", ",".join(wide.keep)) if wide.keep else ()))
    project.upgraded("head", "-x", "accept-usage=test")

    link = link_of(project.url, child)
    uuids = digest(project.url, child, wide, [wide.id, link])
    assert digest(project.url, joined(wide, child, columns, link), wide, columns) == rows
    assert value(project.url, "SELECT count(*) FROM the_parent") == parents
    left = {*wide.key, *wide.shared} & set(columns_of(project.url, child))
    assert left == set(wide.keep)

    down = project.alembic("downgrade", "base")
    assert down.status == 0, down.out + down.err
    assert digest(project.url, wide.table, wide, columns) == rows
    assert catalog(project.url, wide.table) == structure
    assert value(project.url, "SELECT to_regclass('the_parent')") is None

    project.upgraded("head", "-x", "accept-usage=test")
    assert digest(project.url, child, wide, [wide.id, link]) == uuids
    assert digest(project.url, joined(wide, child, columns, link), wide, columns) == rows


def test_the_tables_are_as_unlike_as_they_say() -> None:
    assert len(BROAD.key) + len(BROAD.shared) == 120 and len(TABLES) >= 10
    assert MILLION.rows == 1_000_000
    assert all(re.search(r"CREATE TABLE", " ".join(wide.create)) for wide in TABLES)
