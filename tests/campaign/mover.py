"""The mover: one Alembic command in a process of its own, which can be killed at any moment."""

from __future__ import annotations

import io
import multiprocessing
import sys
from argparse import Namespace
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess

PRELOADED = ["tests.campaign.mover", "alembic.command", "membership_refactor.operations"]


def move(url: str, target: str, pipe: Pipe, options: tuple[str, ...]) -> None:
    """Takes the chain to ``target``; sends an empty text, or what went wrong."""
    from alembic import command
    from alembic.config import Config

    from membership_refactor.cli.command_line import packaged_configuration
    from membership_refactor.environment import connect_engine

    # What the tool says on its way is not what the campaign reports.
    sys.stderr = io.StringIO()
    config = Config(packaged_configuration(), stdout=io.StringIO())
    config.attributes["connection"] = connect_engine(url, "public")
    config.cmd_opts = Namespace(x=["accept-usage=campaign", *options], quiet=True)
    direction, revision = target.split()
    try:
        (command.upgrade if direction == "up" else command.downgrade)(config, revision)
    except Exception as error:
        pipe.send(f"{type(error).__name__}: {' '.join(str(error).split())}")
    else:
        pipe.send("")
    pipe.close()


class Movers:
    """Starts movers quickly: they are forked from a process that has everything imported."""

    def __init__(self, url: str, options: tuple[str, ...]) -> None:
        self.url, self.options = url, options
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)

    def start(self, target: str) -> tuple[BaseProcess, Pipe]:
        """``up REVISION`` or ``down REVISION``."""
        ours, theirs = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=move, args=(self.url, target, theirs, self.options), daemon=True
        )
        process.start()
        theirs.close()
        return process, ours
