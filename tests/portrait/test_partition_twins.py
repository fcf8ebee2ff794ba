"""Which partitions have twins: compared with a model that knows rows, not bounds.

The model holds the rows of a partitioned table by partition, and what PostgreSQL tells nobody:
which writes fired a trigger. Whatever is done to the leader, following it makes both sides equal,
and a difference is never silent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from membership_refactor.portrait.partition_twins import twins
from membership_refactor.portrait.partitions import Member, Partitioning

BY = "RANGE (day)"


def member(name: str, bound: str, *, parent: str = "public.a", by: str | None = None) -> Member:
    return Member(schema="public", name=name, parent=parent, bound=bound, by=by)


def table(*members: Member) -> Partitioning:
    return Partitioning(by=BY, members=members)


def names(members: list[Member]) -> list[str]:
    return [m.name for m in members]


def test_twins_have_equal_bounds_whatever_they_are_called() -> None:
    found = twins(
        table(member("a_1", "FROM (1) TO (2)"), member("a_2", "FROM (2) TO (3)")),
        table(
            member("x", "FROM (2) TO (3)", parent='"public"."b"'),
            member("y", "FROM (1) TO (2)", parent='"public"."b"'),
        ),
    )
    assert [(m.name, t.name) for m, t in found.pairs] == [("a_1", "y"), ("a_2", "x")]
    assert not found.apart and not found.nets


def test_a_default_that_only_the_follower_has_is_a_net() -> None:
    found = twins(table(), table(member("b_rest", "DEFAULT", parent="public.b")))
    assert names(found.nets) == ["b_rest"] and not found.apart


def test_a_net_becomes_the_twin_of_a_default_that_the_leader_got() -> None:
    found = twins(
        table(member("a_rest", "DEFAULT")), table(member("b_rest", "DEFAULT", parent="public.b"))
    )
    assert not found.nets and not found.apart and len(found.pairs) == 1


def test_a_default_of_the_leader_without_a_twin_is_missing() -> None:
    found = twins(table(member("a_rest", "DEFAULT")), table())
    assert names(found.missing) == ["a_rest"]


@pytest.mark.parametrize("parent", ["public.a_1", '"public"."a_1"', 'public."a_1"'])
def test_partitions_of_partitions_come_after_their_parents(parent: str) -> None:
    tree = table(
        member("a_1", "FROM (1) TO (2)", by="LIST (kind)"),
        member("a_1_x", "IN ('x')", parent=parent),
        member("a_1_rest", "DEFAULT", parent=parent),
    )
    assert names(twins(tree, table()).missing) == ["a_1", "a_1_x", "a_1_rest"]
    # The default below a partition that left goes with it, and is no net.
    assert names(twins(table(), tree).surplus) == ["a_1"] and not twins(table(), tree).nets


def test_a_net_below_a_partition_is_one_too() -> None:
    ours = table(
        member("a_1", "FROM (1) TO (2)", by="LIST (kind)"),
        member("a_1_x", "IN ('x')", parent="public.a_1"),
    )
    theirs = table(
        member("b_1", "FROM (1) TO (2)", parent="public.b", by="LIST (kind)"),
        member("b_1_rest", "DEFAULT", parent="public.b_1"),
    )
    found = twins(ours, theirs)
    assert names(found.missing) == ["a_1_x"] and names(found.nets) == ["b_1_rest"]


def test_equal_bounds_with_another_way_to_partition_are_no_twins() -> None:
    ours = table(member("a_1", "FROM (1) TO (2)", by="LIST (kind)"))
    theirs = table(member("b_1", "FROM (1) TO (2)", parent="public.b"))
    found = twins(ours, theirs)
    assert names(found.missing) == ["a_1"] and names(found.surplus) == ["b_1"]


def test_a_default_partitioned_otherwise_is_taken_out_and_no_net() -> None:
    ours = table(member("a_rest", "DEFAULT", by="LIST (kind)"))
    theirs = table(member("b_rest", "DEFAULT", parent="public.b"))
    found = twins(ours, theirs)
    assert names(found.missing) == ["a_rest"] and names(found.surplus) == ["b_rest"]
    assert not found.nets


# --- the model ------------------------------------------------------------------------------

DAYS = 8


@dataclass
class Part:
    """A partition: days from ``low`` up to ``high``, or the rest. ``identity`` is its OID."""

    low: int
    high: int
    identity: int
    since: int
    rows: dict[int, int] = field(default_factory=dict)
    """Day to value; a table of one row a day is enough."""

    @property
    def bound(self) -> str:
        return f"FOR VALUES FROM ({self.low}) TO ({self.high})"

    def takes(self, day: int) -> bool:
        return self.low <= day < self.high


@dataclass
class World:
    """A leader, a follower that is fed by triggers, and the ledger."""

    leader: list[Part] = field(default_factory=list)
    follower: list[Part] = field(default_factory=list)
    net: dict[int, int] = field(default_factory=dict)
    detached: list[Part] = field(default_factory=list)
    known: set[tuple[int, int]] = field(default_factory=set)
    clock: count[int] = field(default_factory=lambda: count(1))

    # What is done to the leader.

    def attach(self, part: Part) -> None:
        if any(p.low < part.high and part.low < p.high for p in self.leader):
            return
        part.since = next(self.clock)
        self.leader.append(part)

    def make(self, low: int, high: int, filled: bool) -> None:
        rows = {day: next(self.clock) for day in range(low, high)} if filled else {}
        self.attach(Part(low, high, next(self.clock), 0, rows))

    def detach(self, n: int) -> None:
        if self.leader:
            self.detached.append(self.leader.pop(n % len(self.leader)))

    def drop(self, n: int) -> None:
        if self.leader:
            self.leader.pop(n % len(self.leader))

    def back(self, n: int, day: int) -> None:
        if self.detached:
            part = self.detached.pop(n % len(self.detached))
            if part.takes(day):
                part.rows[day] = next(self.clock)
            self.attach(part)

    def write(self, day: int, through_root: bool) -> None:
        for part in self.leader:
            if part.takes(day):
                part.rows[day] = value = next(self.clock)
                # A statement on a partition fires only its own triggers.
                if through_root or self.is_known(part):
                    self.store(day, value)

    def truncate(self, n: int) -> None:
        if self.leader:
            part = self.leader[n % len(self.leader)]
            part.rows.clear()
            if self.is_known(part):
                for twin in self.follower:
                    if twin.bound == part.bound:
                        twin.rows.clear()

    # What the tool does.

    def is_known(self, part: Part) -> bool:
        return (part.identity, part.since) in self.known

    def store(self, day: int, value: int) -> None:
        twin = next((p for p in self.follower if p.takes(day)), None)
        (self.net if twin is None else twin.rows)[day] = value

    def values(self) -> tuple[Partitioning, Partitioning]:
        ours = [member(f"a_{p.identity}", p.bound) for p in self.leader]
        theirs = [member(f"b_{p.low}_{p.high}", p.bound, parent="public.b") for p in self.follower]
        net = member("b_net", "DEFAULT", parent="public.b")
        return table(*ours), table(*theirs, net)

    def is_silent(self) -> bool:
        """What the guard finds: nothing."""
        standing = {(p.identity, p.since) for p in self.leader}
        return standing == self.known and not twins(*self.values()).apart and not self.net

    def follow(self) -> None:
        found = twins(*self.values())
        assert names(found.nets) == ["b_net"]
        gone = set(names(found.surplus))
        self.follower = [p for p in self.follower if f"b_{p.low}_{p.high}" not in gone]
        for new in found.missing:
            (part,) = [p for p in self.leader if f"a_{p.identity}" == new.name]
            # PostgreSQL refuses partitions that overlap.
            assert not any(p.low < part.high and part.low < p.high for p in self.follower)
            moved = {day: value for day, value in self.net.items() if part.takes(day)}
            self.net = {day: v for day, v in self.net.items() if day not in moved}
            self.follower.append(Part(part.low, part.high, 0, 0, moved))
        for part in self.leader:
            if not self.is_known(part):
                (twin,) = [p for p in self.follower if p.bound == part.bound]
                twin.rows = dict(part.rows)
        everything = {day for part in self.leader for day in part.rows}
        self.net = {day: v for day, v in self.net.items() if day in everything}
        self.known = {(p.identity, p.since) for p in self.leader}

    @property
    def equal(self) -> bool:
        ours = {day: v for p in self.leader for day, v in p.rows.items()}
        theirs = {day: v for p in self.follower for day, v in p.rows.items()} | self.net
        return ours == theirs


day, place = st.integers(0, DAYS - 1), st.integers(0, 5)
OPERATIONS = st.one_of(
    st.tuples(st.just("make"), day, st.integers(1, 3), st.booleans()),
    st.tuples(st.just("detach"), place),
    st.tuples(st.just("drop"), place),
    st.tuples(st.just("back"), place, day),
    st.tuples(st.just("write"), day, st.booleans()),
    st.tuples(st.just("truncate"), place),
    st.tuples(st.just("follow")),
)


@given(st.lists(OPERATIONS, max_size=25))
@settings(max_examples=400, deadline=None)
def test_whatever_happens_to_partitions_a_difference_is_seen_and_followed(
    operations: list[tuple[object, ...]],
) -> None:
    world = World()
    for name, *arguments in operations:
        if name == "make":
            low, length, filled = arguments
            assert isinstance(low, int) and isinstance(length, int)
            world.make(low, min(low + length, DAYS), bool(filled))
        else:
            getattr(world, str(name))(*arguments)
        assert world.equal or not world.is_silent()
    world.follow()
    assert world.equal and world.is_silent()
