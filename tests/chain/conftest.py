"""A database at any revision, for every test of the chain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import pytest

from tests.chain.driver import Chain, Subject
from tests.chain.fixed import FIXED, at
from tests.chain.subjects import MEMBERSHIP
from tests.fixtures.databases import Build, Databases


class ChainAt(Protocol):
    """Gives a chain that stands at a revision; see ``chain_at``."""

    def __call__(
        self,
        revision: str,
        *,
        subject: Subject = MEMBERSHIP,
        name: str = "fixed",
        first: Build = FIXED,
        down: bool = False,
    ) -> Chain: ...


@pytest.fixture
def chain_at(databases: Databases) -> Iterator[ChainAt]:
    """Chains on copies of a template for each revision; they are dropped after the test."""
    urls: list[str] = []

    def make(
        revision: str,
        *,
        subject: Subject = MEMBERSHIP,
        name: str = "fixed",
        first: Build = FIXED,
        down: bool = False,
    ) -> Chain:
        urls.append(at(databases, revision, subject=subject, name=name, first=first, down=down))
        return Chain(urls[-1], subject)

    yield make
    for url in urls:
        databases.drop(url)
