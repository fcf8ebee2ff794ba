"""The log of a standby is read like the primary's: what fails there is found, or it is a hole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from membership_refactor.watch.take_sample import Request
from tests.fixtures.watched import OLD_MEANING, Watched
from tests.watch.test_server_log import sample
from tests.watch.test_standbys import Pair, running_pair

NAME = "standby one"


@pytest.fixture(scope="module")
def logged_pair(pytestconfig: pytest.Config) -> Iterator[Pair]:
    with running_pair(
        pytestconfig, "0005", logging_collector="on", log_destination="jsonlog"
    ) as found:
        yield found


@pytest.fixture
def pair(logged_pair: Pair) -> Pair:
    logged_pair.watched.run("DELETE FROM public_refactor.usage_sample")
    logged_pair.catch_up()
    return logged_pair


def with_logs(pair: Pair, *of_standby: str) -> Watched:
    both = pair.with_standby()
    data = pair.watched.server.server.data
    request = Request(
        standbys=both.request.standbys,
        logs=(f"{data}/log/*.json",),
        standby_logs=tuple((NAME, pattern) for pattern in of_standby),
    )
    return replace(both, request=request)


def own_log(pair: Pair) -> str:
    return f"{Path(str(pair.watched.server.server.data)).parent}/replica/log/*.json"


def test_what_fails_on_a_standby_is_found_in_its_log(pair: Pair) -> None:
    watched = with_logs(pair, own_log(pair))
    sample(watched)
    assert sample(watched)[OLD_MEANING] == (0, (), ())
    with pytest.raises(psycopg.errors.UndefinedTable):
        pair.read("SELECT count(*) FROM programme_membership")
    assert sample(watched)[OLD_MEANING] == (1, ("postgres",), ())
    assert sample(watched)[OLD_MEANING] == (0, (), ())
    servers = watched.chain.query(
        "SELECT server FROM public_refactor.usage WHERE source = 'server log'"
    )
    assert servers == [(NAME,)]


def test_a_standby_whose_log_is_not_named_is_a_hole(pair: Pair) -> None:
    watched = with_logs(pair)
    sample(watched)
    (hole,) = sample(watched)[OLD_MEANING][2]
    assert hole == "standby one: its log is not read; name it with --standby-log"


def test_a_log_that_is_read_from_now_on_covers_nothing_before(pair: Pair) -> None:
    sample(with_logs(pair))
    watched = with_logs(pair, own_log(pair))
    assert "standby one: its log is read from now on" in sample(watched)[OLD_MEANING][2]
    assert sample(watched)[OLD_MEANING][2] == ()


def test_the_primarys_log_is_not_taken_for_the_standbys(pair: Pair) -> None:
    data = pair.watched.server.server.data
    watched = with_logs(pair, f"{data}/log/*.json")
    sample(watched)
    said = sample(watched)[OLD_MEANING][2]
    assert "standby one: the line that this sample wrote is not in the log files" in said
