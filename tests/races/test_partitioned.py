"""Rows of a partitioned table that move to another partition."""

from __future__ import annotations

import pytest

from tests.fixtures.databases import TemplateDatabase
from tests.races.partitions import BY_HASH
from tests.races.stages import Subject
from tests.races.tables import COPY as THE_COPY
from tests.races.tables import RENAME, SOURCE, assert_alike, execute, query

BY_ID = Subject(name="by id", plan=RENAME, sound=assert_alike, partitions=BY_HASH)


def partition_of(table: str, id: int) -> str:
    return f"(SELECT tableoid::regclass FROM {table} WHERE id = {id})"


@pytest.mark.parametrize("table", [SOURCE, THE_COPY])
def test_a_row_that_moves_to_another_partition_moves_on_the_other_side(
    table: str, template_database: TemplateDatabase
) -> None:
    url = BY_ID.at(template_database, "0004")
    other = THE_COPY if table == SOURCE else SOURCE
    ids = [1, 2, 3, 4, 11, 12, 13, 14]
    before = [query(url, f"SELECT {partition_of(other, n)}::text")[0][0] for n in ids]
    for n in ids:
        execute(url, f"UPDATE {table} SET id = {n + 5000}, note = '1' WHERE id = {n}")
        assert_alike(url)
    after = [query(url, f"SELECT {partition_of(other, n + 5000)}::text")[0][0] for n in ids]
    assert sum(a != b for a, b in zip(before, after, strict=True)) >= 3
