"""What has to be true whenever the writers rest: every commit is there, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from tests.campaign.tables import HOT, KEY, Key, Row, reading
from tests.campaign.writers import Writer


class Ground:
    """The rows nobody writes, as they were, and the uuids they once got."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[Any, ...]] = {}
        self.uuids: dict[Key, str] = {}

    def keep(self, pg: psycopg.Connection[Any]) -> None:
        self.rows = {row[0]: row[:-1] for row in pg.execute(reading("0002"))}


def compare(
    pg: psycopg.Connection[Any], revision: str, writers: Sequence[Writer], ground: Ground
) -> tuple[list[str], int]:
    """(a line for everything wrong, rows compared); lines begin with lost, ghost or wrong."""
    found = {row[0]: row for row in pg.execute(reading(revision).encode())}
    expected: dict[int, Row] = {}
    for writer in writers:
        expected.update(writer.rows)
    wrong = []
    for id, row in expected.items():
        there = found.pop(id, None)
        if there is None:
            wrong.append(f"lost: row {id} {row}")
            continue
        key, reason, grace = tuple(there[1:6]), there[6], there[7]
        if key != row.key or grace != row.grace or (not row.hot and reason != row.reason):
            wrong.append(f"lost: row {id} is {key}, {reason}, {grace}, expected {row}")
    for id, was in ground.rows.items():
        there = found.pop(id, None)
        if there is None or there[:-1] != was:
            wrong.append(f"wrong: base row {id} is {there}, was {was}")
        elif there[-1] is not None:
            first = ground.uuids.setdefault(was[1:6], there[-1])
            if first != there[-1]:
                wrong.append(f"wrong: base row {id} had uuid {first}, has {there[-1]}")
    wrong += [f"ghost: row {id} {row}" for id, row in found.items()]
    if revision >= "0007":
        keys = {row.key for row in expected.values()} | {r[1:6] for r in ground.rows.values()}
        wrong += _parents(pg, keys)
    return wrong, len(expected) + len(ground.rows)


def _parents(pg: psycopg.Connection[Any], keys: set[Key]) -> list[str]:
    """The independent model of parents: one for each key that a row has, by plain Python."""
    listed = ", ".join(f"p.{c}" for c in KEY)
    found = pg.execute(
        f"SELECT {listed} FROM programme_membership AS p WHERE EXISTS (SELECT FROM "
        "curriculum_membership AS c WHERE c.programme_membership_uuid = p.uuid)".encode()
    ).fetchall()
    wrong = [f"lost: no parent for {key}" for key in keys - set(found)]
    wrong += [f"ghost: parent {key} of no row" for key in set(found) - keys]
    if len(found) != len(set(found)):
        wrong.append("wrong: two parents of one key")
    return wrong


def serial(pg: psycopg.Connection[Any], epoch: int) -> list[str]:
    """From 0008 on a shared parent holds the value of the last transaction that wrote it, in the
    order that the control table gave them."""
    wrong = []
    control: Mapping[int, tuple[str, int]] = {
        hot: (value, since)
        for hot, value, since in pg.execute("SELECT hot, value, epoch FROM campaign.control")
    }
    listed = ", ".join(f"p.{c}" for c in KEY)
    rows = pg.execute(
        f"SELECT {listed}, p.leaving_reason FROM programme_membership AS p "
        f"WHERE p.person_id = {HOT[0][0]}".encode()
    ).fetchall()
    parents = {tuple(row[:5]): row[5] for row in rows}
    for hot, key in enumerate(HOT):
        value, since = control[hot]
        if since == epoch and key in parents and parents[key] != value:
            wrong.append(f"lost: {key} holds {parents[key]!r}, last written was {value!r}")
    return wrong
