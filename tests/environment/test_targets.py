"""Targets in every form that Alembic knows: what a command is about to run is known before."""

from __future__ import annotations

from tests.cli.processes import REFUSED, alembic, filled, version
from tests.fixtures.databases import TemplateDatabase


def test_a_relative_downgrade_asks_what_speaks_against_all_of_it_first(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("cli filled", filled)
    for target in ("-2", "base", "0001-1"):
        done = alembic("downgrade", target, url=url)
        assert done.status == REFUSED
        assert 'check "own tables are empty" failed' in done.said
        assert version(url) == "0002"
    assert alembic("downgrade", "-1", url=url).status == 0
    assert version(url) == "0001"


def test_a_relative_upgrade_is_taken_as_far_as_it_says(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("cli filled", filled)
    assert alembic("upgrade", "+1", url=url).status == 0
    assert version(url) == "0003"


def test_a_script_begins_at_the_first_step_of_its_way() -> None:
    up = alembic("upgrade", "0002:+2", "--sql").out
    assert up.index("s.step = 'copy_table'") < up.index("-- 0003 copy_table up")
    assert "-- 0004 dual_write up" in up and "-- 0005" not in up
    down = alembic("downgrade", "0004:0002", "--sql").out
    assert down.index("s.step = 'dual_write'") < down.index("-- 0004 dual_write down")
    assert "-- 0003 copy_table down" in down and "-- 0002" not in down
