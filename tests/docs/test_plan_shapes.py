"""Pages about shapes of plans: every block is executed, and prints what they show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.planning import TableSplit
from tests.chain.driver import Chain, Subject
from tests.docs.blocks import blocks
from tests.fixtures.databases import NewDatabase


def prepared(page: str, url: str) -> tuple[Chain, Iterator[tuple[str, str]]]:
    """The page's table and plan, and then each statement with what the page shows below it."""
    create, *statements = blocks(page, "sql")
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute(create.encode())
    (code,) = blocks(page, "python")
    names: dict[str, Any] = {}
    exec(code, names)
    plan = names["PLAN"]
    assert isinstance(plan, TableSplit)
    shown = zip(statements, blocks(page, "text"), strict=True)
    return Chain(url, Subject(plan=plan, schema="public", create=())), shown


def printed(chain: Chain, text: str) -> str:
    """What psql would print: rows, else the status, or the error's message."""
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as connection:
        try:
            cursor = connection.execute(text.encode())
        except psycopg.Error as error:
            return f"{error.diag.message_primary}\n"
        while cursor.nextset():
            pass
        if cursor.description is None:
            return f"{cursor.statusmessage}\n"
        return "".join("|".join(map(str, row)) + "\n" for row in cursor.fetchall())


def test_kept_columns(new_database: NewDatabase) -> None:
    chain, shown = prepared("docs/guides/kept-columns.md", new_database())
    chain.up_to("0009")
    for text, expected in shown:
        assert printed(chain, text) == expected
    chain.up_to("0011", after="0009")
    assert chain.columns("ordered_article") == ["id", "customer_id", "article", "order_uuid"]


def test_several_ids(new_database: NewDatabase) -> None:
    chain, shown = prepared("docs/guides/several-ids.md", new_database())
    chain.up_to("0004")
    for text, expected in shown:
        assert printed(chain, text) == expected
    chain.up_to("0011", after="0004")
    assert chain.columns("ordered_article") == ["tenant_id", "id", "article", "order_uuid"]


@pytest.mark.parametrize("back", [False, True])
def test_a_rename(back: bool, new_database: NewDatabase) -> None:
    chain, shown = prepared("docs/guides/renaming.md", new_database())
    for step, (text, expected) in zip(("0004", "0005"), shown, strict=True):
        chain.up_to(step, after="0002" if step == "0004" else "0004")
        assert printed(chain, text) == expected
    if back:
        chain.down_to("0002", before="0005")
        assert chain.columns("order_line") == ["id", "article", "pieces"]
