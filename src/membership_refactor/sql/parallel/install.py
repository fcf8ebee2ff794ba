"""Install: the triggers of each stage, and the statements that lead from one stage to the next."""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.child_rows import inserted_function, updated_function
from membership_refactor.sql.parallel.claim import claim_function, provisional_functions
from membership_refactor.sql.parallel.emptied_parents import (
    collect_function,
    left_functions,
    list_emptied,
    truncated_function,
)
from membership_refactor.sql.parallel.frozen_columns import (
    filled_function,
    frozen_function,
    refilling_function,
)
from membership_refactor.sql.parallel.moving_rows import moving_function, moving_triggers
from membership_refactor.sql.parallel.parent_rows import propagate_function, refill_function
from membership_refactor.sql.parallel.provisional_link import provisional_trigger_function
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.parents.referring_rows import referred_function
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import (
    disable_triggers,
    install_triggers,
    remove_triggers,
)
from membership_refactor.sql.triggers import OwnTrigger, after, before
from membership_refactor.sql.types import differs

TRIGGER_FUNCTIONS = (
    "child_before", "child_inserted", "child_updated", "child_left_update", "child_left_delete",
    "child_truncated", "child_filled", "parent_updated", "parent_refill", "frozen", "refilling",
)  # fmt: skip


def _leaving(sides: Sides, prefix: str) -> tuple[OwnTrigger, ...]:
    own, child, members = sides.names.own, sides.names.child, sides.names.partitioned
    return (
        OwnTrigger(
            after(f"{prefix}_left_update"),
            "AFTER UPDATE",
            child,
            own("child_left_update"),
            referencing="OLD TABLE AS o NEW TABLE AS n",
            members=members,
        ),
        OwnTrigger(
            after(f"{prefix}_left_delete"),
            "AFTER DELETE",
            child,
            own("child_left_delete"),
            referencing="OLD TABLE AS o",
            members=members,
        ),
        OwnTrigger(
            after(f"{prefix}_truncate"),
            "AFTER TRUNCATE",
            child,
            own("child_truncated"),
            members=members,
        ),
    )


def two_way_triggers(names: Names, child: Table) -> tuple[OwnTrigger, ...]:
    """The triggers of parallel saving both ways."""
    sides = Sides(names, child)
    watched = (*names.id.among_columns(child.columns), *sides.deprecated)
    relevant = f"OLD.{sides.link} IS DISTINCT FROM NEW.{sides.link} OR " + differs(
        watched, "OLD", "NEW"
    )
    return (
        OwnTrigger(
            before("parallel"),
            "BEFORE INSERT",
            names.child,
            names.own("child_before"),
            each="ROW",
            cloned=names.partitioned,
        ),
        OwnTrigger(
            after("parallel_insert"),
            "AFTER INSERT",
            names.child,
            names.own("child_inserted"),
            each="ROW",
            cloned=names.partitioned,
        ),
        OwnTrigger(
            after("parallel_update"),
            "AFTER UPDATE",
            names.child,
            names.own("child_updated"),
            when=relevant,
            each="ROW",
            cloned=names.partitioned,
        ),
        *_leaving(sides, "parallel"),
        *moving_triggers(names, child),
        OwnTrigger(
            after("parallel_parent"),
            "AFTER UPDATE",
            names.parent,
            names.own("parent_updated"),
            when=differs(sides.deprecated, "OLD", "NEW"),
            each="ROW",
        ),
    )


def freeze_triggers(names: Names, child: Table) -> tuple[OwnTrigger, ...]:
    """The trigger of 0009."""
    return (
        OwnTrigger(
            before("frozen"),
            "BEFORE INSERT OR UPDATE",
            names.child,
            names.own("frozen"),
            each="ROW",
            cloned=names.partitioned,
        ),
    )


def refresh_triggers(names: Names, child: Table) -> tuple[OwnTrigger, ...]:
    """The triggers during the downgrade of 0009: still frozen, filled from the parent."""
    sides = Sides(names, child)
    return (
        OwnTrigger(
            before("refilling"),
            "BEFORE INSERT OR UPDATE",
            names.child,
            names.own("refilling"),
            each="ROW",
            cloned=names.partitioned,
        ),
        OwnTrigger(
            after("refresh_insert"),
            "AFTER INSERT",
            names.child,
            names.own("child_filled"),
            each="ROW",
            cloned=names.partitioned,
        ),
        OwnTrigger(
            after("refresh_update"),
            "AFTER UPDATE",
            names.child,
            names.own("child_filled"),
            when=f"OLD.{sides.link} IS DISTINCT FROM NEW.{sides.link}",
            each="ROW",
            cloned=names.partitioned,
        ),
        *_leaving(sides, "refresh"),
        OwnTrigger(
            after("refresh_parent"),
            "AFTER UPDATE",
            names.parent,
            names.own("parent_refill"),
            when=differs(sides.deprecated, "OLD", "NEW"),
            each="ROW",
        ),
    )


def install(names: Names, child: Table) -> tuple[Statement, ...]:
    """Functions and triggers of parallel saving both ways; run it inside a switch."""
    sides = Sides(names, child)
    return (
        *claim_function(sides),
        *provisional_functions(sides),
        *provisional_trigger_function(sides),
        *inserted_function(sides),
        *updated_function(sides),
        *moving_function(sides),
        *propagate_function(sides),
        *referred_function(names),
        *collect_function(sides),
        *left_functions(sides),
        *truncated_function(sides),
        *install_triggers(two_way_triggers(names, child)),
    )


def remove(names: Names, child: Table) -> tuple[Statement, ...]:
    """Disables the triggers of parallel saving if they exist; run it inside a switch."""
    return disable_triggers(two_way_triggers(names, child))


def freeze(names: Names, child: Table) -> tuple[Statement, ...]:
    """The deprecated columns refuse writes (55000); run it inside a switch, with ``remove``."""
    sides = Sides(names, child)
    return (*frozen_function(sides), *install_triggers(freeze_triggers(names, child)))


def unfreeze(names: Names, child: Table) -> tuple[Statement, ...]:
    """Disables the freeze; run it inside the switch that installs its successor."""
    return disable_triggers(freeze_triggers(names, child))


def install_refresh(names: Names, child: Table) -> tuple[Statement, ...]:
    """From here on every child follows its parent; run it inside a switch, with ``unfreeze``."""
    sides = Sides(names, child)
    return (
        *refilling_function(sides),
        *filled_function(sides),
        *refill_function(sides),
        *collect_function(sides, keep=True),
        *left_functions(sides),
        *truncated_function(sides, keep=True),
        *install_triggers(refresh_triggers(names, child)),
    )


def remove_refresh(names: Names, child: Table) -> tuple[Statement, ...]:
    """Disables the refresh; run it inside the switch back to parallel saving."""
    return disable_triggers(refresh_triggers(names, child))


def emptied_statement(names: Names, child: Table) -> Statement:
    """Lists the parents emptied since the freeze; run it while the refresh is installed."""
    return list_emptied(Sides(names, child))


def drop_triggers(names: Names, child: Table) -> tuple[Statement, ...]:
    """Drops those of these triggers that exist; ACCESS EXCLUSIVE, so never inside a switch."""
    return remove_triggers(all_triggers(names, child))


def all_triggers(names: Names, child: Table) -> tuple[OwnTrigger, ...]:
    """Those of every stage."""
    return (
        *two_way_triggers(names, child),
        *freeze_triggers(names, child),
        *refresh_triggers(names, child),
    )


def drop_functions(names: Names) -> tuple[Statement, ...]:
    """Drops the functions. Drop the triggers first."""
    own = (*TRIGGER_FUNCTIONS, "claim", "provisional", "is_provisional", "collect", "refresh",
           "replace_listed", "restore_own", "fill_uuid_map",
           "silence", "speak", *(("child_moving",) if names.partitioned else ()))  # fmt: skip
    return tuple(Statement(f"DROP FUNCTION IF EXISTS {names.own(name)}", Lock.NONE) for name in own)
