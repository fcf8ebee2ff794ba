"""The watch of a table that is split in place, and of names that are hard to quote."""

from __future__ import annotations

from membership_refactor.database import LaunchedServer
from membership_refactor.planning.targets import deprecated_columns, source_table
from membership_refactor.testing.scratch_databases import Databases
from tests.chain.driver import Chain, Subject, build
from tests.chain.subjects import IN_PLACE, ODD
from tests.fixtures.watched import Watched


def began(databases: Databases, server: LaunchedServer, subject: Subject) -> Watched:
    """The first step of the plan has run, and a first sample is taken."""
    url = databases.new()
    build(subject, lambda connection: None)(url)
    watched = Watched(Chain(url, subject), server)
    watched.run("CREATE EXTENSION pg_stat_statements")
    watched.chain.up(subject.revisions[0])
    watched.sample()
    return watched


def test_in_place_only_the_columns_that_go_are_watched(
    counting_databases: Databases, counting_server: LaunchedServer
) -> None:
    watched = began(counting_databases, counting_server, IN_PLACE)
    columns, table = deprecated_columns(IN_PLACE.plan), IN_PLACE.names.source
    assert watched.sample().keys() == {columns}
    watched.run(f"SELECT count(*) FROM {table}", f"SELECT curriculum_id FROM {table}")
    assert watched.sample()[columns].uses == 0
    watched.run(f"SELECT rotation FROM {table}")
    assert watched.sample()[columns].uses == 1
    watched.run(f"SELECT * FROM {table}")
    assert watched.sample()[columns].uses == 1
    assert watched.sample()[columns].covered


def test_names_that_are_hard_to_quote_are_found(
    counting_databases: Databases, counting_server: LaunchedServer
) -> None:
    watched = began(counting_databases, counting_server, ODD)
    target = source_table(ODD.plan)
    assert watched.sample()[target].uses == 0
    watched.run(f"SELECT count(*) FROM {ODD.names.source}")
    assert watched.sample()[target].uses == 1
