"""0005 and its downgrade: moving name, id sequence, keys, triggers, publications and dependents."""

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
    recreate_retired,
    retired_table,
)

__all__ = [
    "hand_back",
    "hand_back_locks",
    "hand_over",
    "hand_over_locks",
    "handover_obstacles",
    "recreate_retired",
    "retired_table",
    "validate_after_hand_back",
    "validate_after_hand_over",
]
