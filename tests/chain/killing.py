"""A client process that runs one step and kills itself with SIGKILL at a chosen statement.

The seam is the engine that the Runner is given: its connections count what they are about to send.
"""

from __future__ import annotations

import os
import re
import signal
import traceback
from collections.abc import Callable

from sqlalchemy import Engine

from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from tests.chain.driver import Chain
from tests.fixtures.steps import step_of

MOMENTS = re.compile(
    r'INSERT INTO "[^"]*"\."action"'  # the work of an action is done and not committed
    r"|FROM \"[^\"]*\".\"job\" WHERE .* FOR UPDATE"  # the batch before is committed
    r"|SELECT first, last FROM"  # a batch is claimed, and nothing of it done
    r"|SET state = 'done'",  # everything is done but the step's end
    re.DOTALL,
)
"""Before these statements: between every two actions, and at every batch, twice."""
ALL = re.compile("")


class Moments:
    """Counts the statements that match, and acts at one of them."""

    def __init__(
        self, pattern: re.Pattern[str], at: int = 0, act: Callable[[], None] | None = None
    ):
        self.pattern, self.at, self.act = pattern, at, act
        self.count = 0

    def __call__(self, text: str) -> None:
        if self.pattern.search(text):
            self.count += 1
            if self.count == self.at and self.act is not None:
                self.act()


def go(chain: Chain, revision: str, direction: Direction, *, engine: Engine | None = None) -> None:
    """The step, once, in this process."""
    runner = chain.runner(engine=engine)
    if direction is Direction.UP:
        runner.upgrade(step_of(revision))
    else:
        runner.downgrade(step_of(revision))


def moments(chain: Chain, revision: str, direction: Direction, pattern: re.Pattern[str]) -> int:
    """Goes the step undisturbed, and counts its moments."""
    counter = Moments(pattern)
    go(chain, revision, direction, engine=watched(chain.url, counter))
    return counter.count


def killed(
    chain: Chain, revision: str, direction: Direction, pattern: re.Pattern[str], at: int
) -> bool:
    """Runs the step in a process of its own that kills itself; whether it came to that."""

    def in_another_process() -> None:
        def die() -> None:
            os.kill(os.getpid(), signal.SIGKILL)

        go(chain, revision, direction, engine=watched(chain.url, Moments(pattern, at, die)))

    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            in_another_process()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            # Nothing of pytest may run in this process: no fixtures, no reports.
            os._exit(status)
    _, ended = os.waitpid(pid, 0)
    if os.WIFSIGNALED(ended):
        assert os.WTERMSIG(ended) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(ended) == 0, "the step failed by itself; see the traceback above"
    return False
