"""The scripts of a table whose primary key has two columns."""

from __future__ import annotations

import pytest

from tests.chain.driver import Chain, build, snapshot
from tests.chain.fixed import fill
from tests.chain.subjects import COMPOSITE
from tests.fixtures.databases import TemplateDatabase
from tests.offline.conftest import FASTER
from tests.offline.scripts import Script
from tests.offline.several_ids import portrait
from tests.offline.test_end_state import assert_same


@pytest.fixture
def chains(template_database: TemplateDatabase) -> tuple[Chain, Chain]:
    def made() -> Chain:
        url = template_database("offline, two ids", build(COMPOSITE, fill))
        return Chain(url, COMPOSITE, FASTER)

    return made(), made()


def test_every_step_by_script_is_every_step_online(chains: tuple[Chain, Chain]) -> None:
    by_script, online = chains
    script = Script(by_script, portrait(), steps=by_script.runner().chain)
    for revision in COMPOSITE.revisions:
        script.up(revision).fine()
        online.up(revision)
    assert_same(snapshot(by_script), snapshot(online))
    for revision in reversed(COMPOSITE.revisions):
        script.down(revision).fine()
        online.down(revision)
    assert_same(snapshot(by_script), snapshot(online))
