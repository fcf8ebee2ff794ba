"""Step and Situation: a move up and down the chain, and all that it may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from membership_refactor.checks.check import Check
from membership_refactor.planning import TableSplit
from membership_refactor.portrait import Portrait, Table
from membership_refactor.portrait.server import Server
from membership_refactor.sql.names import Names
from membership_refactor.steps.actions import Action


class Direction(StrEnum):
    """Which way along the chain."""

    UP = "up"
    DOWN = "down"

    @property
    def other(self) -> Direction:
        return Direction.DOWN if self is Direction.UP else Direction.UP


@dataclass(frozen=True, slots=True)
class Situation:
    """What the pure functions of a step are given: the plan, and portraits of its tables."""

    names: Names
    portraits: Mapping[str, Portrait] = field(default_factory=dict)
    """By revision: the tables as they were when that revision first began its way up."""
    now: Portrait | None = None
    """The tables as they were when the step under way began, in either direction."""

    server: Server | None = None
    """What the server and the connected role allow; None where a script is made."""

    @property
    def plan(self) -> TableSplit:
        return self.names.plan

    def before(self, revision: str) -> Portrait:
        """The portrait kept for ``revision``; KeyError where it never began."""
        return self.portraits[revision]

    def current(self, name: str) -> Table:
        """That table as it was when the step under way began."""
        assert self.now is not None
        return self.now.table(name)

    def source(self) -> Table:
        """The wide table as it was before the copy."""
        return self.before("0003").table(self.plan.source)

    def child(self, revision: str) -> Table:
        """The copy, later the child, as it was before ``revision``."""
        return self.before(revision).table(self.plan.copy)


Checks = Callable[[Situation], tuple[Check, ...]]
Actions = Callable[[Situation], tuple[Action, ...]]


def no_checks(situation: Situation) -> tuple[Check, ...]:
    """For a step that asks nothing here."""
    return ()


def no_refusals(situation: Situation) -> tuple[str, ...]:
    """For a step that any table can take."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One revision: pure functions from a situation to checks and actions."""

    revision: str
    name: str
    up: Actions
    down: Actions
    becomes: Callable[[Situation], Portrait]
    """The portrait of the plan's tables after the way up."""
    refusals: Callable[[Situation], tuple[str, ...]] = no_refusals
    """What in the tables forbids the way up, a line each; asked before anything is changed."""
    before_up: Checks = no_checks
    after_up: Checks = no_checks
    before_down: Checks = no_checks
    """Refusals of the way down; the first downgrade on the way asks those of every step on it."""
    after_down: Checks = no_checks
    ends_ledger: bool = False
    """Whether the way down takes the ledger itself away."""
    gate: Callable[[Situation], Check] | None = None
    """What has to show that nobody uses the old structure any more."""
