"""The partitions of a table, as plain values.

The contract of a partitioned source:

- The copy is partitioned alike: the same key, the same bounds, the same levels. The name of each
  partition is derived from the table's, as those of indexes are. The parent is a plain table.
- A row's id contains every column of the partition key: PostgreSQL makes nothing unique otherwise.
  So a row that moves to another partition has another id, and its UPDATE is an UPDATE of the id.
- Capture is by statement triggers with transition tables, and they hang on every member: on the
  root, on each partition that is partitioned itself, and on each leaf. A statement fires those of
  the relation that it names, and no others. Row triggers hang on the root and PostgreSQL clones
  them. TRUNCATE fires the triggers of every member below the one that it names.
- The statements that hang, disable and drop triggers ask the catalog for the members when they run,
  so a partition that was made meanwhile is among them.
- A changed id is found by the statement trigger of UPDATE: a row that moves fires no row trigger
  of UPDATE. Both transition tables have the same order.
- A MERGE shows a row that moves to no statement trigger. So a row trigger notes each row that is to
  get another id: in the log with both ids; later only its own id, by which the statement trigger
  sees that it is missing, and refuses the statement.
- TRUNCATE of a member empties its twin, the member of the other table with the same bounds. Where
  there is none, rows without an origin are deleted; an old snapshot, which would not see them all,
  has to retry (40001).
- Foreign keys of a partitioned table are added to each leaf NOT VALID and validated there, and then
  to the root, which adopts them. Before PostgreSQL 18 the root takes no key that is NOT VALID.
- A copy partitioned by list or range has a default partition where the source has none: a net for
  the rows of partitions that the source gets later. It goes at retire_source.
- At retire_source the partitions of the archive get its name. They refuse writes.
- A partition that comes or leaves fires no trigger: see ``sql/members/known_members.py``.
- In place nothing is copied: row triggers keep the link, and PostgreSQL clones them to partitions
  that come later.
- What cannot be done is refused by name before anything is changed: see
  ``sql/ddl/cannot_partition.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from membership_refactor.portrait.table_parts import Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A partition, on any level."""

    schema: str
    name: str
    parent: str
    """What it is a partition of, quoted and qualified."""
    bound: str
    """``FOR VALUES ...`` or ``DEFAULT``."""
    by: str | None = None
    """``HASH (id)`` where it is partitioned itself; None for a leaf."""
    columns: tuple[str, ...] = ()
    """The columns of its own partition key."""
    by_expression: bool = False
    """Whether an expression is in its own partition key."""
    kind: str = "r"
    """pg_class.relkind: r ordinary, p partitioned, f foreign."""
    owner: str = ""
    grants: tuple[Grant, ...] | None = None
    persistence: str = "p"
    options: tuple[str, ...] = ()
    tablespace: str | None = None
    access_method: str = ""
    comment: str | None = None
    detaching: bool = False
    """Whether a DETACH CONCURRENTLY of it was not finished."""
    own: tuple[str, ...] = ()
    """What it has and the root has not, a phrase each: ``index "x"``, ``trigger "y"``."""

    @property
    def strategy(self) -> str:
        """HASH, LIST or RANGE where it is partitioned itself; empty for a leaf."""
        return strategy(self.by)

    @property
    def is_default(self) -> bool:
        return self.bound == "DEFAULT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partitioning:
    """How a table is partitioned, with all members below it: parents first, then by name."""

    by: str
    """pg_get_partkeydef: ``HASH (id)``."""
    columns: tuple[str, ...] = ()
    """The columns of the root's own partition key."""
    by_expression: bool = False
    members: tuple[Member, ...] = ()

    @property
    def strategy(self) -> str:
        """HASH, LIST or RANGE."""
        return strategy(self.by)

    @property
    def key_columns(self) -> tuple[str, ...]:
        """The columns of the partition keys of all levels, each once."""
        listed = (*self.columns, *(c for m in self.members for c in m.columns))
        return tuple(dict.fromkeys(listed))

    @property
    def has_expression(self) -> bool:
        """Whether a partition key of any level has an expression."""
        return self.by_expression or any(m.by_expression for m in self.members)

    @property
    def leaves(self) -> tuple[Member, ...]:
        """The members that hold rows."""
        return tuple(m for m in self.members if m.by is None)

    def of(self, parent: str) -> Iterator[Member]:
        """The members directly below ``parent``, which is quoted and qualified."""
        return (m for m in self.members if m.parent == parent)


def strategy(by: str | None) -> str:
    """The first word of a partition key's text; empty for none."""
    return (by or "").partition(" ")[0]
