"""The clock of the evidence: the server's, which a test or a demonstration can set forward.

``ALTER DATABASE d SET membership_refactor.clock_shift = '3 days'`` plays three days at once. The
gates, the ends of steps and the samples of the watch all read it, and ``usage`` says that it is
shifted.
"""

from __future__ import annotations

SHIFT = (
    "coalesce(nullif(pg_catalog.current_setting('membership_refactor.clock_shift', true), '')"
    "::pg_catalog.interval, '0')"
)
"""An expression: by how much the clock is ahead of the server's."""

NOW = f"(pg_catalog.now() + {SHIFT})"
"""An expression: the time at which the transaction began."""

CLOCK = f"(pg_catalog.clock_timestamp() + {SHIFT})"
"""An expression: the time of this moment."""
