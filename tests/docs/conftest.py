"""Where the commands of the pages are run."""

from __future__ import annotations

import pytest

from membership_refactor.testing.scratch_databases import Databases
from tests.docs.shell import Place, installed


@pytest.fixture(scope="session")
def place(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The installed package, and databases for it."""
    return Place(programs=installed(tmp_path_factory.mktemp("installed")), databases=databases)
