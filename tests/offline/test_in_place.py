"""The scripts of a table that is split in place."""

from __future__ import annotations

import pytest

from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.portrait import differences
from membership_refactor.script import print_head
from membership_refactor.sql.build import ranges
from tests.chain.driver import Chain, build, snapshot
from tests.chain.subjects import in_place
from tests.fixtures.databases import TemplateDatabase
from tests.offline.conftest import FASTER, ROWS, SUBJECT, _fill
from tests.offline.scripts import UP, Script, held_at_batch, psql, run_psql
from tests.offline.test_end_state import assert_same

PLACE = in_place(SUBJECT, "membership")


@pytest.fixture
def chain(template_database: TemplateDatabase) -> Chain:
    return Chain(template_database("offline", build(SUBJECT, _fill)), PLACE, FASTER)


@pytest.fixture
def online(template_database: TemplateDatabase) -> Chain:
    return Chain(template_database("offline", build(SUBJECT, _fill)), PLACE, FASTER)


@pytest.fixture
def script(chain: Chain) -> Script:
    return Script(chain, legacy_tables("public"), steps=chain.runner().chain)


def test_every_step_by_script_is_every_step_online(script: Script, online: Chain) -> None:
    for revision in PLACE.revisions:
        script.up(revision).fine()
        online.up(revision)
        assert_same(snapshot(script.chain), snapshot(online))
    for revision in reversed(PLACE.revisions):
        script.down(revision).fine()
        online.down(revision)
        assert_same(snapshot(script.chain), snapshot(online))


@pytest.mark.parametrize("by_script", [True, False])
def test_the_table_is_vacuumed_while_it_is_filled(
    script: Script, monkeypatch: pytest.MonkeyPatch, by_script: bool
) -> None:
    """Ten times for ten parts of its rows, so that each part finds the room of the one before."""
    monkeypatch.setattr(ranges, "FEWEST_TO_VACUUM", ROWS // 10)
    chain = script.chain
    chain.run(f"ANALYZE {chain.names.child}")
    if by_script:
        script.up("0006").fine()
    else:
        chain.up("0006")
    name = chain.plan.child
    count = f"SELECT vacuum_count FROM pg_stat_user_tables WHERE relname = '{name}'"
    assert 5 <= chain.value(count) <= 11
    assert chain.value("SELECT count(*) FROM public_refactor.batch") == 0
    assert chain.value(f"SELECT count({chain.plan.link}) FROM {chain.names.child}") == ROWS


def test_a_killed_filling_is_finished_by_the_runner(script: Script, online: Chain) -> None:
    text = script.text(["0006"], UP)
    head = print_head(script.chain.names, script.legacy, "create_parent", UP)
    run_psql(script.chain.url, head).fine()
    with held_at_batch(script.chain, 3) as kill, psql(script.chain.url, text) as process:
        kill()
        assert process.wait(30) == 2
    script.chain.up("0006")
    online.up("0006")
    assert_same(snapshot(script.chain), snapshot(online))


def test_one_script_goes_all_the_way_up_and_one_all_the_way_down(script: Script) -> None:
    legacy = snapshot(script.chain)
    script.up(*PLACE.revisions).fine()
    script.down(*reversed(PLACE.revisions)).fine()
    back = snapshot(script.chain)
    assert differences(back.portrait, legacy.portrait) == ()
    assert back.tables == legacy.tables
