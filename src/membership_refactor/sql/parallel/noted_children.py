"""Noted children: the downgrade of 0008 records children's links that are not the computed uuid.

A batch records the existing rows. Until the switch, a trigger records every change. The next
upgrade reads them in ``resolve_kept``.
"""

from __future__ import annotations

from membership_refactor.portrait import Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parallel.sides import Sides, function
from membership_refactor.sql.parents.parent_uuid import computed
from membership_refactor.sql.quoting import columns, ident
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import OwnTrigger, of_child, trigger_function
from membership_refactor.sql.types import differs


def _insert(sides: Sides, values: str, conflict: str) -> str:
    key = columns(sides.plan.key)
    return (
        f'INSERT INTO {sides.names.own("uuid_map")} AS m ("child id", "kept uuid", {key})\n'
        f'  {values}\n  ON CONFLICT ("child id") {conflict}'
    )


def _row(sides: Sides, row: str) -> str:
    return f"{sides.id.word(row)}, {row}.{sides.link}, {sides.row_of(row, sides.key)}"


def note_children_function(sides: Sides) -> tuple[Statement, ...]:
    """``fill_uuid_map(lo, hi)``: records the children in that range of ids.

    FOR SHARE waits for a writer that began before the trigger's fence, and then reads the row
    again. What the trigger has recorded stays.
    """
    apart = f"c.{sides.link} <> {computed(sides.names, 'c')}"
    variable, fill, batch = sides.id.batch(sides.names.child, "c")
    held = (
        f"WITH held AS (\n    SELECT {_row(sides, 'c')} FROM {sides.names.child} AS c\n"
        f"    WHERE {batch} AND {apart} FOR SHARE)\n  "
    )
    body = f"""  {fill}{held}{_insert(sides, "SELECT h.* FROM held AS h", "DO NOTHING")};
  GET DIAGNOSTICS written = ROW_COUNT;
  RETURN written;"""
    return function(
        sides.names.own("fill_uuid_map"),
        f"lo {sides.id_type}, hi {sides.id_type}",
        "bigint",
        body,
        declare=f"  written bigint;{variable}",
        settings=sides.id.settings,
    )


def note_child_functions(names: Names, child: Table) -> tuple[Statement, ...]:
    """The row function of ``note_child_triggers``: records the child's current row.

    It reads the row again, so neither the order of triggers nor a later event of the same row
    matters.
    """
    sides = Sides(names, child)
    noted = names.own("uuid_map")
    kept, key, id = ident("kept uuid"), names.plan.key, sides.id
    read = [n for n in id.columns if n not in key]
    again = (
        f"DO UPDATE SET ({kept}, {columns(key)}) = "
        f"ROW (excluded.{kept}, {columns(key, 'excluded.')})"
    )
    body = f"""  {guard(names)}
  IF TG_OP <> 'INSERT' THEN
    -- Put, then delete: a note that a batch made after this transaction's snapshot cannot be seen,
    -- and so not be deleted; putting it again answers 40001.
    IF OLD.{sides.link} <> {computed(names, "OLD")} THEN
      {_insert(sides, f"VALUES ({_row(sides, 'OLD')})", again)};
    END IF;
    DELETE FROM {noted} AS m WHERE m."child id" = {id.word("OLD")};
  END IF;
  IF TG_OP <> 'DELETE' THEN
    SELECT {columns((*read, names.plan.link, *key), "c.")} INTO saved
    FROM {names.child} AS c WHERE {id.same("c", "NEW")};
    IF FOUND AND saved.{sides.link} <> {computed(names, "saved")} THEN
      {_insert(sides, f"VALUES ({_row(sides, 'saved')})", again)};
    END IF;
  END IF;
  RETURN NULL;"""
    return trigger_function(
        names.own("note_child"), body, declare="  saved record;", whole=(names.child,)
    )


def note_child_triggers(names: Names, child: Table) -> tuple[OwnTrigger, ...]:
    """The child's triggers from before the batch that records until the switch."""
    sides = Sides(names, child)
    watched = (
        *names.id.among_columns(child.columns), child.column(names.plan.link), *sides.key
    )  # fmt: skip
    changed = differs(watched, "OLD", "NEW")
    return (
        of_child(names, "AFTER INSERT OR DELETE", "note_child"),
        of_child(names, "AFTER UPDATE", "note_child_update", "note_child", when=changed),
    )
