"""A step stopped before any of its statements goes on to the same end, or is taken back."""

from __future__ import annotations

import pytest

from membership_refactor.portrait import Portrait, differences
from membership_refactor.steps.step import Direction
from membership_refactor.testing.interruptions import watched
from membership_refactor.testing.scratch_databases import Databases
from tests.chain.driver import REVISIONS, Chain, Snapshot, Subject, snapshot
from tests.chain.fixed import at
from tests.chain.killing import go
from tests.chain.subjects import in_place
from tests.chain.test_kill import assert_alike, facts, is_open
from tests.crashes.one_of_everything import EVERYTHING, FILLED
from tests.crashes.stopped_runs import Commits, Statements, Stopped, Work
from tests.fixtures.steps import step_of

WAYS = [(revision, direction) for direction in Direction for revision in REVISIONS]
EVERYDAY = [
    ("0003", Direction.UP),
    ("0010", Direction.UP),
    ("0010", Direction.DOWN),
    ("0005", Direction.DOWN),
]
IN_PLACE = in_place(EVERYTHING, "family")
FEW = 12
"""An everyday run stops at every twelfth of the statements that matter."""


class Stops:
    """One step in one direction, undisturbed and stopped."""

    def __init__(
        self,
        databases: Databases,
        revision: str,
        direction: Direction,
        subject: Subject = EVERYTHING,
    ) -> None:
        self.databases, self.revision, self.direction = databases, revision, direction
        self.subject = subject
        undisturbed = self.start()
        self.before = snapshot(undisturbed)
        self.known = facts(undisturbed, self.before, revision)
        self.sent = Commits(undisturbed.url)
        self.sent.run(self.step(undisturbed))
        self.after = snapshot(undisturbed)
        self.reached = facts(undisturbed, self.after, revision)
        self.databases.drop(undisturbed.url)

    def start(self) -> Chain:
        revisions = self.subject.revisions
        neighbour = [self.subject.start, *revisions][revisions.index(self.revision)]
        down = self.direction is Direction.DOWN
        url = at(
            self.databases,
            self.revision if down else neighbour,
            subject=self.subject,
            name=f"one of everything {self.subject.plan.shape}",
            first=FILLED,
            down=down,
        )
        return Chain(url, self.subject)

    def step(self, chain: Chain) -> Work:
        return lambda engine: go(chain, self.revision, self.direction, engine=engine)

    def stopped(self, n: int) -> Chain:
        """A chain whose run ended before its n-th statement: the client did, or its sessions."""
        chain = self.start()
        assert not Statements(chain.url, n, ended=n % 2 == 0).run(self.step(chain))
        return chain

    def goes_on(self, n: int) -> None:
        place = f"{self.revision} {self.direction} stopped before statement {n}"
        chain = self.stopped(n)
        go(chain, self.revision, self.direction)
        assert_alike(snapshot(chain), self.after, place)
        self.databases.drop(chain.url)

    def is_taken_back(self, n: int) -> None:
        """By an abandon that is stopped itself; then the step runs to its end."""
        place = f"{self.revision} {self.direction} stopped before statement {n}, abandoned"
        chain = self.stopped(n)
        narrow = chain.portrait().find(chain.plan.child)
        dropped = narrow is not None and "seats" not in narrow.column_names
        Statements(chain.url, 5 * n % 90 + 3, ended=n % 4 < 2).run(
            lambda engine: chain.runner(engine=engine).abandon()
        )
        chain.runner().abandon()
        assert not is_open(chain), place
        if self.direction is Direction.UP:
            assert not self.stands_up(chain), place
        elif not self.stands_up(chain):
            # The abandon was stopped on its way up again, which was taken back too.
            go(chain, self.revision, Direction.UP)
        found = snapshot(chain)
        assert facts(chain, found, self.revision) == self.known, place
        before = self.before.portrait
        if (self.revision, self.direction) == ("0010", Direction.UP) and dropped:
            # Unique keys wait for the next step down, which fills the columns.
            before = self.taken_down()
        if (self.revision, self.direction) == ("0009", Direction.DOWN) and returned(found):
            # They stay, as they do on the first way up.
            before = self.taken_down()
        assert differences(before, found.portrait) == (), place
        go(chain, self.revision, self.direction)
        found = snapshot(chain)
        assert facts(chain, found, self.revision) == self.reached, f"{place} and run again"
        assert differences(self.after.portrait, found.portrait) == (), f"{place} and run again"
        assert found.own == self.after.own, f"{place} and run again"
        self.databases.drop(chain.url)

    def taken_down(self) -> Portrait:
        """The tables after the step and its undisturbed way back."""
        chain = self.start()
        go(chain, self.revision, self.direction)
        go(chain, self.revision, self.direction.other)
        found = chain.portrait()
        self.databases.drop(chain.url)
        return found

    def stands_up(self, chain: Chain) -> bool:
        ledger = chain.runner().ledger
        with chain.runner().sessions("a test").open() as pg:
            steps = ledger.steps(pg) if ledger.exists(pg) else {}
        known = steps.get(step_of(self.revision))
        return known is not None and known.direction is Direction.UP


def returned(found: Snapshot) -> bool:
    """Whether the unique keys over deprecated columns are back, which 0010 took away."""
    return any(
        c.name in ("once_narrow", "once_wide") and c.kind == "u"
        for table in found.portrait.tables
        for c in table.constraints
    )


@pytest.mark.parametrize(("revision", "direction"), EVERYDAY)
def test_a_step_that_is_stopped_goes_on_or_is_taken_back(
    revision: str, direction: Direction, databases: Databases
) -> None:
    stops = Stops(databases, revision, direction)
    chosen = stops.sent.matter()[5::FEW]
    assert chosen
    for turn, n in enumerate(chosen):
        (stops.goes_on, stops.is_taken_back)[turn % 2](n)


@pytest.mark.parametrize("revision", ["0003", "0008", "0011"])
def test_an_abandon_that_stopped_before_it_undid_anything_is_repeated(
    revision: str, databases: Databases
) -> None:
    """The half of an upgrade that was done is still there: the step never was up."""
    stops = Stops(databases, revision, Direction.UP)
    chain = stops.stopped(stops.sent.matter()[-2])
    sent: list[str] = []

    def stop(text: str) -> None:
        # The turn and its record are one transaction.
        if any("SET direction = 'down'" in earlier for earlier in sent[:-1]):
            raise Stopped(text)
        sent.append(text)

    with pytest.raises(Stopped):
        chain.runner(engine=watched(chain.url, stop)).abandon()
    chain.runner().abandon()
    assert not stops.stands_up(chain)
    assert facts(chain, snapshot(chain), revision) == stops.known
    go(chain, revision, Direction.UP)
    assert_alike(snapshot(chain), stops.after, revision)


@pytest.mark.slow
@pytest.mark.parametrize(("revision", "direction"), WAYS)
def test_a_step_stopped_around_any_of_its_commits_goes_on_or_is_taken_back(
    revision: str, direction: Direction, databases: Databases
) -> None:
    stops = Stops(databases, revision, direction)
    for turn, n in enumerate(stops.sent.matter()):
        (stops.is_taken_back, stops.goes_on)[turn % 2](n)


@pytest.mark.parametrize(
    ("revision", "direction"), [("0006", Direction.UP), ("0006", Direction.DOWN)]
)
def test_a_split_in_place_that_is_stopped_goes_on_or_is_taken_back(
    revision: str, direction: Direction, databases: Databases
) -> None:
    """The link is added and filled by the first step, and its downgrade drops it."""
    stops = Stops(databases, revision, direction, IN_PLACE)
    chosen = stops.sent.matter()[3::FEW]
    assert chosen
    for turn, n in enumerate(chosen):
        (stops.goes_on, stops.is_taken_back)[turn % 2](n)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("revision", "direction"),
    [(revision, direction) for direction in Direction for revision in IN_PLACE.revisions],
)
def test_a_split_in_place_stopped_around_any_of_its_commits_goes_on_or_is_taken_back(
    revision: str, direction: Direction, databases: Databases
) -> None:
    stops = Stops(databases, revision, direction, IN_PLACE)
    for turn, n in enumerate(stops.sent.matter()):
        (stops.is_taken_back, stops.goes_on)[turn % 2](n)


@pytest.mark.campaign
@pytest.mark.parametrize(("revision", "direction"), WAYS)
def test_a_step_stopped_before_any_of_its_statements_goes_on_and_is_taken_back(
    revision: str, direction: Direction, databases: Databases
) -> None:
    stops = Stops(databases, revision, direction)
    for n in range(1, stops.sent.count + 1):
        stops.goes_on(n)
        stops.is_taken_back(n)
