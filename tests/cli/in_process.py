"""Runs a command line in this process: seconds less than a process for each."""

from __future__ import annotations

import contextlib
import io
import logging

from membership_refactor.cli.command_line import run
from tests.cli.processes import ROOT, Ended


def in_process(url: str, *arguments: str, x: tuple[str, ...] = ()) -> Ended:
    """Run ``membership-refactor`` with ``-x url=``; Alembic's own commands are among its verbs."""
    given = [part for text in (f"url={url}", *x) for part in ("-x", text)]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run(["-c", str(ROOT / "alembic.ini"), *given, *arguments])
    logging.captureWarnings(False)
    return Ended(status, out.getvalue(), err.getvalue())
