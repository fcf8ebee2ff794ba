"""The parent opens with the row security that its child has then, as often as it is opened."""

from __future__ import annotations

import time
from collections.abc import Iterator

import psycopg
import pytest

from membership_refactor.database import libpq_url
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt

PARENT, CHILD = "public.programme_membership", "public.curriculum_membership"


@pytest.fixture
def reader() -> str:
    return f"reader_{time.time_ns()}"


@pytest.fixture
def chain(chain_at: ChainAt, reader: str) -> Iterator[Chain]:
    """A chain at 0007, whose child a reader may read."""
    chain = chain_at("0005")
    chain.run(f"CREATE ROLE {reader}", f"GRANT SELECT ON {CHILD} TO {reader}")
    chain.up_to("0007", after="0005")
    yield chain
    chain.run(f"DROP OWNED BY {reader}", f"DROP ROLE {reader}")


def seen(chain: Chain, reader: str) -> list[int] | str:
    """The persons that the reader sees in the parent, or the SQLSTATE of the refusal."""
    with psycopg.connect(libpq_url(chain.url)) as connection:
        connection.execute(f"SET ROLE {reader}".encode())
        try:
            rows = connection.execute(
                f"SELECT DISTINCT person_id FROM {PARENT} ORDER BY 1".encode()
            ).fetchall()
        except psycopg.errors.InsufficientPrivilege as error:
            return str(error.sqlstate)
        return [person for (person,) in rows]


def guard(chain: Chain, reader: str) -> None:
    chain.run(
        f"ALTER TABLE {CHILD} ENABLE ROW LEVEL SECURITY",
        f"CREATE POLICY own ON {CHILD} TO {reader} USING (person_id = 2)",
    )


def test_row_security_that_came_after_the_parent_was_made_is_its_own(
    chain: Chain, reader: str
) -> None:
    guard(chain, reader)
    chain.up("0008")
    assert seen(chain, reader) == [2]


def test_a_grant_that_was_revoked_after_the_parent_was_made_is_none_of_the_parent(
    chain: Chain, reader: str
) -> None:
    chain.run(f"REVOKE SELECT ON {CHILD} FROM {reader}")
    chain.up("0008")
    assert seen(chain, reader) == "42501"


def test_a_parent_that_is_closed_and_opened_again_has_the_policies_of_that_moment(
    chain: Chain, reader: str
) -> None:
    guard(chain, reader)
    chain.up("0008")
    chain.down("0008")
    assert seen(chain, reader) == "42501"
    assert not chain.portrait().table("programme_membership").policies
    chain.run(f"ALTER POLICY own ON {CHILD} USING (person_id = 1)")
    chain.up("0008")
    assert seen(chain, reader) == [1]
    chain.down("0008")
    chain.run(f"DROP POLICY own ON {CHILD}", f"ALTER TABLE {CHILD} DISABLE ROW LEVEL SECURITY")
    chain.up("0008")
    assert seen(chain, reader) == [0, 1, 2]
