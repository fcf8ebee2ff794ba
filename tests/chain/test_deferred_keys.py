"""A unique key that is asked at the commit: values may be handed round between statements, and the
batches that follow have to stand it, on the way up and on the way down."""

from __future__ import annotations

import pytest

from tests.fixtures.databases import NewDatabase
from tests.races.pilot import Pilot
from tests.races.tables import (
    COPY,
    SOURCE,
    assert_equal,
    build_tables,
    execute,
    query,
)

HAND_ROUND = (
    "UPDATE {t} AS x SET badge = y.badge FROM"
    " (SELECT id, lead(badge, 170, '{n} ' || id) OVER (ORDER BY id) AS badge FROM {t}) AS y"
    " WHERE y.id = x.id"
)
"""Each row gets the value of a row that is further away than a batch is long."""


def deferred(when: str) -> tuple[str, ...]:
    """The unique key of badges is asked later."""
    return (
        "ALTER TABLE s.wide DROP CONSTRAINT uq_wide_badge",
        f"ALTER TABLE s.wide ADD CONSTRAINT uq_wide_badge UNIQUE (badge) DEFERRABLE {when}",
    )


@pytest.mark.parametrize("when", ["", "INITIALLY DEFERRED"])
def test_values_that_are_handed_round_stop_no_batch(when: str, new_database: NewDatabase) -> None:
    url = new_database()
    build_tables(url)
    execute(url, *deferred(when))
    with Pilot(url) as pilot:
        pilot.start(lambda runner: runner.upgrade("copy_table"), until="ANALYZE")
        execute(url, HAND_ROUND.format(t=SOURCE, n=1))
        pilot.finish()
        assert_equal(url)
        pilot.upgrade("0004")
        execute(url, HAND_ROUND.format(t=COPY, n=2))
        assert_equal(url)
        pilot.upgrade("0005")
        execute(url, HAND_ROUND.format(t=COPY, n=3))
        before = query(url, f"SELECT id, badge FROM {COPY} ORDER BY id")
        pilot.downgrade("0005")
        assert_equal(url)
        assert query(url, f"SELECT id, badge FROM {SOURCE} ORDER BY id") == before
