"""Check that sqlglot, an optional extra, is installed and new enough."""

from __future__ import annotations

import importlib.util
import logging
from importlib.metadata import version

from membership_refactor.errors import WrongUse

OLDEST = 30
INSTALL = "Run: pip install 'membership-refactor[scan]'"


def require_sqlglot() -> None:
    """Raise WrongUse unless sqlglot can be imported and is new enough."""
    if importlib.util.find_spec("sqlglot") is None:
        raise WrongUse("this needs the SQL parser sqlglot, which is not installed.", hint=INSTALL)
    installed = version("sqlglot")
    major = installed.split(".")[0]
    if major.isdigit() and int(major) < OLDEST:
        message = f"this needs sqlglot {OLDEST} or newer; {installed} is installed."
        raise WrongUse(message, hint=INSTALL)
    # What it cannot parse becomes a Command and a warning; the scan reports those itself.
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
