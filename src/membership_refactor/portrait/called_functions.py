"""Functions of the application that PostgreSQL runs when a table of the plan is written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Names without a schema in a function's text, and the schema in which they are found."""

    schema: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Routine:
    """A function that a trigger, CHECK, generated column, index or domain of the table calls.

    Functions that it calls itself, and those of the tables that it writes, are among them too.
    """

    name: str
    """The quoted, qualified function with its arguments' types."""
    used_by: tuple[str, ...]
    """What calls it, such as ``trigger audit``."""
    body: str = ""
    """Its text; empty if PostgreSQL does not read one at run time (C, SQL-standard bodies)."""
    pinned: bool = False
    """Whether the caller's search_path has no effect on it."""
    needs: tuple[Need, ...] = ()
    """In the order of the search_path."""
    ambiguous: tuple[str, ...] = ()
    """Tables and types that different search_paths of the application find in different schemas."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathSchema:
    """A schema that functions of the application need in their search_path."""

    name: str
    place: int = 0
    """Its place in the search_path."""
    usable: bool = True
    """Whether the table's owner has USAGE."""
    makers: tuple[str, ...] = ()
    """Other roles that may create objects in it. Such an object would run as the table's owner."""
