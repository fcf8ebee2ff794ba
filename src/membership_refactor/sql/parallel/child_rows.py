"""Child rows: the trigger functions that carry an INSERT or UPDATE of a child to its parent."""

from __future__ import annotations

from membership_refactor.sql.changed_columns import VARIABLE
from membership_refactor.sql.parallel.changed_values import (
    of_record,
    to_children,
    to_parent,
    unlike,
)
from membership_refactor.sql.parallel.claim import claim
from membership_refactor.sql.parallel.key_change import change_key
from membership_refactor.sql.parallel.lost_values import move_entry, record_own_values
from membership_refactor.sql.parallel.refuse_differences import (
    refuse_contradiction,
    refuse_resistance,
)
from membership_refactor.sql.parallel.sides import Sides, set_to
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import trigger_function
from membership_refactor.sql.types import differs

_DECLARE = f"  saved record; parent record; claimed pg_catalog.uuid; made boolean; {VARIABLE}"


def _changed_of(sides: Sides, row: str) -> str:
    return f"{row}.{ident(sides.plan.changed)}" if sides.plan.changed else ""


def _claim_for_row(sides: Sides) -> str:
    """Reads the parent of the row's key into ``parent``; creates it with the row's values."""
    values = [f"saved.{ident(c.name)}" for c in sides.values]
    call = claim(sides, sides.row_of("saved", sides.key), values, _changed_of(sides, "saved"))
    return f"{call}\n    {sides.reread_parent('claimed')}"


def _settle_row(sides: Sides) -> str:
    """The row's values replace those of its ``parent``, and the row's link is set to it.

    A parent that was just created for the row differs from it only if a BEFORE trigger changed it;
    then the parent's values replace the row's.
    """
    return f"""IF made AND {differs(sides.deprecated, "saved", "parent")} THEN
    {_overwrite_row(sides)}
  ELSIF {differs(sides.deprecated, "saved", "parent")} THEN
    {_overwrite_parent(sides)}
  END IF;
  IF saved.{sides.link} IS DISTINCT FROM parent.{sides.uuid} THEN
    UPDATE {sides.names.child} AS c SET {sides.link} = parent.{sides.uuid}
    WHERE {_this(sides)};
  END IF;
  IF {differs(sides.deprecated, "saved", "parent")} THEN
    {refuse_resistance(sides, _found(sides), differs(sides.deprecated, "c", "p"))}
  END IF;
  RETURN NULL;"""


def _this(sides: Sides) -> str:
    return sides.id.same("c", "saved")


def _found(sides: Sides) -> str:
    """A condition: the row, also where a BEFORE trigger kept it from getting its parent's id."""
    if not _ids_of_parent(sides):
        return _this(sides)
    pairs = zip(sides.id.parts("c"), sides.id.parts("NEW"), sides.id.parts("saved"), strict=True)
    return " AND ".join(f"{part} IN ({before}, {now})" for part, before, now in pairs)


def _ids_of_parent(sides: Sides) -> list[str]:
    """The id columns that the row has from its parent."""
    return [name for name in sides.id.columns if name in sides.plan.key]


def _overwrite_row(sides: Sides) -> str:
    set_list = set_to(sides.plan.deprecated, "parent")
    moved = (f"saved.{ident(c)} := parent.{ident(c)};" for c in _ids_of_parent(sides))
    return "\n    ".join([_set_row(sides, set_list), *moved])


def _set_row(sides: Sides, set_list: str) -> str:
    return to_children(
        sides,
        f"UPDATE {sides.names.child} AS c SET {set_list}\n    WHERE {_this(sides)};",
        _this(sides),
        values=of_record(sides.plan.deprecated, "parent"),
        changes=unlike((sides.child.column(c) for c in sides.plan.deprecated), "c", "parent"),
    )


def _overwrite_parent(sides: Sides) -> str:
    this = f"p.{sides.uuid} = parent.{sides.uuid}"
    return to_parent(
        sides,
        f"UPDATE {sides.names.parent} AS p SET {set_to(sides.shared, 'saved')}\n    WHERE {this};",
        this,
        values=of_record(sides.shared, "saved"),
        changes=unlike((sides.child.column(c) for c in sides.shared), "p", "saved"),
    )


def inserted_function(sides: Sides) -> tuple[Statement, ...]:
    """AFTER INSERT. An old-style row finds or creates its parent and overwrites its values."""
    own_link = f"saved.{sides.link}, {sides.row_of('saved', sides.key)}"
    body = f"""  {guard(sides.names, sides.key_share())}
  {sides.reread_child()}
  {sides.touch(f"saved.{sides.link}")}
  IF parent.{sides.uuid} IS NULL OR {differs(sides.key, "saved", "parent")} THEN
    IF saved.{sides.link} IS NULL OR {sides.names.own("is_provisional")}({own_link}) THEN
      {_claim_for_row(sides)}
    ELSIF parent.{sides.uuid} IS NULL THEN
      RETURN NULL;  -- the foreign key will refuse it
    ELSE
      {refuse_contradiction(sides, "saved", "given")}
      {_overwrite_row(sides)}
      RETURN NULL;
    END IF;
  END IF;
  {_settle_row(sides)}"""
    return trigger_function(
        sides.names.own("child_inserted"),
        body,
        declare=_DECLARE,
        whole=sides.tables,
        path=sides.names.search_path,
    )


def updated_function(sides: Sides) -> tuple[Statement, ...]:
    """AFTER UPDATE of id, link or a deprecated column.

    The event tells which columns were changed; the current row tells their values. Only columns
    that this event changed are carried: others may have an event of their own later.
    """
    names = sides.names
    moved_id = sides.id.unlike("NEW", "OLD")
    key_written = f"({differs(sides.key, 'NEW', 'OLD')} OR {moved_id})"
    link_written = f"NEW.{sides.link} IS DISTINCT FROM OLD.{sides.link}"
    still = [
        f"(({link_written} OR {sides.wrote(c)}) AND {differs((c,), 'c', 'p')})"
        for c in sides.deprecated
    ]
    body = f"""  {guard(names, sides.key_share())}
  {sides.reread_child()}
  IF {moved_id} THEN
    {move_entry(sides)}
  END IF;
  {sides.touch(f"saved.{sides.link}")}
  IF parent.{sides.uuid} IS NULL THEN
    IF NEW.{sides.link} IS NOT NULL AND NEW.{sides.link} IS DISTINCT FROM OLD.{sides.link} THEN
      RETURN NULL;  -- the foreign key will refuse it
    END IF;
    {_claim_for_row(sides)}
    {_settle_row(sides)}
  END IF;
  IF NOT {differs(sides.deprecated, "saved", "parent")} THEN
    RETURN NULL;
  END IF;
  IF NEW.{sides.link} IS DISTINCT FROM OLD.{sides.link} THEN
    {_reparent(sides)}
  ELSIF {key_written} AND {differs(sides.key, "saved", "parent")} THEN
    {change_key(sides)}
  ELSE
    {_carry_values(sides)}
  END IF;
  {refuse_resistance(sides, _found(sides), " OR ".join(still))}
  RETURN NULL;"""
    declare = (
        f"{_DECLARE}\n  former record; target record; result record; whole boolean; born boolean;"
    )
    return trigger_function(
        names.own("child_updated"),
        body,
        declare=declare,
        whole=sides.tables,
        path=names.search_path,
    )


def _reparent(sides: Sides) -> str:
    """The new parent's values replace the row's; the ledger first records values of its own."""
    lines = [
        refuse_contradiction(sides, "saved", "wrote"),
        sides.reread_parent(f"OLD.{sides.link}", "former"),
    ]
    if sides.values:
        losing = {
            c.name: f"{differs((c,), 'c', 'former')} AND {differs((c,), 'c', 'parent')}"
            for c in sides.values
        }
        rows = f"FROM {sides.names.child} AS c WHERE {_this(sides)}"
        lines.append(
            f"IF former.{sides.uuid} IS NOT NULL AND {differs(sides.values, 'saved', 'former')} "
            f"THEN\n      {record_own_values(sides, rows, 'parent', losing, raised=False)};\n"
            "    END IF;"
        )
    return "\n    ".join([*lines, _overwrite_row(sides)])


def _carry_values(sides: Sides) -> str:
    """Writes the columns that this event changed to the parent, whose trigger carries them on."""
    if not sides.values:
        return "NULL;"
    news = [f"({sides.wrote(c)} AND {differs((c,), 'saved', 'p')})" for c in sides.values]
    sets = [
        f"{ident(c.name)} = CASE WHEN {sides.wrote(c)} THEN saved.{ident(c.name)} "
        f"ELSE p.{ident(c.name)} END"
        for c in sides.values
    ]
    sets += filter(None, [sides.carried("saved", "p")])
    # For a row with a new id every column counts as changed. So a value that the parent never had
    # may replace the siblings' values, and those are recorded.
    losing = {c.name: differs((c,), "c", "saved") for c in sides.values}
    rows = (
        f"FROM {sides.names.child} AS c WHERE c.{sides.link} = parent.{sides.uuid} "
        f"AND {sides.id.unlike('c', 'saved')}"
    )
    apart = f"p.{sides.uuid} = parent.{sides.uuid} AND ({' OR '.join(news)})"
    written = to_parent(
        sides,
        f"UPDATE {sides.names.parent} AS p SET {', '.join(sets)}\n    WHERE {apart};",
        apart,
        values=of_record(sides.plan.parent_values, "saved"),
        changes=dict(zip(sides.plan.parent_values, news, strict=True)),
        time="saved",
    )
    return f"""IF {sides.id.unlike("NEW", "OLD")} THEN
      {record_own_values(sides, rows, "saved", losing)};
    END IF;
    {written}"""
