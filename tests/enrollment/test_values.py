"""Values that Python cannot hold, as scope, identity, dependent's key or value."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import NotSupportedError

from membership_refactor.cli import duplicates, merge_duplicates
from membership_refactor.cli.verb import FINDINGS, FINE
from tests.cli.test_duplicates_and_merge import call
from tests.enrollment.tables import run

VALUES = {
    "infinity": ("date", "infinity", "-infinity"),
    "before Christ": ("date", "0044-03-15 BC", "0001-01-01 BC"),
    "after 9999": ("timestamp", "10000-01-01 00:00:00", "294276-12-31 00:00:00"),
    "infinity with zone": ("timestamptz", "infinity", "-infinity"),
    "after 9999 with zone": ("timestamptz", "12345-01-01 00:00:00+00", "2020-01-01 00:00:00+00"),
    "24:00": ("time", "24:00:00", "00:00:00"),
    "24:00 with zone": ("timetz", "24:00:00+00", "12:00:00+15:59"),
    "interval": ("interval", "170000000 years", "1 mon"),
    "range": ("daterange", "[0044-03-15 BC,infinity)", "empty"),
    "multirange": ("datemultirange", "{[2020-01-01,infinity)}", "{}"),
    "money": ("money", "$1,000.00", "$0.10"),
    "bits": ("bit(4)", "1010", "0000"),
    "domain over bits": ("flags", "1010", "0000"),
    "array of dates": ("date[]", "{infinity,2020-01-01}", "{}"),
    "array of texts": ("text[]", "{a,NULL}", "{b}"),
    "array of ranges": ("int4range[]", '{"[1,)"}', "{}"),
    "not a number": ("numeric", "NaN", "1"),
    "no finite float": ("float8", "NaN", "-Infinity"),
    "network": ("inet", "10.0.0.1/8", "::1"),
    "bytes": ("bytea", "\\x00ff", "\\x61"),
    "document": ("jsonb", '{"a": 1}', "{}"),
}
TABLES = """
CREATE DOMAIN flags AS bit(4);
CREATE TABLE guest (id bigint PRIMARY KEY, badge integer, odd {kind}, place {kind});
CREATE TABLE seat (id integer PRIMARY KEY DEFAULT 0, guest bigint REFERENCES guest, odd {kind},
  row {kind}, UNIQUE (guest, odd))
"""


@pytest.mark.parametrize("name", VALUES)
def test_they_stop_neither_looking_nor_merging(
    unconstrained_engine: Engine, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    kind, value, other = VALUES[name]
    insert = "INSERT INTO guest (id, badge, place, odd) VALUES (%s, %s, %s, %s)"
    with unconstrained_engine.begin() as connection:
        run(connection, TABLES.replace("{kind}", kind))
        for row in ((1, 7, value, value), (2, 7, value, value), (3, 7, value, other)):
            run(connection, insert, *row)
        run(connection, insert, 4, 7, other, other)
        for seat in ((1, 1, value, value), (2, 2, value, None), (3, 2, other, value)):
            run(connection, "INSERT INTO seat (id, guest, odd, row) VALUES (%s, %s, %s, %s)", *seat)
    scoped = ["--table", "guest", "--identity", "badge", "--scope", "place"]
    known = ["--table", "guest", "--identity", "odd", "--scope", "place"]
    for options, groups in ((scoped, [[1, 2, 3]]), (known, [[1, 2]])):
        assert call(unconstrained_engine, duplicates, *options, format="json") == FINDINGS
        found = json.loads(capsys.readouterr().out)["findings"]
        assert [[row["id"] for row in one["rows"]] for one in found] == groups
        for format in ("text", "csv"):
            assert call(unconstrained_engine, duplicates, *options, format=format) == FINDINGS
        capsys.readouterr()
    assert call(unconstrained_engine, merge_duplicates, *known, format="json") == FINDINGS
    capsys.readouterr()
    assert call(unconstrained_engine, merge_duplicates, *known, "--apply") == FINE
    with unconstrained_engine.connect() as connection:
        assert run(connection, "SELECT id FROM guest ORDER BY id") == [(2,), (3,), (4,)]
        seats = "SELECT id, guest FROM seat ORDER BY id"
        assert run(connection, seats) == [(1, 2), (3, 2)]
    assert call(unconstrained_engine, merge_duplicates, *known, "--undo", "1") == FINE
    with unconstrained_engine.connect() as connection:
        assert run(connection, seats) == [(1, 1), (2, 2), (3, 2)]


BLIND = "CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"


@pytest.mark.parametrize(
    ("kind", "one", "same"),
    [
        ("numeric", "1.0", "1.00"),
        ("float8", "0", "-0"),
        ("interval", "1 day", "24:00:00"),
        ("text COLLATE blind", "A", "a"),
        ("numeric[]", "{1.0}", "{1.00}"),
        ("jsonb", "1.0", "1.00"),
    ],
)
def test_one_scope_is_what_the_database_says_it_is(
    unconstrained_engine: Engine, kind: str, one: str, same: str
) -> None:
    with unconstrained_engine.begin() as connection:
        if "blind" in kind:
            try:
                run(connection, BLIND)
            except NotSupportedError:
                pytest.skip("this server was built without ICU")
        run(connection, f"CREATE TABLE guest (id bigint PRIMARY KEY, badge integer, place {kind})")
        for number, place in enumerate((one, same)):
            run(connection, "INSERT INTO guest VALUES (%s, 7, %s)", number, place)
    options = ["--table", "guest", "--identity", "badge", "--scope", "place"]
    assert call(unconstrained_engine, duplicates, *options) == FINDINGS
    assert call(unconstrained_engine, merge_duplicates, *options, "--apply") == FINE
    with unconstrained_engine.connect() as connection:
        assert run(connection, "SELECT count(*)::int FROM guest") == [(1,)]


IDS = {
    "date": ("infinity", "2020-01-01"),
    "timestamptz": ("12345-01-01 00:00+00", "2020-01-01 00:00+00"),
    "time": ("24:00", "12:00"),
    "interval": ("1 mon", "30 hours"),
    "inet": ("10.0.0.1", "::1"),
    "bytea": ("\\x00", "\\x01"),
    "bit(3)": ("101", "000"),
}


@pytest.mark.parametrize("kind", IDS)
def test_an_id_may_be_of_any_type(unconstrained_engine: Engine, kind: str) -> None:
    with unconstrained_engine.begin() as connection:
        run(connection, f"CREATE TABLE guest (id {kind} PRIMARY KEY, badge integer)")
        run(connection, f"CREATE TABLE seat (id int PRIMARY KEY, guest {kind} REFERENCES guest)")
        for number, one in enumerate(IDS[kind]):
            run(connection, "INSERT INTO guest VALUES (%s, 7)", one)
            run(connection, "INSERT INTO seat VALUES (%s, %s)", number, one)
    options = ["--table", "guest", "--identity", "badge"]
    assert call(unconstrained_engine, merge_duplicates, *options, "--apply") == FINE
    with unconstrained_engine.connect() as connection:
        assert run(connection, "SELECT count(*)::int FROM guest") == [(1,)]
        assert run(connection, "SELECT count(DISTINCT guest)::int FROM seat") == [(1,)]
