"""What subscribers and other consumers of changes see, from a real logical slot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from psycopg.conninfo import make_conninfo

from membership_refactor.cli.plan import revision_texts
from membership_refactor.database import LaunchedServer, create_database, libpq_url
from membership_refactor.inspect.forecast import forecast
from tests.chain.driver import Chain
from tests.chain.fixed import FIXED
from tests.chain.subjects import MEMBERSHIP
from tests.cli.processes import until
from tests.docs.blocks import ROOT
from tests.fixtures.chains import ChainAt
from tests.fixtures.server import LaunchServer

WIDE, COPY = "programme_membership", "curriculum_membership"
INSERT = (
    "INSERT INTO public.{} (person_id, programme_id, curriculum_id, rotation) VALUES (3, 2, 0, 'n')"
)
EVENT = re.compile(r"table public\.(\w+): (INSERT|UPDATE|DELETE)")


@pytest.fixture
def logical(launch_server: LaunchServer) -> LaunchedServer:
    return launch_server(settings={"wal_level": "logical"})


@pytest.fixture
def chain(logical: LaunchedServer) -> Iterator[Chain]:
    url = create_database(logical.server.url, "publisher")
    FIXED(url)
    chain = Chain(url, MEMBERSHIP)
    yield chain
    chain.engine.dispose()


class Slot:
    """A consumer of every change of the database."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        chain.query("SELECT pg_create_logical_replication_slot('cdc', 'test_decoding')")

    def events(self, *texts: str) -> Counter[tuple[str, str]]:
        """The tables and kinds of the events of the texts, each of them one transaction."""
        self.read()
        for text in texts:
            self.chain.run(text)
        return self.read()

    def read(self) -> Counter[tuple[str, str]]:
        rows = self.chain.query(
            "SELECT data FROM pg_logical_slot_get_changes('cdc', NULL, NULL, 'skip-empty-xacts', "
            "'1')"
        )
        return Counter((m[1], m[2]) for (data,) in rows if (m := EVENT.match(data)))


def test_a_write_is_one_event_more_while_two_tables_are_kept_equal_and_names_change(
    chain: Chain,
) -> None:
    slot = Slot(chain)
    assert slot.events(INSERT.format(WIDE)) == {(WIDE, "INSERT"): 1}

    chain.up("0003")
    copied = slot.read()
    rows = chain.value(f"SELECT count(*) FROM public.{WIDE}")
    assert copied[COPY, "INSERT"] == rows
    both = {(WIDE, "INSERT"): 1, (COPY, "INSERT"): 1}
    assert slot.events(INSERT.format(WIDE)) == both

    chain.up("0004")
    assert slot.read()[COPY, "INSERT"] == 0
    for table in (WIDE, COPY):
        assert slot.events(INSERT.format(table)) == both
        updated = slot.events(f"UPDATE public.{table} SET rotation = 'of {table}' WHERE id = 4")
        assert updated == {(WIDE, "UPDATE"): 1, (COPY, "UPDATE"): 1}
        deleted = slot.events(f"DELETE FROM public.{table} WHERE rotation = 'n'")
        assert deleted[WIDE, "DELETE"] == deleted[COPY, "DELETE"] > 0

    chain.up("0005")
    assert (slot.read().keys() & {(WIDE, "INSERT"), (COPY, "INSERT")}) == set()
    assert slot.events(INSERT.format(COPY)) == {(COPY, "INSERT"): 1}

    chain.up("0006", "0007")
    parents = chain.value(f"SELECT count(*) FROM public.{WIDE}")
    assert slot.read()[WIDE, "INSERT"] == parents
    new = INSERT.format(COPY).replace("(3, 2,", "(3, 1,")
    assert slot.events(new) == {(COPY, "INSERT"): 1, (WIDE, "INSERT"): 1}

    losers = chain.query(
        f"SELECT c.id FROM public.{COPY} AS c JOIN public.{WIDE} AS p "
        "ON p.uuid = c.programme_membership_uuid "
        "WHERE ROW (c.rotation, c.rotation_id, c.training_pathway)::record *<> "
        "ROW (p.rotation, p.rotation_id, p.training_pathway)::record"
    )
    chain.up("0008")
    assert slot.read()[COPY, "UPDATE"] == len(losers) > 0
    uuid = "(SELECT programme_membership_uuid FROM public.curriculum_membership WHERE id = 4)"
    family = chain.value(
        f"SELECT count(*) FROM public.{COPY} WHERE programme_membership_uuid = {uuid}"
    )
    changed = slot.events(f"UPDATE public.{WIDE} SET rotation = 'p' WHERE uuid = {uuid}")
    assert changed == {(WIDE, "UPDATE"): 1, (COPY, "UPDATE"): family}

    chain.up("0009")
    slot.read()
    changed = slot.events(f"UPDATE public.{WIDE} SET rotation = 'q' WHERE uuid = {uuid}")
    assert changed == {(WIDE, "UPDATE"): 1}


def test_a_subscriber_stops_at_0005_without_the_copy_and_loses_nothing_once_it_has_it(
    logical: LaunchedServer, chain: Chain
) -> None:
    """A publication names the table by OID, and the copy takes its place in it."""
    chain.run(f"CREATE PUBLICATION pub FOR TABLE public.{WIDE}")
    chain.query("SELECT pg_create_logical_replication_slot('sub', 'pgoutput')")
    url = create_database(logical.server.url, "subscriber")
    # The publisher's structure without keys: the other tables are not subscribed to.
    columns = ", ".join(
        f"{name} {kind}"
        for name, kind in chain.query(
            "SELECT quote_ident(attname), format_type(atttypid, atttypmod) FROM pg_attribute "
            f"WHERE attrelid = 'public.{WIDE}'::regclass AND attnum > 0 AND NOT attisdropped"
        )
    )
    made = f"CREATE TABLE public.{{}} ({columns}, PRIMARY KEY (id){{}})"
    connection = make_conninfo(libpq_url(chain.url))
    here = psycopg.connect(libpq_url(url), autocommit=True)
    here.execute(made.format(WIDE, "").encode())
    here.execute(
        f"CREATE SUBSCRIPTION sub CONNECTION '{connection}' PUBLICATION pub "
        "WITH (create_slot = false, slot_name = 'sub')".encode()
    )

    def ids(table: str) -> list[tuple[Any, ...]]:
        return here.execute(f"SELECT id FROM public.{table} ORDER BY id".encode()).fetchall()

    def published(table: str) -> list[tuple[Any, ...]]:
        return chain.query(f"SELECT id FROM public.{table} ORDER BY id")

    try:
        until(lambda: ids(WIDE) == published(WIDE))
        chain.up("0003", "0004")
        chain.run(INSERT.format(WIDE))
        chain.run(INSERT.format(COPY))
        until(lambda: ids(WIDE) == published(WIDE))

        said = notes(chain)["0005"]
        assert 'publication "pub" publishes "curriculum_membership"' in said[0]
        assert 'replication slot "sub" (pgoutput, active, ' in said[1]

        chain.up("0005")
        chain.run(INSERT.format(COPY))
        flushed = "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = 'sub'"
        stopped_at = chain.value(flushed)
        errors = "SELECT apply_error_count FROM pg_stat_subscription_stats"
        until(lambda: here.execute(errors.encode()).fetchall()[0][0] > 0)
        assert chain.value(flushed) == stopped_at

        here.execute(made.format(COPY, ", programme_membership_uuid uuid").encode())
        here.execute(b"ALTER SUBSCRIPTION sub REFRESH PUBLICATION")
        until(lambda: ids(COPY) == published(COPY))
        chain.run(INSERT.format(COPY))
        until(lambda: ids(COPY) == published(COPY))
    finally:
        here.execute(b"ALTER SUBSCRIPTION sub DISABLE")
        here.execute(b"ALTER SUBSCRIPTION sub SET (slot_name = NONE)")
        here.execute(b"DROP SUBSCRIPTION sub")
        here.close()


def test_readers_by_time_meet_the_rows_that_lost_their_value_again(chain_at: ChainAt) -> None:
    chain = chain_at("0007")

    def times() -> dict[Any, Any]:
        return dict(chain.query(f"SELECT id, amended_date FROM public.{COPY}"))

    losing = (
        f"SELECT c.id, greatest(c.amended_date, p.amended_date) FROM public.{COPY} AS c "
        f"JOIN public.{WIDE} AS p ON p.uuid = c.programme_membership_uuid "
        "WHERE ROW (c.rotation, c.rotation_id, c.training_pathway, c.leaving_reason)::record *<> "
        "ROW (p.rotation, p.rotation_id, p.training_pathway, p.leaving_reason)::record"
    )
    before, losers = times(), dict(chain.query(losing))
    chain.up("0008")
    changed = {key for key, time in times().items() if time != before[key]}
    assert times() == {**before, **losers}
    assert changed and changed <= losers.keys()
    chain.down("0008")
    assert times() == before


def notes(chain: Chain) -> dict[str, tuple[str, ...]]:
    """What plan says of each step about publications and slots."""
    made, _ = forecast(chain.runner(), revision_texts(Config(ROOT / "alembic.ini")))
    told = re.compile("publication|replication slot")
    said = {step.revision: tuple(filter(told.match, step.notes)) for step in made.steps}
    return {revision: texts for revision, texts in said.items() if texts}


def test_plan_names_publications_and_slots_before_the_first_step(chain: Chain) -> None:
    assert notes(chain) == {}
    Slot(chain)
    chain.run(
        f"CREATE PUBLICATION listed FOR TABLE public.{WIDE} (id, person_id)",
        "CREATE PUBLICATION of_others FOR TABLE public.person",
    )
    said = notes(chain)
    assert list(said) == ["0003", "0005"]
    (slot,) = said["0003"]
    assert re.match(
        r'replication slot "cdc" \(test_decoding, nobody is connected, \d+\.\d MB of WAL kept\): '
        'from here on each write to "programme_membership" is followed by an event',
        slot,
    )
    publication, slot = said["0005"]
    assert publication.startswith('publication "listed" publishes "curriculum_membership" in the ')
    assert "REFRESH PUBLICATION" in publication and "revision 0008" in publication
    assert 'changes arrive as "curriculum_membership" from here on' in slot
