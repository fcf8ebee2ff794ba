"""The Runner's SQL with one protection removed on its way: the named scene notices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.fixtures.sessions import Stage
from tests.mutants import capture, fences, handover, moves, stages, verifying, way_down, world
from tests.mutants.mutant import Mutant, bound_waits, is_no_broken_text, noticing
from tests.races.pilot import Pilot
from tests.races.tables import build_tables

pytestmark = pytest.mark.mutants

MODULES = (capture, moves, fences, stages, handover, way_down, verifying, world)
MUTANTS = [
    pytest.param(m, id=f"{module.__name__.rpartition('.')[2]}: {m.name}")
    for module in MODULES
    for m in module.MUTANTS
]


@pytest.fixture
def url(template_database: TemplateDatabase) -> str:
    made = template_database("races tables", build_tables)
    bound_waits(made)
    return made


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_removed_protection_is_noticed(
    mutant: Mutant, url: str, record_property: Callable[[str, object], None]
) -> None:
    with Stage(url) as stage, Pilot(url, mutation=mutant.mutation()) as pilot:
        with noticing(mutant.noticed, record_property):
            mutant.noticed(pilot, stage)
        is_no_broken_text(pilot.error)
        assert pilot.mutated, "the mutation found nothing to change"


@pytest.mark.parametrize("mutant", MUTANTS)
def test_without_a_mutation_nobody_notices_anything(mutant: Mutant, url: str) -> None:
    """Else the tests above would prove nothing."""
    with Stage(url) as stage, Pilot(url) as pilot:
        mutant.noticed(pilot, stage)
