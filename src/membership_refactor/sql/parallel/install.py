"""Install: the triggers of each stage, and the statements that lead from one stage to the next."""

from __future__ import annotations

from collections.abc import Iterable

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
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.trigger_statements import (
    disable_triggers,
    install_triggers,
    remove_triggers,
)
from membership_refactor.sql.triggers import OwnTrigger, drop_own, of_child, of_parent
from membership_refactor.sql.types import differs

TRIGGER_FUNCTIONS = (
    "child_before", "child_inserted", "child_updated", "child_left_update", "child_left_delete",
    "child_truncated", "child_filled", "parent_updated", "parent_refill", "frozen", "refilling",
)  # fmt: skip


def _leaving(names: Names, prefix: str) -> tuple[OwnTrigger, ...]:
    """The statement triggers by which a parent goes with its last child."""
    return tuple(
        of_child(
            names,
            event,
            f"{prefix}_{purpose}",
            function,
            each="STATEMENT",
            referencing=referencing,
        )
        for event, purpose, function, referencing in (
            ("AFTER UPDATE", "left_update", "child_left_update", "OLD TABLE AS o NEW TABLE AS n"),
            ("AFTER DELETE", "left_delete", "child_left_delete", "OLD TABLE AS o"),
            ("AFTER TRUNCATE", "truncate", "child_truncated", ""),
        )
    )


def two_way_triggers(names: Names, child: Table) -> tuple[OwnTrigger, ...]:
    """The triggers of parallel saving both ways."""
    sides = Sides(names, child)
    watched = (*names.id.among_columns(child.columns), *sides.deprecated)
    relevant = f"{_new_link(sides)} OR {differs(watched, 'OLD', 'NEW')}"
    changed = differs(sides.deprecated, "OLD", "NEW")
    return (
        of_child(names, "BEFORE INSERT", "parallel", "child_before"),
        of_child(names, "AFTER INSERT", "parallel_insert", "child_inserted"),
        of_child(names, "AFTER UPDATE", "parallel_update", "child_updated", when=relevant),
        *_leaving(names, "parallel"),
        *moving_triggers(names, child),
        of_parent(names, "AFTER UPDATE", "parallel_parent", "parent_updated", when=changed),
    )


def freeze_triggers(names: Names, child: Table) -> tuple[OwnTrigger, ...]:
    """The trigger of 0009."""
    return (of_child(names, "BEFORE INSERT OR UPDATE", "frozen"),)


def refresh_triggers(names: Names, child: Table) -> tuple[OwnTrigger, ...]:
    """The triggers during the downgrade of 0009: still frozen, filled from the parent."""
    sides = Sides(names, child)
    linked, changed = _new_link(sides), differs(sides.deprecated, "OLD", "NEW")
    return (
        of_child(names, "BEFORE INSERT OR UPDATE", "refilling"),
        of_child(names, "AFTER INSERT", "refresh_insert", "child_filled"),
        of_child(names, "AFTER UPDATE", "refresh_update", "child_filled", when=linked),
        *_leaving(names, "refresh"),
        of_parent(names, "AFTER UPDATE", "refresh_parent", "parent_refill", when=changed),
    )


def _new_link(sides: Sides) -> str:
    return f"OLD.{sides.link} IS DISTINCT FROM NEW.{sides.link}"


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


def frozen_still(names: Names, child: Table, columns: Iterable[str]) -> tuple[Statement, ...]:
    """Only these refuse writes from here on: the others are not there."""
    return frozen_function(Sides(names, child), columns)


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


def drop_own_functions(names: Names) -> tuple[Statement, ...]:
    """Drops the functions. Drop the triggers first."""
    own = (*TRIGGER_FUNCTIONS, "claim", "provisional", "is_provisional", "collect", "refresh",
           "replace_listed", "restore_own", "fill_uuid_map",
           "silence", "speak", *(("child_moving",) if names.partitioned else ()))  # fmt: skip
    return drop_own(names, *own)
