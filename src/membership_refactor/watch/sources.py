"""The sources of evidence, best first, and what each of them cannot see."""

from __future__ import annotations

from collections.abc import Mapping

from membership_refactor.watch import (
    old_shape_view,
    pg_stat_statements,
    running_sessions,
    scan_counters,
    server_log,
)

CANNOT_SEE: Mapping[str, str] = {
    source.NAME: source.CANNOT_SEE
    for source in sorted(
        (old_shape_view, pg_stat_statements, running_sessions, scan_counters, server_log),
        key=lambda source: source.RANK,
    )
}
"""By name, in the order of their rank."""
