"""A database with Citus: tables that are not distributed are served, others are refused by name."""

from __future__ import annotations

import pytest

from membership_refactor.errors import CannotCarry, GateClosed
from membership_refactor.portrait.server_facts import Citus, CitusTable, Server
from membership_refactor.sql.ddl.distributed_tables import distributed_tables
from tests.chain.driver import Chain, said, snapshot
from tests.chain.subjects import MEMBERSHIP
from tests.chain.test_named_before_the_copy import closed, named
from tests.fixtures import citus_catalog
from tests.fixtures.chains import ChainAt

WIDE, COPY = "public.programme_membership", "public.curriculum_membership"
PLAN = MEMBERSHIP.plan


def with_citus(chain: Chain) -> Chain:
    citus_catalog.install(chain)
    return chain


def test_event_triggers_of_citus_are_known_and_the_chain_goes_up_and_down(
    chain_at: ChainAt,
) -> None:
    chain = with_citus(chain_at("0002"))
    before = snapshot(chain)
    assert not closed(named(chain))

    chain.up_to("0010")
    chain.down_to("0002", before="0010")

    assert snapshot(chain).tables == before.tables


def test_an_event_trigger_that_only_has_a_name_of_citus_stops_the_copy(chain_at: ChainAt) -> None:
    chain = with_citus(chain_at("0002"))
    chain.run(
        "CREATE EVENT TRIGGER citus_like ON ddl_command_end "
        "EXECUTE FUNCTION pg_catalog.citus_drop_trigger()"
    )

    with pytest.raises(GateClosed, match=r"citus_like of .* fires on ddl_command_end") as refused:
        chain.up("0003")

    assert "citus_cascade_to_partition" not in str(refused.value)


def test_an_event_trigger_of_citus_stops_the_copy_where_another_extension_has_it(
    chain_at: ChainAt,
) -> None:
    """The extension that owns it decides, and not what the event trigger is called."""
    chain = with_citus(chain_at("0002"))
    chain.run(
        citus_catalog.AS_SYSTEM,
        "UPDATE pg_catalog.pg_extension SET extname = 'another' WHERE extname = 'citus'",
    )

    with pytest.raises(GateClosed, match="citus_cascade_to_partition"):
        chain.up("0003")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("distributed", "is distributed by Citus"),
        ("reference", "is a reference table of Citus"),
        ("single shard", "in one shard on a worker"),
        ("local", "is a local table that Citus manages"),
    ],
)
def test_a_table_that_citus_keeps_is_refused_by_name_with_the_way_round(
    kind: str, words: str, chain_at: ChainAt
) -> None:
    chain = with_citus(chain_at("0002"))
    citus_catalog.know(chain, WIDE, kind)
    portrait = chain.portrait()
    table = """'"public"."programme_membership"'"""
    way_round = f"undistribute_table({table}, cascade_via_foreign_keys => true)"
    assert words in said(chain) and way_round in said(chain)

    with pytest.raises(CannotCarry) as refused:
        chain.up("0003")

    text = f"{refused.value}"
    assert words in text and way_round in text
    assert chain.portrait() == portrait
    citus_catalog.forget(chain, WIDE)
    chain.up("0003")


@pytest.mark.parametrize("revision", ["0003", "0004", "0007"])
def test_a_table_that_was_distributed_between_two_steps_stops_both_ways(
    revision: str, chain_at: ChainAt
) -> None:
    chain = with_citus(chain_at(revision))
    citus_catalog.know(chain, COPY, "distributed")
    there = MEMBERSHIP.revisions.index(revision)
    before = snapshot(chain)

    with pytest.raises(CannotCarry, match='"curriculum_membership" is distributed by Citus'):
        chain.up(MEMBERSHIP.revisions[there + 1])
    with pytest.raises(CannotCarry, match='"curriculum_membership" is distributed by Citus'):
        chain.down(revision)

    assert snapshot(chain) == before
    citus_catalog.forget(chain, COPY)
    chain.up(MEMBERSHIP.revisions[there + 1])


def test_a_distributed_schema_is_refused_even_where_its_tables_are_local(
    chain_at: ChainAt,
) -> None:
    """Tables that a block makes stay on the coordinator without an error: they look distributed."""
    chain = with_citus(chain_at("0002"))
    chain.run(
        citus_catalog.AS_SYSTEM,
        "INSERT INTO pg_catalog.pg_dist_schema VALUES ('public'::regnamespace, 7)",
    )

    with pytest.raises(CannotCarry, match='schema "public" is distributed by Citus') as refused:
        chain.up("0003")

    assert "citus_schema_undistribute('public')" in str(refused.value)


def test_an_older_citus_has_no_distributed_schemas(chain_at: ChainAt) -> None:
    chain = with_citus(chain_at("0002"))
    chain.run(citus_catalog.AS_SYSTEM, "DROP TABLE pg_catalog.pg_dist_schema")
    assert chain.runner().server().citus == Citus()
    citus_catalog.know(chain, WIDE, "distributed")
    known = CitusTable(name=PLAN.source, kind="distributed")
    assert chain.runner().server().citus == Citus(tables=(known,))
    with pytest.raises(CannotCarry, match="is distributed by Citus"):
        chain.up("0003")


def test_other_tables_of_the_schema_may_be_distributed(chain_at: ChainAt) -> None:
    chain = with_citus(chain_at("0002"))
    citus_catalog.know(chain, "public.person", "reference")
    chain.up("0003")


def test_names_that_need_quotes_are_quoted_in_the_way_round() -> None:
    server = Server(citus=Citus(tables=(CitusTable(name=PLAN.source, kind="distributed"),)))
    (line,) = distributed_tables(PLAN, "it's", server)
    assert """undistribute_table('"it''s"."programme_membership"',""" in line
    assert distributed_tables(PLAN, "it's", Server()) == ()
    (line,) = distributed_tables(PLAN, "it's", Server(citus=Citus(of_schema=True)))
    assert "citus_schema_undistribute('it''s')" in line
