"""The scripts of a partitioned table."""

from __future__ import annotations

import pytest

from membership_refactor.catalog.read import read_portrait
from membership_refactor.portrait import Portrait
from tests.chain.driver import Chain, build, snapshot
from tests.chain.fixed import fill
from tests.chain.partitioned import HASHED_BY_ANOTHER, IN_PLACE, LEVELS, LISTED, RANGED
from tests.fixtures.databases import TemplateDatabase
from tests.offline.conftest import FASTER
from tests.offline.scripts import Script
from tests.offline.test_end_state import assert_same

TABLES = ("person", "programme", "curriculum", "rotation", "training_number")


SUBJECTS = {
    "hash": HASHED_BY_ANOTHER,
    "list": LISTED,
    "range": RANGED,
    "levels": LEVELS,
    "in place": IN_PLACE["levels"],
}


@pytest.fixture(
    params=[pytest.param(s, marks=() if s == "hash" else pytest.mark.slow) for s in SUBJECTS]
)
def chains(
    template_database: TemplateDatabase, request: pytest.FixtureRequest
) -> tuple[Chain, Chain]:
    subject = SUBJECTS[request.param]

    def made() -> Chain:
        url = template_database(f"offline, partitioned, {request.param}", build(subject, fill))
        return Chain(url, subject, FASTER)

    return made(), made()


def portrait(chain: Chain) -> Portrait:
    with chain.engine.connect() as connection:
        return read_portrait(connection, "public", (*TABLES, chain.plan.source))


def test_every_step_by_script_is_every_step_online(chains: tuple[Chain, Chain]) -> None:
    by_script, online = chains
    script = Script(by_script, portrait(online), steps=by_script.runner().chain)
    revisions = online.subject.revisions
    for revision in revisions:
        script.up(revision).fine()
        online.up(revision)
    assert_same(snapshot(by_script), snapshot(online))
    for revision in reversed(revisions):
        script.down(revision).fine()
        online.down(revision)
    assert_same(snapshot(by_script), snapshot(online))
