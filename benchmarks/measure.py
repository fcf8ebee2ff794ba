"""What a piece of work costs a server: CPU seconds of its processes, WAL bytes, wall time."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Cost:
    """Filled in when the block ends."""

    cpu: float = 0.0
    """Seconds, of all processes of the server; the client is not in it."""
    wal: int = 0
    wall: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.cpu + other.cpu, self.wal + other.wal, self.wall + other.wall)


def available() -> bool:
    """Whether CPU times can be read here: they come from /proc."""
    return (PROC / "self" / "stat").exists()


def server_cpu(postmaster: int) -> float:
    """CPU seconds of all processes of a server since it started, ended ones too.

    Other programs make the wall clock unreliable; this figure they hardly change.
    """
    ticks = 0
    for folder in PROC.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
        except OSError:
            continue  # it has ended meanwhile; the postmaster's own line counts it
        fields = text.rpartition(")")[2].split()
        if int(folder.name) == postmaster:
            ticks += sum(int(x) for x in fields[11:15])
        elif int(fields[1]) == postmaster:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def process_cpu(pid: int) -> float:
    """CPU seconds of one live process, in nanoseconds' resolution where the kernel has it."""
    try:
        return int((PROC / str(pid) / "schedstat").read_text().split()[0]) / 1e9
    except OSError:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def measured(connection: psycopg.Connection[Any], postmaster: int) -> Iterator[Cost]:
    """The cost of what happens inside, whoever of the server does it."""
    cost = Cost()
    before, cpu, began = wal_position(connection), server_cpu(postmaster), time.perf_counter()
    yield cost
    cost.wall = time.perf_counter() - began
    cost.cpu = server_cpu(postmaster) - cpu
    cost.wal = wal_position(connection) - before


def wal_position(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute(
        "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
    ).fetchone()
    assert row is not None
    return int(row[0])
