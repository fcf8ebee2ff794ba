"""How many cores the server has, so that work leaves half of them to others."""

from __future__ import annotations

import os
import re
from pathlib import Path

from membership_refactor.execution.sessions import Pg, run, value

MOST_WORKERS = 4
"""Batches at a time where nobody says how many, however many cores there are."""
_FILES = ("/proc/cpuinfo", "/sys/fs/cgroup/cpu.max")
_MAY_READ = (
    "SELECT pg_catalog.pg_has_role(session_user, 'pg_read_server_files', 'USAGE')\n"
    "  AND session_user = current_user"
)


def server_cores(pg: Pg) -> int | None:
    """The cores of the server, as far as the login may know; None where it may not. ``pg`` acts as
    the login."""
    if _is_here(pg):
        return _own_cores()
    if not value(pg, _MAY_READ):
        return None
    # The last argument: NULL where there is no such file, as on another system than Linux.
    texts = ", ".join(f"pg_catalog.pg_read_file('{name}', 0, 10000000, true)" for name in _FILES)
    (row,) = run(pg, f"SELECT {texts}").fetchall()
    return cores_in(*row)


def cores_in(cpuinfo: str | None, cpu_max: str | None) -> int | None:
    """The cores that the two files of Linux tell of: those of the machine, or fewer where the
    server runs in a container."""
    cores = len(re.findall(r"^processor\s*:", cpuinfo or "", re.MULTILINE))
    quota, _, period = (cpu_max or "").strip().partition(" ")
    if cores and quota.isdecimal() and period.isdecimal() and int(period):
        cores = min(cores, max(int(quota) // int(period), 1))
    return cores or None


def _is_here(pg: Pg) -> bool:
    """Whether the server runs beside this process: its backend is a process of this machine. An
    address does not tell: behind ``localhost`` there may be a tunnel or a container."""
    if not pg.info.host.startswith("/") and pg.info.hostaddr not in ("127.0.0.1", "::1"):
        return False
    try:
        name = Path(f"/proc/{pg.info.backend_pid}/comm").read_text(encoding="utf-8")
    except OSError:
        return False
    return name.startswith("postgres")


def _own_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def half(cores: int) -> int:
    """What work may use; one of two cores, and the only one of one."""
    return max(cores // 2, 1)
