"""Names that somebody chose for NOT NULL constraints are kept (PostgreSQL 18 has such names)."""

from __future__ import annotations

import pytest

from membership_refactor.planning import Conflict, ParentColumn, TableSplit
from tests.chain.driver import Chain, Subject
from tests.fixtures.databases import NewDatabase

NAMES = {"k": "key is needed", "v": 'v 100% "q" it\'s', "c": "c_nn"}
LISTED = {column: '"' + name.replace('"', '""') + '"' for column, name in NAMES.items()}
WIDE = Subject(
    plan=TableSplit(
        name="named",
        source="wide",
        copy="narrow it's 100%",
        parent="family",
        link="family_uuid",
        key=("k",),
        parent_columns=(ParentColumn(name="v", conflict=Conflict.FIRST),),
        child_columns=("c",),
    ),
    schema="public",
    create=(
        "CREATE TABLE public.wide (id int PRIMARY KEY,"
        + ", ".join(f" {c} text CONSTRAINT {name} NOT NULL" for c, name in LISTED.items())
        + ", plain int NOT NULL)",
        "INSERT INTO public.wide VALUES (1, 'a', 'b', 'c', 1), (2, 'a', 'b', 'd', 2)",
    ),
)


def chosen(chain: Chain, table: str) -> dict[str, str]:
    return dict(
        chain.query(
            "SELECT a.attname::text, k.conname::text FROM pg_constraint k JOIN pg_attribute a"
            " ON a.attrelid = k.conrelid AND k.conkey = ARRAY[a.attnum]"
            f" WHERE k.contype = 'n' AND k.conrelid = '{table}'::regclass"
            " AND k.conname !~ '_not_null[0-9]*$'"
        )
    )


@pytest.mark.parametrize("top", ["0004", "0008", "0011"])
def test_chosen_names_are_on_the_copy_and_come_back(new_database: NewDatabase, top: str) -> None:
    chain = Chain(new_database(), WIDE)
    chain.run(*WIDE.create)
    before = chosen(chain, "public.wide")
    named = int(chain.value("SHOW server_version_num")) >= 180000
    assert before == (NAMES if named else {})
    chain.up_to("0004")
    assert chosen(chain, "public.\"narrow it''s 100%\"") == before
    chain.up_to(top, after="0004")
    chain.down_to("0005", before=top)
    if top != "0004":
        assert chosen(chain, "public.\"narrow it''s 100%\"") == before
    chain.down_to("0002", before=min(top, "0005"))
    assert chosen(chain, "public.wide") == before
