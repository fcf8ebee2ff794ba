"""Server: the server's version and what the connected role may do, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicationSlot:
    """A logical replication slot of the database: a subscriber or another consumer of changes."""

    name: str
    plugin: str
    active: bool
    kept: int
    """Bytes of WAL that the server keeps for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CitusTable:
    """A table of the schema that Citus keeps in its own catalog."""

    name: str
    kind: str
    """distributed, reference, single shard, or local: one that Citus manages where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citus:
    """What the extension citus has made of the schema."""

    tables: tuple[CitusTable, ...] = ()
    of_schema: bool = False
    """Whether the whole schema is distributed: its new tables go to one worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What decides, besides the tables, whether a plan can be carried out."""

    version: int = 150000
    """server_version_num."""
    user: str = ""
    superuser: bool = False
    bypass_row_security: tuple[str, ...] = ()
    """The roles from which row security hides nothing: superusers, and those with BYPASSRLS."""
    acts_as: tuple[str, ...] = ()
    """The roles the user may SET ROLE to, its own included."""
    creates_in_schema: bool = True
    """CREATE on the schema for the owner of the tables, for new tables and renaming."""
    creates_in_database: bool = True
    """CREATE on the database for the user or the owner, for the schema of the ledger."""
    locks_each: int = 64
    """max_locks_per_transaction."""
    locking_sessions: int = 100
    """For how many the server has room for so many locks, at least."""
    slots: tuple[ReplicationSlot, ...] = ()
    citus: Citus | None = None
    """None where the database has no Citus."""
    relations: tuple[str, ...] = ()
    """Names in the schema that a new table, index, sequence or type cannot have."""

    def grant(self, role: str) -> str:
        """The statement after which the user may SET ROLE to that role, for this version."""
        # From 16 on a member may lack it, and a plain GRANT would leave it so.
        option = " WITH SET TRUE" if self.version >= 160000 else ""
        return f'GRANT "{role}" TO "{self.user}"{option}'
