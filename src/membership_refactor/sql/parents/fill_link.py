"""The link of a table that is split in place: filled range by range while the table is written."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.application_triggers import (
    FIRED_BY_OTHER_COLUMNS,
    VARIABLE,
    silence_functions,
    silently,
)
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.sides import function
from membership_refactor.sql.parents.parent_uuid import computed
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.statements import Statement

FUNCTIONS = ("fill_link", "silence", "speak")
"""What ``fill_link_functions`` makes; nobody needs it once the link is filled."""


def fill_link_functions(names: Names, child: Table) -> tuple[Statement, ...]:
    """``fill_link(lo, hi)``: gives each row with an id in [lo, hi] that has no link its own, the
    uuid of its key; returns the count.

    Rows that are inserted meanwhile, or get another key or id, have theirs by the triggers of
    ``keep_link``. A batch waits for a writer's row, reads it again, and computes the link from what
    was committed.
    """
    id, link = names.id, ident(names.plan.link)
    id_type = id.type_in(child.columns)
    variable, fill, batch = id.batch(names.child, "c")
    work = f"""UPDATE {names.child} AS c SET {link} = {computed(names, "c", "link")}
  WHERE {batch} AND c.{link} IS NULL;
  GET DIAGNOSTICS written = ROW_COUNT;"""
    return (
        *silence_functions(names, only=FIRED_BY_OTHER_COLUMNS),
        *function(
            names.own("fill_link"),
            f"lo {id_type}, hi {id_type}",
            "bigint",
            f"  {fill}{silently(names, (names.child,), work)}\n  RETURN written;",
            declare=f"  written bigint; {VARIABLE}{variable}",
            path=names.search_path,
            settings=id.settings,
        ),
    )
