"""Server: what the server and the connected role allow, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """An event trigger that fires: it may refuse or rewrite what a step does."""

    name: str
    event: str
    enabled: str
    tags: tuple[str, ...] = ()
    """The commands it is restricted to; empty for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Facts beyond the tables that decide whether a plan can be carried out."""

    version: int = 150000
    """server_version_num."""
    user: str = ""
    superuser: bool = False
    bypass_row_security: tuple[str, ...] = ()
    """The roles from which row security hides nothing: superusers, and those with BYPASSRLS."""
    acts_as: tuple[str, ...] = ()
    """The roles the user may SET ROLE to, its own included."""
    creates_in_schema: bool = True
    """CREATE on the schema: new tables and every renaming need it."""
    creates_in_database: bool = True
    """CREATE on the database: the ledger has a schema of its own."""
    event_triggers: tuple[EventTrigger, ...] = ()
    relations: tuple[str, ...] = ()
    """Names of the schema that a new table, index, sequence or row type cannot have."""
