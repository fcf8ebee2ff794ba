"""Row security that is forced on the owner: no step, check or capture ever sees less than all rows.

FORCE ROW LEVEL SECURITY makes a table's owner subject to its policies, and the tool works as the
owner, whoever connects. It is refused by name at every step and on every write that it would cut.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise

import psycopg
import pytest
from alembic.config import Config

from membership_refactor.cli.plan import revision_texts
from membership_refactor.database import libpq_url
from membership_refactor.errors import CheckFailed, RefactorError
from membership_refactor.inspect.all_comparisons import verify_all
from membership_refactor.inspect.forecast import forecast
from membership_refactor.inspect.status import read_standing
from membership_refactor.testing.scratch_databases import Build
from tests.chain.driver import REVISIONS, ROOT, Chain, snapshot
from tests.chain.fixed import FIXED
from tests.fixtures.chains import ChainAt
from tests.offline.scripts import Script

OWNER, BYPASSING = "mr_forced_owner", "mr_bypassing_owner"
WIDE = "public.programme_membership"
COPY = "public.curriculum_membership"
RETIRED = "public.programme_membership_retired"
FOLLOWING = dict(pairwise(REVISIONS))
TABLES = {
    **dict.fromkeys(("0003", "0004"), (WIDE, COPY)),
    "0005": (COPY, RETIRED),
    **dict.fromkeys(("0006", "0007", "0008", "0009", "0010"), (COPY, WIDE, RETIRED)),
    "0011": (COPY, WIDE),
}
"""The plan's tables that stand at each revision."""


def owned_by(role: str, attributes: str = "NOBYPASSRLS") -> Build:
    """For ``chain_at``: the fixed rows in tables of a role that is no superuser."""

    def build(url: str) -> None:
        FIXED(url)
        with psycopg.connect(libpq_url(url)) as connection:
            connection.execute(
                f"DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN "
                f"CREATE ROLE {role} {attributes}; END IF; END $$".encode()
            )
            name = connection.info.dbname
            connection.execute(f'GRANT CREATE ON DATABASE "{name}" TO {role}'.encode())
            connection.execute(f"GRANT ALL ON SCHEMA public TO {role}".encode())
            tables = connection.execute(
                b"SELECT oid::regclass::text FROM pg_class "
                b"WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
            ).fetchall()
            for (table,) in tables:
                connection.execute(f"ALTER TABLE {table} OWNER TO {role}".encode())

    return build


@pytest.fixture
def forced_at(chain_at: ChainAt) -> ChainAt:
    """A chain whose tables belong to a role that FORCE would bind."""
    return partial(chain_at, name="owned", first=owned_by(OWNER))


def force(chain: Chain, table: str, column: str = "person_id") -> None:
    """The owner sees the rows of person 1 from now on."""
    chain.run(
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY tenant ON {table} USING ({column} = 1)",
    )


def release(chain: Chain, table: str) -> None:
    chain.run(
        f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        f"DROP POLICY tenant ON {table}",
    )


def policy_column(chain: Chain, table: str) -> str:
    return "person_id" if "person_id" in chain.columns(table) else "curriculum_id"


def test_a_forced_source_is_refused_before_anything_is_changed(forced_at: ChainAt) -> None:
    chain = forced_at("0002")
    before = snapshot(chain)
    force(chain, WIDE)

    with pytest.raises(RefactorError, match=r"NO FORCE ROW LEVEL SECURITY"):
        chain.up("0003")

    release(chain, WIDE)
    after = snapshot(chain)
    assert (after.tables, after.portrait) == (before.tables, before.portrait)


@pytest.mark.parametrize(("revision", "table"), [("0002", WIDE), ("0008", COPY)])
def test_plan_says_in_one_line_where_rows_are_hidden_from_the_owner_and_status_is_shown(
    forced_at: ChainAt, revision: str, table: str
) -> None:
    chain = forced_at(revision)
    force(chain, table)

    with pytest.raises(CheckFailed, match=rf"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY"):
        forecast(chain.runner(), revision_texts(Config(ROOT / "alembic.ini")))

    assert len(read_standing(chain.runner()).steps) == len(list(chain.runner().chain))


def test_a_forced_table_that_the_source_refers_to_is_refused_by_its_name(
    forced_at: ChainAt,
) -> None:
    chain = forced_at("0002")
    force(chain, "public.person", "id")

    with pytest.raises(CheckFailed, match=r"public\.person"):
        chain.up("0003")

    release(chain, "public.person")
    chain.up("0003")
    assert len(chain.child()) == len(chain.source())


@pytest.mark.parametrize(
    ("revision", "table"), [(r, table) for r in REVISIONS for table in TABLES[r]]
)
def test_force_set_between_two_steps_stops_the_next_one_both_ways(
    forced_at: ChainAt, revision: str, table: str
) -> None:
    chain, following = forced_at(revision), FOLLOWING.get(revision)
    before = snapshot(chain)
    force(chain, table, policy_column(chain, table))

    if following is not None:
        with pytest.raises(CheckFailed, match=table.replace(".", r"\.")) as up:
            chain.up(following)
        assert f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY" in str(up.value)
    with pytest.raises(CheckFailed, match=table.replace(".", r"\.")):
        chain.down(revision)

    release(chain, table)
    assert snapshot(chain) == before
    if following is not None:
        chain.up(following)


WRITES = (
    "UPDATE {t} SET rotation = 'x' WHERE person_id = 2",
    "UPDATE {t} SET person_id = 3 WHERE person_id = 2",
    "DELETE FROM {t} WHERE person_id = 2",
)


@pytest.mark.parametrize(
    ("revision", "written", "forced", "write"),
    [
        (revision, written, forced, write)
        for revision, written, forced in (
            ("0003", WIDE, COPY),
            ("0003", WIDE, WIDE),
            ("0004", WIDE, COPY),
            ("0004", COPY, WIDE),
            ("0007", COPY, WIDE),
            ("0008", COPY, WIDE),
            ("0008", WIDE, COPY),
        )
        for write in WRITES
        # A parent with children cannot be deleted at all.
        if not (revision == "0008" and written == WIDE and write.startswith("DELETE"))
    ],
)
def test_a_write_that_could_not_be_carried_whole_fails_and_changes_nothing(
    forced_at: ChainAt, revision: str, written: str, forced: str, write: str
) -> None:
    chain = forced_at(revision)
    before = snapshot(chain).tables
    force(chain, forced)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row security") as refused:
        chain.run(write.format(t=written))

    assert "NO FORCE ROW LEVEL SECURITY" in (refused.value.diag.message_hint or "")
    release(chain, forced)
    assert snapshot(chain).tables == before


def test_verify_raises_instead_of_comparing_less(forced_at: ChainAt) -> None:
    chain = forced_at("0004")
    force(chain, WIDE)
    force(chain, COPY)

    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        verify_all(chain.runner())


def test_an_owner_with_bypassrls_takes_a_forced_table_along_whole(chain_at: ChainAt) -> None:
    chain = chain_at("0002", name="bypassing", first=owned_by(BYPASSING, "BYPASSRLS"))
    rows = chain.source()
    force(chain, WIDE)

    chain.up_to("0004")

    copied = {key: {c: row[c] for c in rows[key]} for key, row in chain.child().items()}
    assert copied == rows
    chain.down("0004", "0003")
    assert chain.source() == rows


def test_a_script_refuses_a_forced_table_too(forced_at: ChainAt) -> None:
    chain = forced_at("0002")
    script = Script(chain, chain.portrait())
    script.up("0003").fine()
    before = snapshot(chain)
    force(chain, COPY)

    script.up("0004").stopped(COPY, "NO FORCE ROW LEVEL SECURITY")
    script.down("0003").stopped(COPY, "NO FORCE ROW LEVEL SECURITY")

    release(chain, COPY)
    assert snapshot(chain) == before
    script.up("0004").fine()
