"""What a revision file says of its step: when to deploy it, what it locks, what undoing costs."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from membership_refactor.planning import TableSplit
from membership_refactor.planning.shapes import Shape

_SHORT = "waited for 50 ms, held 20 ms at most"
_OWN_TRIGGERS = (
    "If your own triggers stand on a table, each batch (about 20 ms) holds SHARE ROW EXCLUSIVE on "
    "it, and all its writers wait."
)

_TEXTS: Mapping[str, tuple[str, str, str, str]] = {
    "copy_table": (
        "Copy {source} to {child}, and keep the copy equal to it",
        "Before the code that reads {child}.",
        "{source} SHARE ROW EXCLUSIVE twice and, with {child}, ACCESS EXCLUSIVE once; each table "
        "that it refers to SHARE ROW EXCLUSIVE once. Each is waited for 50 ms, held 20 ms at most, "
        "and tried again.",
        "Drops the copy. No data is lost, because applications could only write the source.",
    ),
    "dual_write": (
        "Allow writes to {source} and {child}, each carried over in the same transaction",
        "Before the code that writes {child}.",
        f"Both tables SHARE ROW EXCLUSIVE, then {{child}} ACCESS EXCLUSIVE: {_SHORT}.",
        "Closes the copy to writers again. What they wrote is in both tables.",
    ),
    "retire_source": (
        "Retire the old {source}, and give its identity and its references to {child}",
        "After the last reader and writer of {source} has moved to the copy.",
        "Both tables, those that refer to the old one and those that it refers to, ACCESS "
        f"EXCLUSIVE in one short transaction: {_SHORT}.",
        "Brings the old table up to date in batches while writes are captured, then gives it its "
        "name back.",
    ),
    "create_parent": (
        "Create the new, empty {parent}, and record every write for it",
        "When no code means another table by the name {parent} any more.",
        f"{{child}} SHARE ROW EXCLUSIVE: {_SHORT}.",
        "Drops the empty table.",
    ),
    "rebuild_parent": (
        "Fill {parent} with one row for each distinct key",
        "At any time. Applications cannot reach the table yet.",
        "{child} SHARE ROW EXCLUSIVE and ACCESS EXCLUSIVE once each, the tables that it refers to "
        f"SHARE ROW EXCLUSIVE: {_SHORT}.",
        "Empties the table. It can be filled from {child} again.",
    ),
    "link_children": (
        "Link each {child} to its {parent}, and keep both equal",
        "Before the code that writes {parent} and the link.",
        f"Both tables SHARE ROW EXCLUSIVE, then ACCESS EXCLUSIVE four times: {_SHORT}. Batches "
        f"lock the rows of groups that disagree. {_OWN_TRIGGERS}",
        "Restores the values that were replaced, and keeps the uuids in the ledger. Is refused, "
        "with a list, while a {parent} has no {child}.",
    ),
    "stop_parallel_save": (
        "Freeze the deprecated columns of {child}",
        "After the last reader and writer of the deprecated columns has moved to {parent}.",
        "Both tables SHARE ROW EXCLUSIVE, then ACCESS EXCLUSIVE, and once each table that the "
        f"deprecated columns refer to: {_SHORT}.",
        "Refreshes the columns from {parent} in batches while writes are captured, then keeps both "
        f"equal again. {_OWN_TRIGGERS}",
    ),
    "drop_deprecated_columns": (
        "Drop the deprecated columns of {child}",
        "In a release of its own, after the code that stopped using them.",
        "{child} ACCESS EXCLUSIVE once for each index that is dropped and once for the ALTER "
        f"TABLE: {_SHORT}.",
        "Adds the columns, empty, and their indexes concurrently. The downgrade of "
        "{stop_parallel_save} fills them, and brings back what is unique.",
    ),
    "drop_retired_table": (
        "Drop the retired table {retired}",
        "When nobody needs the retired table any more.",
        f"{{retired}} ACCESS EXCLUSIVE: {_SHORT}.",
        "Creates the table, empty. The downgrade of {retire_source} fills it.",
    ),
}
"""By step: the title, and what stands behind Deploy, Locks and Undo."""

_IN_PLACE: Mapping[str, tuple[str, str, str, str]] = {
    "create_parent": (
        "Add the link to {child} and fill it, create the empty {parent}, and record every write "
        "for it",
        "At any time. Applications cannot reach the new table yet.",
        f"{{child}} ACCESS EXCLUSIVE, then SHARE ROW EXCLUSIVE: {_SHORT}. Batches of about 20 ms "
        f"lock the rows whose link they fill. {_OWN_TRIGGERS} VACUUM and the index on the link "
        "take SHARE UPDATE EXCLUSIVE: reads and writes go on, and another ALTER TABLE waits.",
        "Drops the empty table and the link, and keeps the uuids in the ledger.",
    ),
}
"""Where the table itself becomes the child."""


def step_text(plan: TableSplit, step: str, revisions: Mapping[str, str]) -> tuple[str, str]:
    """The title of a step's revision, and the paragraphs below it. ``revisions`` are ids by
    step."""
    special = _IN_PLACE if plan.shape is Shape.IN_PLACE else {}
    names = {
        "source": plan.source,
        "child": plan.child,
        "parent": plan.parent,
        "retired": plan.retired,
        **revisions,
    }
    title, *parts = (text.format_map(names) for text in special.get(step) or _TEXTS[step])
    below = "\n".join(
        textwrap.fill(f"{label}: {text}", 100, subsequent_indent="    ", break_on_hyphens=False)
        for label, text in zip(("Deploy", "Locks", "Undo"), parts, strict=True)
    )
    return title, below
