"""Other tools in the benchmark: which run, and that one that did nothing has no figure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.measure import available
from benchmarks.place import Place, place
from membership_refactor.plans.programme_membership import SPLIT

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not available(), reason="CPU times are read from /proc"),
]
STAND_IN = '''
"""As much of psycopack as the benchmark calls; the table is written anew by the server."""
from contextlib import contextmanager
import psycopg

def get_db_connection(dsn):
    return psycopg.connect(dsn, autocommit=True)

@contextmanager
def get_cursor(conn):
    with conn.cursor() as cur:
        yield cur

class Psycopack:
    def __init__(self, *, table, batch_size, conn, cur):
        self.table, self.cur = table, cur

    def full(self):
        WORK
'''


@pytest.fixture(scope="module")
def here() -> Iterator[Place]:
    with place(2_000) as made:
        yield made


def source(folder: Path, work: str) -> Path:
    """A folder like a checkout, whose psycopack does that."""
    package = folder / "src" / "psycopack"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(STAND_IN.replace("WORK", work), encoding="utf-8")
    return folder


def test_a_tool_whose_source_is_named_is_measured(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = source(tmp_path, 'self.cur.execute(f"VACUUM FULL {self.table}")')
    monkeypatch.setenv(peers.SOURCE, str(folder))
    found = peers.measure(here, repeats=1, say=lambda line: None)
    assert "psycopack" not in found.absent
    (cost,) = found.costs["psycopack"]
    assert cost.wal > 2_000 * 50


def test_a_tool_that_is_not_there_is_named_with_what_to_do(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trials = {name: peers.TRIALS[name] for name in ("psycopack", "pg_repack")}
    monkeypatch.setattr(peers, "TRIALS", trials)
    monkeypatch.setenv(peers.SOURCE, str(tmp_path / "nowhere"))
    monkeypatch.setattr(peers, "_no_repack", lambda place: "not today")
    lines: list[str] = []
    found = peers.measure(here, repeats=1, say=lines.append)
    assert found.costs == {}
    assert peers.SOURCE in found.absent["psycopack"]
    assert len(lines) == 2 and all("does not run" in line for line in lines)


@pytest.mark.parametrize(
    "work",
    [
        pytest.param("pass", id="copies nothing"),
        pytest.param(
            'self.cur.execute(f"DELETE FROM {self.table} WHERE id % 2 = 0; VACUUM FULL")',
            id="loses rows",
        ),
        pytest.param("raise SystemExit('it does not work today')", id="fails"),
    ],
)
def test_a_tool_that_did_not_copy_every_row_has_no_figure(
    here: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    monkeypatch.setenv(peers.SOURCE, str(source(tmp_path, work)))
    with here.fresh("peer") as database, pytest.raises(RuntimeError, match="did not copy"):
        peers.TRIALS["psycopack"](here, database)
    # The next trial begins with a whole table.
    with here.fresh("peer") as database, here.connect(database) as connection:
        row = connection.execute(f"SELECT count(*) FROM {SPLIT.source}".encode()).fetchone()
        assert row == (2_000,)
