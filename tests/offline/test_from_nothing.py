"""The chain that ships, from an empty schema to its head and back, by script alone."""

from __future__ import annotations

import psycopg

from membership_refactor.database import libpq_url
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.portrait import Portrait
from membership_refactor.script import predicted, print_head, print_step
from membership_refactor.sql.names import Names
from tests.fixtures.databases import NewDatabase
from tests.fixtures.steps import SHIPPED as CHAIN
from tests.offline.scripts import DOWN, UP, run_psql

LEFT = (
    "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname IN ('public', 'public_refactor') AND c.relkind IN ('r', 'S')"
)


def test_up_from_nothing_asks_for_no_evidence_and_down_leaves_nothing(
    new_database: NewDatabase,
) -> None:
    url = new_database()
    names = Names(SPLIT, "public")
    prediction = predicted(names, CHAIN, Portrait(schema="public", tables=()))
    up = list(CHAIN)
    for direction, order in ((UP, up), (DOWN, up[::-1])):
        first, last = order[0].name, order[-1].name
        steps = (
            print_step(
                step,
                prediction.situation(step.name, direction),
                direction,
                CHAIN,
                lowest=last if direction is DOWN else None,
            )
            for step in order
        )
        start = prediction.now(first, direction)
        head = print_head(names, start, first, direction, tables=CHAIN.tables)
        run_psql(url, "".join((head, *steps))).fine()
    with psycopg.connect(libpq_url(url)) as connection:
        assert connection.execute(LEFT).fetchone() == (0,)
