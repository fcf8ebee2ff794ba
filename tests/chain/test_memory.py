"""The client's memory does not grow with the table."""

from __future__ import annotations

import tracemalloc

import pytest

from membership_refactor.execution.options import Options
from membership_refactor.testing.scratch_databases import Databases
from tests.chain.driver import Chain
from tests.chain.subjects import MEMBERSHIP

FEW, MANY = 20_000, 200_000
ALLOWED = 4 * 2**20
"""Bytes; ten times as many rows would show as far more if one of them stayed per row."""


def filled(url: str, rows: int) -> Chain:
    chain = Chain(url, MEMBERSHIP, Options(accept_usage="a test"))
    chain.run(
        *MEMBERSHIP.create,
        "INSERT INTO public.person (id) OVERRIDING SYSTEM VALUE "
        "SELECT n FROM generate_series(10, 70000) AS n",
        "INSERT INTO public.programme_membership (person_id, programme_id, curriculum_id, rotation)"
        f" SELECT 10 + n / 3, 1, n % 3, n % 2 FROM generate_series(1, {rows}) AS n",
    )
    return chain


@pytest.mark.slow
def test_ten_times_the_rows_take_no_more_memory(databases: Databases) -> None:
    peaks = []
    for rows in (FEW, MANY):
        with databases.temporary() as url:
            chain = filled(url, rows)
            tracemalloc.start()
            try:
                chain.up_to("0009")
                chain.down_to("0002", before="0009")
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
    assert peaks[1] < peaks[0] + ALLOWED, peaks
