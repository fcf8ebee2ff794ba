"""The door to sqlglot: the one place that knows it is an optional extra."""

from __future__ import annotations

import importlib.util
import logging

from membership_refactor.errors import WrongUse

OLDEST = 30
INSTALL = "pip install 'membership-refactor[scan]'"


def require_parser() -> None:
    """sqlglot can be imported and is new enough; otherwise one line that says what to install."""
    if importlib.util.find_spec("sqlglot") is None:
        raise WrongUse(
            "Scanning needs the SQL parser sqlglot, which is not installed.", hint=f"Run: {INSTALL}"
        )
    from importlib.metadata import version

    installed = version("sqlglot")
    major = installed.split(".")[0]
    if major.isdigit() and int(major) < OLDEST:
        raise WrongUse(
            f"Scanning needs sqlglot {OLDEST} or newer; {installed} is installed.",
            hint=f"Run: {INSTALL}",
        )
    # What it cannot parse becomes a Command and a warning; the scan reports those itself.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
