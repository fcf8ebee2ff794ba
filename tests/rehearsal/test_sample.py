"""The sample: closed under foreign keys of every kind, of about the size that was asked for."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.rehearsal.dump_structure import CannotRehearse
from membership_refactor.rehearsal.sample import Sample, open_sample
from tests.chain.driver import Chain
from tests.fixtures.databases import NewDatabase, TemplateDatabase
from tests.rehearsal.orders import PLAN, orders

MORE = """
CREATE TABLE public.region (id int PRIMARY KEY, part_of int REFERENCES public.region,
  capital int);
CREATE TABLE public.town (id int PRIMARY KEY, region int REFERENCES public.region);
ALTER TABLE public.region ADD FOREIGN KEY (capital) REFERENCES public.town;
CREATE TABLE public.shelf (kind int, n int, note text DEFAULT repeat('x', 900),
  PRIMARY KEY (kind, n)) PARTITION BY LIST (kind);
CREATE TABLE public.shelf_1 PARTITION OF public.shelf FOR VALUES IN (1);
CREATE TABLE public.shelf_2 PARTITION OF public.shelf FOR VALUES IN (2);
CREATE TABLE public.remark (id int PRIMARY KEY, line bigint REFERENCES public.order_line (id),
  filler text DEFAULT repeat('x', 900));
INSERT INTO public.region SELECT n, nullif(n - 1, 0) FROM generate_series(1, 300) AS n;
INSERT INTO public.town SELECT n, n FROM generate_series(1, 300) AS n;
UPDATE public.region SET capital = 301 - id;
INSERT INTO public.shelf SELECT 1 + n % 2, n FROM generate_series(1, 400) AS n;
ALTER TABLE public.order_line ADD region int REFERENCES public.region,
  ADD shelf_kind int, ADD shelf_n int,
  ADD doubled int GENERATED ALWAYS AS (pieces * 2) STORED,
  ADD FOREIGN KEY (shelf_kind, shelf_n) REFERENCES public.shelf (kind, n);
UPDATE public.order_line SET region = 300, shelf_kind = 1 + id % 2,
  shelf_n = CASE WHEN id % 5 > 0 THEN id END;
INSERT INTO public.remark SELECT n, 1 + n % 30 FROM generate_series(1, 900) AS n;
ANALYZE;
"""


@pytest.fixture
def chain(template_database: TemplateDatabase) -> Chain:
    return orders(template_database, *MORE.strip().split(";\n"))


@pytest.fixture
def sample(chain: Chain, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sample]:
    """No table is so small that it is taken whole."""
    monkeypatch.setattr("membership_refactor.rehearsal.sample.SMALL_BYTES", 0)
    made = open_sample(chain.url)
    yield made
    made.pg.close()


def test_every_row_that_is_referred_to_comes_along(sample: Sample) -> None:
    sample.take(PLAN, "public", (), 100)

    counts = {table: len(rows) for table, rows in sample.rows.items() if rows}
    assert counts["public.order_line"] == 30
    # A list by self-reference, a circle with another table, both over all rows.
    assert counts["public.region"] == counts["public.town"] == 300
    # A key of two columns into partitions; one with a gap refers to nothing.
    assert counts["public.shelf_1"] + counts["public.shelf_2"] == 24
    assert "public.shelf" not in counts
    # Three rows that refer to each row, of thirty.
    assert counts["public.remark"] == 90


def test_the_hard_rows_are_among_a_small_sample(chain: Chain, sample: Sample) -> None:
    chain.run(
        "INSERT INTO public.order_line (customer_id, reference, article, pieces) "
        "SELECT 1, 'plain', 'x', 1 FROM generate_series(1, 20000)",
        "INSERT INTO public.order_line (customer_id, reference, article, pieces) VALUES "
        "(2, repeat('é', 40), 'x', 1), (2, 'near', 'x', 1), (2, 'Near ', 'x', 1)",
        "ANALYZE public.order_line",
    )
    fresh = open_sample(chain.url)
    try:
        fresh.take(PLAN, "public", (), 500)
        wanted = fresh.pg.execute(
            "SELECT ctid::text FROM public.order_line WHERE lower(btrim(reference)) = 'near' "
            "OR octet_length(reference) = 80 OR id = (SELECT max(id) FROM public.order_line)"
        ).fetchall()
        assert {ctid for (ctid,) in wanted} <= fresh.rows["public.order_line"]
        assert 300 < len(fresh.rows["public.order_line"]) < 1000
        assert fresh.kinds["near keys"] >= 2
    finally:
        fresh.pg.close()


def test_what_grows_without_end_is_named(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("membership_refactor.rehearsal.sample.MOST_ROWS", 0)
    with pytest.raises(CannotRehearse, match=r"rows over the foreign key \w+ of public\.\w+\. "):
        sample.take(PLAN, "public", (), 100)


def test_nothing_can_be_written_while_it_is_taken(sample: Sample) -> None:
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        sample.pg.execute("DELETE FROM public.remark")


def test_a_table_that_was_never_analyzed_is_estimated_by_its_size(
    new_database: NewDatabase,
) -> None:
    url = new_database()
    with psycopg.connect(libpq_url(url)) as connection:
        connection.execute("CREATE TABLE public.t AS SELECT n FROM generate_series(1, 10000) AS n")
    made = open_sample(url)
    try:
        assert 2000 < made._estimate("public.t") < 20000
    finally:
        made.pg.close()
