"""Step and Situation: a move up and down the chain, and all that it may look at."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from membership_refactor.checks.check import Check
from membership_refactor.planning import Stage, TableSplit
from membership_refactor.planning.revisions import Revisions
from membership_refactor.portrait import Portrait, Table
from membership_refactor.portrait.server_facts import Server
from membership_refactor.sql.application_code.search_path import needed_path
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.ddl.copy_portrait import linked
from membership_refactor.sql.names import Names
from membership_refactor.steps.actions import Action
from membership_refactor.steps.revision_text import RevisionText


class Direction(StrEnum):
    """Which way along the chain."""

    UP = "up"
    DOWN = "down"

    @property
    def other(self) -> Direction:
        return Direction.DOWN if self is Direction.UP else Direction.UP


@dataclass(frozen=True, slots=True)
class Situation:
    """The arguments of the pure functions of a step: the plan, and portraits of its tables."""

    names: Names
    portraits: Mapping[str, Portrait] = field(default_factory=dict)
    """By step: the tables as they were when that step first began its way up."""
    now: Portrait | None = None
    """The tables as they were when the step under way began, in either direction."""

    server: Server | None = None
    """What the server and the connected role allow; None where a script is made."""
    revisions: Revisions = field(default_factory=Revisions)
    """What messages call the steps."""

    def __post_init__(self) -> None:
        if self.now is not None:
            object.__setattr__(self, "names", names_among(self.names, self.now))

    @property
    def plan(self) -> TableSplit:
        return self.names.plan

    def before(self, step: str) -> Portrait:
        """The portrait that was kept when that step began. KeyError if it never began."""
        return self.portraits[step]

    def current(self, name: str) -> Table:
        """That table as it was when the running step began."""
        assert self.now is not None
        return self.now.table(name)

    def source(self) -> Table:
        """The wide table as it was before the plan's first step."""
        return self.before(self.plan.steps[0]).table(self.plan.source)

    def child(self, step: str) -> Table:
        """The copy, later the child, as it was before that step, but with the partitions of today.
        A first step that works in place adds the link, so there it is the child with the link."""
        table = self.before(step).table(self.plan.child)
        now = self.now.find(self.plan.child) if self.now is not None else None
        if now is not None and now.partitioning is not None:
            table = replace(table, partitioning=now.partitioning)
        return linked(table, self.plan.link) if step == self.plan.steps[0] else table


def names_among(names: Names, tables: Portrait) -> Names:
    """``names`` with what has to be known of these tables wherever they are written."""
    own = (tables.find(name) for name in names.plan.tables)
    return replace(
        names,
        path=needed_path(names.plan, tables),
        partitioned=any(t is not None and t.partitioning is not None for t in own),
    )


Checks = Callable[[Situation], tuple[Check, ...]]
Actions = Callable[[Situation], tuple[Action, ...]]


def no_checks(situation: Situation) -> tuple[Check, ...]:
    """Of a step without checks here."""
    return ()


def nothing(situation: Situation) -> tuple[str, ...]:
    """Of a step without texts here."""
    return ()


def no_comparisons(situation: Situation) -> tuple[Comparison, ...]:
    """Of a step after which no two tables have to agree."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One move up and down: pure functions from a situation to checks and actions.

    Its neighbours are those beside it in the chain.
    """

    name: str
    stage: Stage
    """The structure that stands when it has run."""
    up: Actions
    down: Actions
    becomes: Callable[[Situation], Portrait]
    """The portrait of the plan's tables after the way up."""
    refusals: Callable[[Situation], tuple[str, ...]] = nothing
    """What in the tables forbids the way up, a line each; asked before anything is changed."""
    before_up: Checks = no_checks
    after_up: Checks = no_checks
    before_down: Checks = no_checks
    """Refusals of the way down; the first downgrade on the way asks those of every step on it."""
    after_down: Checks = no_checks
    holds: Checks = no_checks
    """What has to hold while the chain stands at this step."""
    keeps: Checks = no_checks
    """What has to hold from this step on, at every later one too."""
    compares: Callable[[Situation], tuple[Comparison, ...]] = no_comparisons
    """What ``verify`` compares while the chain stands here, in the order in which ``repair``
    mends."""
    notes: Callable[[Situation], tuple[str, ...]] = nothing
    """What ``plan`` says of the step besides rows, time and locks."""
    ends_ledger: bool = False
    """Whether the way down drops the ledger itself."""
    gates: Checks = no_checks
    """What has to hold, or to be accepted with a reason: that nobody uses the old structure any
    more, for example. Each check names the ``-x`` option that takes the reason."""
    text: RevisionText | None = None
    """What its revision says, where ``new`` writes it; None for a step of a baseline."""
    text_in_place: RevisionText | None = None
    """The same for a plan without a copy, where it differs."""
