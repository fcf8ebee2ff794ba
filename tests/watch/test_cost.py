"""What a sample costs the server, by the CPU time of its processes."""

from __future__ import annotations

import os
from pathlib import Path
from time import monotonic

from tests.fixtures.watched import Watched, WatchedAt

EVERY = 300.0
"""Seconds between two samples."""
SAMPLES = 5
FILL = """\
DO $$ BEGIN FOR i IN 1..71 LOOP FOR j IN 1..71 LOOP
  EXECUTE 'SELECT ' || repeat('1, ', i) || '1 WHERE ' || repeat('1 = 1 AND ', j) || 'true';
END LOOP; END LOOP; END $$"""


def cpu_seconds(watched: Watched) -> float:
    """Of the server, with all sessions that have ended."""
    data = Path(str(watched.server.server.data))
    postmaster = (data / "postmaster.pid").read_text().split("\n")[0]
    fields = Path(f"/proc/{postmaster}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def alone(watched: Watched) -> None:
    """Return when every other session of this database has ended."""
    until = monotonic() + 30
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    while watched.chain.value(others) != 1:
        assert monotonic() < until, "sessions are left"


def test_a_sample_every_five_minutes_costs_less_than_a_thousandth_of_a_core(
    watched_at: WatchedAt,
) -> None:
    watched = watched_at("0004")
    watched.run(FILL)
    assert watched.chain.value("SELECT count(*) FROM pg_stat_statements") >= 5_000
    watched.sample()
    alone(watched)
    before = cpu_seconds(watched)
    for _ in range(SAMPLES):
        watched.sample()
    alone(watched)
    each = (cpu_seconds(watched) - before) / SAMPLES
    print(f"{each * 1000:.0f} ms of server CPU a sample")
    assert 0 < each < EVERY / 1000
