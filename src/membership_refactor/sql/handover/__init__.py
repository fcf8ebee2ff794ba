"""0005 and back: name, identity, keys, triggers, publications and dependents change hands."""

from membership_refactor.sql.handover.dependents import handover_obstacles
from membership_refactor.sql.handover.exchange import (
    hand_back,
    hand_back_locks,
    hand_over,
    hand_over_locks,
    validate_after_hand_back,
    validate_after_hand_over,
)
from membership_refactor.sql.handover.retired import (
    accept_writes,
    recreate_retired,
    refuse_writes,
    retired_differences,
    retired_table,
)

__all__ = [
    "accept_writes",
    "hand_back",
    "hand_back_locks",
    "hand_over",
    "hand_over_locks",
    "handover_obstacles",
    "recreate_retired",
    "refuse_writes",
    "retired_differences",
    "retired_table",
    "validate_after_hand_back",
    "validate_after_hand_over",
]
