"""Settings of a role or database change how PostgreSQL prints texts; none raises an alarm."""

from __future__ import annotations

import pytest

from membership_refactor.checks.guard import guard
from membership_refactor.execution.sessions import run
from tests.chain.driver import snapshot
from tests.fixtures.chains import ChainAt

SETTINGS = (
    "bytea_output = 'escape'",
    "quote_all_identifiers = on",
    "extra_float_digits = 0",
    "datestyle = 'German'",
    "intervalstyle = 'sql_standard'",
    "timezone = 'Asia/Kathmandu'",
    "standard_conforming_strings = off",
    "array_nulls = off",
    "transform_null_equals = on",
    "search_path = 'public'",
)


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_of_the_database_raises_no_alarm_and_stops_no_step(
    setting: str, chain_at: ChainAt
) -> None:
    undisturbed, chain = chain_at("0009"), chain_at("0008")
    chain.run(f'ALTER DATABASE "{chain.engine.url.database}" SET {setting}')
    with chain.runner().sessions("a test").open() as pg:
        for check in guard(chain.names):
            assert run(pg, check.query).fetchall() == [], check.sentence
    chain.up("0009")
    chain.run(f'ALTER DATABASE "{chain.engine.url.database}" RESET ALL')
    assert snapshot(chain) == snapshot(undisturbed)
