"""The guard: what has to be true before a step begins, whatever was done since the last one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from membership_refactor.checks.check import Check, Reach
from membership_refactor.checks.owner_rights import owner_may_write
from membership_refactor.checks.trigger_order import own_triggers_come_last
from membership_refactor.sql.ledger.own_objects import (
    broken_own_objects,
    foreign_fence,
    idle_own_triggers,
)
from membership_refactor.sql.ledger.own_search_path import functions_without_path
from membership_refactor.sql.ledger.standing_triggers import idle_or_gone
from membership_refactor.sql.ledger.step_rows import StepRows
from membership_refactor.sql.members.known_members import changed_members
from membership_refactor.sql.names import OWN_PREFIXES, Names
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.row_security import filtered_tables

MEND = "Run: membership-refactor repair --apply   then run the same command again."


def every_row_is_seen(names: Names) -> Check:
    """Asked as the owner of the tables: FORCE ROW LEVEL SECURITY may have been set meanwhile."""
    return Check(
        name="every row is seen",
        sentence="row security hides no row of these tables from their owner",
        query=filtered_tables(names),
        reach=Reach.CATALOG,
        hint="Run the statement of each table, or give the owner BYPASSRLS, "
        "then run the same command again.",
    )


def own_objects_stand(names: Names) -> Check:
    """DISABLE TRIGGER, a restore or a DROP may have touched our triggers and functions."""
    return Check(
        name="own triggers and functions stand",
        sentence="the triggers and functions of this tool are as the last step left them",
        query=broken_own_objects(names),
        reach=Reach.CATALOG,
        hint=f"Writes may have slipped past. {MEND}",
    )


def own_triggers_fire(names: Names, rows: StepRows | None = None) -> Check:
    """Asked while a step is under way, when other triggers stand than after the last one. With the
    step's ``rows`` it also finds those that were dropped since its newest action."""
    return Check(
        name="own triggers fire",
        sentence="the triggers of this tool fire for every write",
        query=idle_or_gone(names, rows) if rows else idle_own_triggers(names),
        reach=Reach.CATALOG,
        hint="Somebody disabled, enabled or dropped them while the step was under way, and writes "
        "may have slipped past. Take the step back: membership-refactor abandon   then run "
        "the same command again.",
    )


def fence_is_of_this_cluster(names: Names) -> Check:
    """The fence of a restored database refuses every REPEATABLE READ writer for ever."""
    return Check(
        name="fence is of this cluster",
        sentence="the fence against old snapshots knows the transaction ids of this cluster",
        query=foreign_fence(names),
        reach=Reach.CATALOG,
        hint=f"The database was restored from another cluster. {MEND}",
    )


def no_subscription_writes(names: Names, *, captured: bool = False) -> Check:
    """An apply worker fires row triggers only, so captures by statement never see what it writes.

    ``captured`` asks only of tables that such a capture watches now.
    """
    named = ", ".join(map(literal, names.plan.written_tables))
    watched = " OR ".join(
        f"pg_catalog.starts_with(t.tgname::pg_catalog.text, {literal(p)})" for p in OWN_PREFIXES
    )
    condition = (
        "\nAND EXISTS (SELECT FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = c.oid"
        f" AND t.tgtype & 1 = 0 AND ({watched}))"
        if captured
        else ""
    )
    return Check(
        name="no subscription writes",
        sentence="no subscription writes to these tables, which capture could not follow",
        query=(
            "SELECT pg_catalog.format('%s: ALTER SUBSCRIPTION %I DISABLE', c.relname, s.subname)\n"
            "FROM pg_catalog.pg_subscription_rel AS r\n"
            "JOIN pg_catalog.pg_subscription AS s ON s.oid = r.srsubid AND s.subenabled\n"
            "JOIN pg_catalog.pg_class AS c ON c.oid = r.srrelid\n"
            "WHERE c.relnamespace = "
            f"pg_catalog.to_regnamespace({literal(ident(names.schema))})\n"
            f"AND c.relname IN ({named}){condition}"
        ),
        reach=Reach.CATALOG,
        hint="Run the statement of each table, or take the table out of the publication. "
        "Then run: membership-refactor verify",
    )


def functions_find_names(names: Names, obstacles: Sequence[str] = ()) -> tuple[Check, ...]:
    """Asked where functions of the application need schemas (``names.path``). ``obstacles`` says
    why they cannot have them; a step would refuse the same."""
    found = [f"SELECT {literal(text)}" for text in obstacles]
    if names.path and not obstacles:
        found.append(functions_without_path(names))
    return tuple(
        Check(
            name="functions find what they name",
            sentence="functions of the application find their names in whichever table is written",
            query=query,
            reach=Reach.CATALOG,
            hint="Run the statement that is named." if obstacles else MEND,
        )
        for query in ("\nUNION ALL ".join(found),)
        if query
    )


def partitions_are_followed(
    names: Names, lonely: Iterable[str] = (), nets: Iterable[str] = ()
) -> Check:
    """No trigger fires when a partition is attached with rows in it, detached or dropped, and one
    that is made later has none of its own. ``lonely`` and ``nets`` are those of
    ``changed_members``."""
    return Check(
        name="partitions are followed",
        sentence="every partition is known, with the triggers of its table and a twin",
        query=changed_members(names, lonely, nets),
        reach=Reach.CATALOG,
        hint=f"Rows that came or left with a partition were not captured. {MEND}",
    )


def surroundings(names: Names) -> tuple[Check, ...]:
    """Return what nobody has made for the tool and what each write through it needs."""
    return (owner_may_write(names), own_triggers_come_last(names))


def before_any_step(names: Names) -> tuple[Check, ...]:
    """Return what is asked before each step, by the runner and by a script."""
    return (*surroundings(names), own_objects_stand(names), no_subscription_writes(names))


def guard(names: Names, obstacles: Sequence[str] = ()) -> tuple[Check, ...]:
    """Return all checks of the guard. They read catalog and ledger only, and take about 20 ms."""
    return (
        every_row_is_seen(names),
        own_objects_stand(names),
        fence_is_of_this_cluster(names),
        *functions_find_names(names, obstacles),
        no_subscription_writes(names, captured=True),
        *surroundings(names),
    )
