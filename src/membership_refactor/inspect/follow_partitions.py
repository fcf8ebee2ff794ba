"""Follow partitions that came or left since the last step: triggers, twins, rows, ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from membership_refactor.errors import CannotCarry
from membership_refactor.execution.runner import Runner
from membership_refactor.execution.sessions import Pg, run, value
from membership_refactor.inspect.repair import repair
from membership_refactor.inspect.under_locks import under_locks
from membership_refactor.inspect.verify import Finding
from membership_refactor.portrait import Member, Table
from membership_refactor.portrait.partition_twins import Twins, twins
from membership_refactor.sql.comparisons.comparison import Comparison
from membership_refactor.sql.ddl.cannot_partition import partition_obstacles
from membership_refactor.sql.ddl.partition_names import nets_below
from membership_refactor.sql.members.known_members import (
    forget_member,
    forget_triggers_of_left,
    hang_on_members,
    know_all_members,
    know_members,
    left_members,
    release_left,
    unfollowed_members,
)
from membership_refactor.sql.members.new_twins import new_twins
from membership_refactor.sql.members.twin_statements import make_twins, take_out
from membership_refactor.sql.own_statements import in_one_message
from membership_refactor.sql.quoting import literal, qualified
from membership_refactor.sql.snapshot_fence import raise_fence
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.partition_sides import partition_sides
from membership_refactor.steps.step import Situation

COMPARED_AT_ONCE = 500
"""Rows of a partition that one statement compares."""


def follow_partitions(runner: Runner, pg: Pg) -> tuple[str, ...]:
    """Let the partitions of the follower be those of the leader, and compare the rows of each that
    is new or lacked a trigger. Return a line for each. It may be interrupted and run again: a
    partition is known only after its rows agree.

    Locks: each such partition SHARE ROW EXCLUSIVE; the follower ACCESS EXCLUSIVE where partitions
    of it are made or go; both tables SHARE ROW EXCLUSIVE where rows are corrected; a table that was
    detached, and the parent that it refers to, ACCESS EXCLUSIVE. Each is waited for 50 ms at a
    time.

    Raises CannotCarry where a new partition is of a kind that cannot be followed.
    """
    s = replace(runner.situation(pg), now=runner.read())
    sides = partition_sides(s)
    if sides is None:
        return ()
    leader, follower = sides
    _refuse_obstacles(s, leader)
    new = [_Unfollowed(*row) for row in run(pg, unfollowed_members(s.names)).fetchall()]
    found = _Follow(runner, pg, s, leader, follower, new)
    return (*found.hang(), *found.shape(), *found.bring(), *found.know())


def _refuse_obstacles(s: Situation, leader: Table) -> None:
    assert leader.partitioning is not None
    reasons = [*partition_obstacles(s.plan, leader, leader.partitioning)]
    before = s.source().partitioning
    known = before.key_columns if before is not None else ()
    if s.plan.parent and (new := [c for c in leader.partitioning.key_columns if c not in known]):
        reasons.append(
            f"has partitions that are partitioned by {', '.join(new)}, by which no partition was "
            "when the plan began, and the triggers do not know rows that move among them. "
            "Detach these partitions"
        )
    if found := tuple(f'table "{leader.name}" {reason}' for reason in reasons):
        raise CannotCarry(
            "its new partitions cannot be followed; nothing has been changed:",
            differences=found,
            hint="Correct these, then run the same command again.",
        )


@dataclass(frozen=True, slots=True)
class _Unfollowed:
    """A partition that the ledger does not know, or that lacks a trigger."""

    table: str
    oid: str
    since: str
    schema: str
    bare: str
    holds_rows: bool
    known: bool

    @property
    def name(self) -> str:
        """Quoted and qualified."""
        return qualified(self.schema, self.bare)


@dataclass(frozen=True, slots=True)
class _Follow:
    """The parts of ``follow_partitions``, in their order. Each yields lines."""

    runner: Runner
    pg: Pg
    s: Situation
    leader: Table
    follower: Table | None
    new: Sequence[_Unfollowed]

    def hang(self) -> Iterator[str]:
        """Hang the triggers first: what is written from here on reaches the other table, by its
        default partition if there is no twin yet."""
        names = self.s.names
        for new in self.new:
            # If this is interrupted afterwards, the next run has to compare the rows all the same.
            forgotten = (forget_member(names, new.oid),) if new.known else ()
            hung = (hang_on_members(names, new.table), raise_fence(names))
            self._briefly(new.name, Lock.SHARE_ROW_EXCLUSIVE, (*forgotten, *hung))
            yield f"triggers were created on partition {new.name}"

    def shape(self) -> Iterator[str]:
        """Take out the partitions whose rows have left, and make those that are new."""
        follower, names = self.follower, self.s.names
        found = self._twins(follower)
        if follower is None or not found.apart:
            return
        # What this tool made is known. What is not is somebody else's table, and is only detached.
        others = {(n.schema, n.bare) for n in self.new if n.table == follower.name and not n.known}
        gone = [(m, (m.schema, m.name) not in others) for m in found.surplus]
        taken = self.runner.server().relations
        pairs = new_twins(self.leader, follower, found, taken)
        made = [twin for _, twin in pairs]
        made += nets_below(made, {*taken, *(twin.name for twin in made)})
        rows = {twin.name: self._condition(member) for member, twin in pairs}
        self._briefly(
            qualified(follower.schema, follower.name),
            Lock.ACCESS_EXCLUSIVE,
            (
                *(text for member, drop in gone for text in take_out(member, drop=drop)),
                *make_twins(follower, made, found.defaults, rows),
                hang_on_members(names, follower.name),
                raise_fence(names),
                know_all_members(names, of=follower.name),
            ),
        )
        for member, drop in gone:
            what = "dropped with its rows" if drop else "detached"
            yield f'partition "{member.name}" of "{follower.name}" was {what}'
        for member, twin in pairs:
            yield f'partition "{twin.name}" of "{follower.name}" was made for "{member.name}"'

    def bring(self) -> Iterator[str]:
        """Compare the rows of each, and correct them from the authority."""
        comparisons, found = self._comparisons(), self._twins(self._read(self.follower))
        if not comparisons:
            return
        beside = {(m.schema, m.name): t for m, t in found.pairs}
        beside |= {(t.schema, t.name): m for m, t in found.pairs}
        for new in self.new:
            if new.holds_rows:
                twin = beside.get((new.schema, new.bare))
                yield self._bring(comparisons, new.name, _tables(new.name, twin))
        for net in found.nets:
            name = qualified(net.schema, net.name)
            if run(self.pg, f"SELECT FROM {name} LIMIT 1").fetchone():
                yield self._bring(comparisons, name, (name,))

    def know(self) -> Iterator[str]:
        """Record those that were followed, and forget those that left."""
        names, handled = self.s.names, [(new.oid, new.since) for new in self.new]
        left = [name for (name,) in run(self.pg, left_members(names)).fetchall()]
        statements = (
            release_left(names),
            forget_triggers_of_left(names),
            know_members(names, handled),
        )
        text = in_one_message(statement.text for statement in statements)

        def work(connection: Pg) -> None:
            run(connection, text)

        under_locks(self.runner, self.pg, (), work)
        yield from (f"partition {name} has left" for name in left)

    def _read(self, table: Table | None) -> Table | None:
        """The table as it is now."""
        return table and self.runner.read().table(table.name)

    def _twins(self, follower: Table | None) -> Twins:
        if follower is None or follower.partitioning is None or self.leader.partitioning is None:
            return Twins()
        return twins(self.leader.partitioning, follower.partitioning)

    def _condition(self, member: Member) -> str:
        table = f"{literal(qualified(member.schema, member.name))}::pg_catalog.regclass"
        return str(value(self.pg, f"SELECT pg_catalog.pg_get_partition_constraintdef({table})"))

    def _comparisons(self) -> list[Comparison]:
        """Those of the rows of the leader, by their ids."""
        at = self.runner.ledger.stands_at(self.pg)
        return [
            comparison
            for comparison in (at.compares(self.s) if at else ())
            if comparison.route == qualified(self.leader.schema, self.leader.name)
            and comparison.key_type == self._id_type
        ]

    @property
    def _id_type(self) -> str:
        return self.s.names.id.type_in(self.leader.columns)

    def _bring(self, comparisons: Iterable[Comparison], name: str, tables: Iterable[str]) -> str:
        compared = mended = 0
        for keys in (keys for table in tables for keys in self._keys(table)):
            compared += len(keys)
            for comparison in comparisons:
                array = f"ARRAY[{', '.join(map(literal, keys))}]::{comparison.key_type}[]"
                rows = run(self.pg, comparison.of_keys(array)).fetchall()
                findings = [Finding(key, what, tuple(columns)) for key, what, columns in rows]
                if findings:
                    mended += len(repair(self.runner, comparison, findings).mended)
        return f"partition {name}: {compared:,} rows compared, {mended:,} corrected"

    def _keys(self, table: str) -> Iterator[list[str]]:
        """The ids of a table, as text, in portions. Rows that come meanwhile are captured."""
        id, after = self.s.names.id, "true"
        while True:
            found = run(
                self.pg,
                f"SELECT {id.text('t')} FROM {table} AS t WHERE {after}\n"
                f"ORDER BY {id.listed('t')} LIMIT {COMPARED_AT_ONCE}",
            ).fetchall()
            if not found:
                return
            keys = [str(key) for (key,) in found]
            yield keys
            after = id.compared("t", ">", f"{literal(keys[-1])}::{self._id_type}")

    def _briefly(self, table: str, lock: Lock, statements: Iterable[Statement]) -> None:
        under_locks(self.runner, self.pg, ((table, lock),), statements, members=True)


def _tables(name: str, twin: Member | None) -> tuple[str, ...]:
    return (name,) if twin is None else (name, qualified(twin.schema, twin.name))
