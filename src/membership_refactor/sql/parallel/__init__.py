"""Parallel saving between parent and child, the freeze of deprecated columns, and the way back."""

from membership_refactor.sql.parallel.install import (
    drop_functions,
    drop_triggers,
    emptied_statement,
    freeze,
    freeze_triggers,
    install,
    install_refresh,
    refresh_triggers,
    remove,
    remove_refresh,
    two_way_triggers,
    unfreeze,
)
from membership_refactor.sql.parallel.ledger_tables import TABLES, ledger_tables
from membership_refactor.sql.parallel.lost_values import (
    batch_functions,
    choose_restored,
    forget_others,
    list_losers,
    remember_parents,
    settle_noted_function,
)
from membership_refactor.sql.parallel.noted_children import (
    note_child_functions,
    note_child_triggers,
)
from membership_refactor.sql.parallel.refresh import list_newer, refresh_function

__all__ = [
    "TABLES",
    "batch_functions",
    "choose_restored",
    "drop_functions",
    "drop_triggers",
    "emptied_statement",
    "forget_others",
    "freeze",
    "freeze_triggers",
    "install",
    "install_refresh",
    "ledger_tables",
    "list_losers",
    "list_newer",
    "note_child_functions",
    "note_child_triggers",
    "refresh_function",
    "refresh_triggers",
    "remember_parents",
    "remove",
    "remove_refresh",
    "settle_noted_function",
    "two_way_triggers",
    "unfreeze",
]
