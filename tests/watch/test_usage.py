"""``usage`` says who, what, when and from where, and when each gate opens."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest

from membership_refactor.consumers import read_consumers
from membership_refactor.planning import Stage
from membership_refactor.watch.places import places_of
from membership_refactor.watch.usage import Usage, User, read_usage
from membership_refactor.watch.usage_text import as_csv, as_text, as_values
from tests.fixtures.watched import DEPRECATED, SOURCE, Watched, WatchedAt

T = "programme_membership"
FILE = """\
[[consumer]]
name = "reports"
roles = ["reader"]
paths = ["reports"]

[[consumer]]
name = "sync"
roles = ["reader", "nobody_has_this"]
unaffected = "it only listens"
"""


@pytest.fixture
def at_0004(watched_at: WatchedAt) -> Watched:
    watched = watched_at("0004").asking()
    watched.sample()
    watched.run(
        "DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
        f"GRANT ALL ON {T} TO reader",
        f"SET ROLE reader; SELECT rotation FROM {T} WHERE training_pathway = 'a secret'",
    )
    watched.sample()
    return watched


def read(watched: Watched, consumers: Path | None = None) -> Usage:
    if consumers is None:
        return read_usage(watched.chain.runner())
    plan = watched.chain.plan
    found = read_consumers(consumers, plan)
    places = places_of(found, plan, Stage.COPY, "public")
    return read_usage(watched.chain.runner(), found, places)


def of_reader(usage: Usage) -> User:
    (found,) = [user for user in usage.users if user.role == "reader"]
    return found


def test_a_use_is_shown_with_consumer_statement_and_place(at_0004: Watched, tmp_path: Path) -> None:
    (tmp_path / "consumers.toml").write_text(FILE)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "all.sql").write_text(
        f"\nselect rotation\nfrom {T}\nwhere training_pathway = 'CCT';\n"
    )
    usage = read(at_0004, tmp_path / "consumers.toml")
    user = of_reader(usage)
    assert user.consumers == ("reports", "sync"), "one role: the two cannot be told apart"
    assert (user.target, user.uses, user.before) == (SOURCE, 1, 0)
    assert user.place.endswith("reports/all.sql:2")
    assert user.statement == f"SELECT rotation FROM {T} WHERE training_pathway = $1"
    assert usage.unknown_roles == ("nobody_has_this",)
    assert "reports or sync" in as_text(usage)


def test_literals_are_masked_everywhere(at_0004: Watched) -> None:
    at_0004.run(f"COPY (SELECT id FROM {T} WHERE training_pathway = 'a secret') TO '/dev/null'")
    at_0004.sample()
    usage = read(at_0004)
    assert "secret" not in as_text(usage) + as_csv(usage) + str(as_values(usage))
    rows = at_0004.chain.query("SELECT statement FROM public_refactor.usage")
    assert rows
    assert "secret" not in str(rows)


def test_whether_somebody_uses_what_goes_next(at_0004: Watched) -> None:
    assert read(at_0004).in_use
    at_0004.later(timedelta(days=15))
    assert not read(at_0004).in_use


def test_each_gate_says_when_it_opens_and_what_it_waits_for(at_0004: Watched) -> None:
    at_0004.later(timedelta(hours=20))
    at_0004.sample()
    at_0004.later(timedelta(hours=20))
    at_0004.sample()
    usage = read(at_0004)
    gates = {gate.step: gate for gate in usage.gates}
    assert list(gates) == ["0005", "0006", "0009", "0010", "0011"]
    assert not gates["0006"].asked
    opens = gates["0005"].opens_at
    assert opens is not None
    assert timedelta(days=12) < opens - usage.now < timedelta(days=13)
    said = as_text(usage)
    assert f"0005  {SOURCE}: closed until {opens:%Y-%m-%d %H:%M} UTC, if nobody uses it" in said
    assert "the SQL of no consumer has been scanned" in said
    assert "the clock of the evidence is 1 day, 16:00:00 ahead" in said
    assert f"{DEPRECATED}: no use is known" in said


def test_the_date_is_the_one_on_which_the_gate_opens(at_0004: Watched) -> None:
    at_0004.run(
        "INSERT INTO public_refactor.scan_outcome (plan, stage, consumer, clear, findings) "
        f"VALUES ('{at_0004.chain.plan.name}', 'copy', 'app', true, 0)"
    )
    for _ in range(15):
        usage = read(at_0004)
        opens = usage.gates[0].opens_at
        assert usage.gates[0].is_open == (opens is not None and opens < usage.now)
        at_0004.later(timedelta(days=1))
        at_0004.sample()
    assert read(at_0004).gates[0].is_open


def test_csv_has_a_line_for_each_role_and_statement(at_0004: Watched) -> None:
    usage = read(at_0004)
    lines = list(csv.DictReader(io.StringIO(as_csv(usage))))
    assert len(lines) == len(usage.users)
    assert {line["role"] for line in lines} >= {"reader"}


def test_a_chain_without_a_watch_says_how_to_begin(watched_at: WatchedAt) -> None:
    said = as_text(read(watched_at("0004").asking()))
    assert "never sampled; start: membership-refactor watch" in said
    assert "0005  " in said


def test_a_statement_that_still_runs_is_shown_with_its_application(at_0004: Watched) -> None:
    with at_0004.connect() as running:
        running.execute("SET application_name = 'nightly'")
        running.execute("BEGIN")
        running.execute(f"DECLARE c CURSOR FOR SELECT id FROM {T} WHERE rotation = 'x'".encode())
        at_0004.sample()
        at_0004.sample()
    (found,) = [u for u in read(at_0004).users if u.source == "running sessions"]
    assert (found.application, found.uses) == ("nightly", 1)
    assert found.statement.endswith("WHERE rotation = ?")
