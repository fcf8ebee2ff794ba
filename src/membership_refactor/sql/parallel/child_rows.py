"""Child rows: what an INSERT or UPDATE of a child does to its parent, its siblings and itself."""

from __future__ import annotations

from membership_refactor.sql.parallel.claim import claim
from membership_refactor.sql.parallel.key_change import move
from membership_refactor.sql.parallel.lost_values import move_entry, note
from membership_refactor.sql.parallel.refuse_contradiction import refuse_contradiction
from membership_refactor.sql.parallel.refuse_resistance import refuse_resistance
from membership_refactor.sql.parallel.sides import Sides, set_to
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import trigger_function
from membership_refactor.sql.types import differs

_DECLARE = "  saved record; parent record; claimed pg_catalog.uuid; made boolean;"


def _changed_of(sides: Sides, row: str) -> str:
    return f"{row}.{ident(sides.plan.changed)}" if sides.plan.changed else ""


def _claim_for_row(sides: Sides) -> str:
    """The parent of the row's key, into ``parent``; created with the row's own values."""
    values = [f"saved.{ident(c.name)}" for c in sides.values]
    call = claim(sides, sides.row_of("saved", sides.key), values, _changed_of(sides, "saved"))
    return f"{call}\n    {sides.reread_parent('claimed')}"


def _settle_row(sides: Sides) -> str:
    """The row's values win over those of its ``parent``, and its link becomes right.

    A parent made for the row differs only by what a BEFORE trigger made of it: that wins.
    """
    return f"""IF made AND {differs(sides.deprecated, "saved", "parent")} THEN
    {_overwrite_row(sides)}
  ELSIF {differs(sides.deprecated, "saved", "parent")} THEN
    UPDATE {sides.names.parent} AS p SET {set_to(sides.shared, "saved")}
    WHERE p.{sides.uuid} = parent.{sides.uuid};
  END IF;
  IF saved.{sides.link} IS DISTINCT FROM parent.{sides.uuid} THEN
    UPDATE {sides.names.copy} AS c SET {sides.link} = parent.{sides.uuid}
    WHERE c.{sides.id} = saved.{sides.id};
  END IF;
  IF {differs(sides.deprecated, "saved", "parent")} THEN
    {refuse_resistance(sides, _this(sides), differs(sides.deprecated, "c", "p"))}
  END IF;
  RETURN NULL;"""


def _this(sides: Sides) -> str:
    return f"c.{sides.id} = saved.{sides.id}"


def _overwrite_row(sides: Sides) -> str:
    return (
        f"UPDATE {sides.names.copy} AS c SET {set_to(sides.plan.deprecated, 'parent')}\n"
        f"    WHERE c.{sides.id} = saved.{sides.id};"
    )


def inserted_function(sides: Sides) -> tuple[Statement, ...]:
    """AFTER INSERT. An old-style row claims its parent; its values win, and siblings follow."""
    own_link = f"saved.{sides.link}, {sides.row_of('saved', sides.key)}"
    body = f"""  {guard(sides.names, sides.key_share())}
  {sides.reread_child()}
  {sides.touch(f"saved.{sides.link}")}
  IF parent.{sides.uuid} IS NULL OR {differs(sides.key, "saved", "parent")} THEN
    IF saved.{sides.link} IS NULL OR {sides.names.own("is_provisional")}({own_link}) THEN
      {_claim_for_row(sides)}
    ELSIF parent.{sides.uuid} IS NULL THEN
      RETURN NULL;  -- the foreign key refuses it next
    ELSE
      {refuse_contradiction(sides, "saved", "given")}
      {_overwrite_row(sides)}
      RETURN NULL;
    END IF;
  END IF;
  {_settle_row(sides)}"""
    return trigger_function(
        sides.names.own("child_inserted"), body, declare=_DECLARE, whole=sides.tables
    )


def updated_function(sides: Sides) -> tuple[Statement, ...]:
    """AFTER UPDATE of id, link or a deprecated column.

    What the event changed says what was meant, the row as it is now says to which value. Only
    columns that this event changed are carried: others may have an event of their own pending.
    """
    names = sides.names
    moved_id = f"NEW.{sides.id} <> OLD.{sides.id}"
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
      RETURN NULL;  -- the foreign key refuses it next
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
    {move(sides)}
  ELSE
    {_carry_values(sides)}
  END IF;
  {refuse_resistance(sides, _this(sides), " OR ".join(still))}
  RETURN NULL;"""
    declare = (
        f"{_DECLARE}\n  former record; target record; result record; whole boolean; born boolean;"
    )
    return trigger_function(names.own("child_updated"), body, declare=declare, whole=sides.tables)


def _reparent(sides: Sides) -> str:
    """The new parent's values win; an own value that nobody else had is written down first."""
    lines = [
        refuse_contradiction(sides, "saved", "wrote"),
        sides.reread_parent(f"OLD.{sides.link}", "former"),
    ]
    if sides.values:
        losing = {
            c.name: f"{differs((c,), 'c', 'former')} AND {differs((c,), 'c', 'parent')}"
            for c in sides.values
        }
        rows = f"FROM {sides.names.copy} AS c WHERE c.{sides.id} = saved.{sides.id}"
        lines.append(
            f"IF former.{sides.uuid} IS NOT NULL AND {differs(sides.values, 'saved', 'former')} "
            f"THEN\n      {note(sides, rows, 'parent', losing)};\n    END IF;"
        )
    return "\n    ".join([*lines, _overwrite_row(sides)])


def _carry_values(sides: Sides) -> str:
    """The columns that this event changed go to the parent, whose trigger takes them on."""
    if not sides.values:
        return "NULL;"
    news = [f"({sides.wrote(c)} AND {differs((c,), 'saved', 'p')})" for c in sides.values]
    sets = [
        f"{ident(c.name)} = CASE WHEN {sides.wrote(c)} THEN saved.{ident(c.name)} "
        f"ELSE p.{ident(c.name)} END"
        for c in sides.values
    ]
    sets += filter(None, [sides.carried("saved", "p")])
    # A row with another id counts as written whole, so a value that its parent never had may win
    # here without anybody having written it; the siblings' own is kept.
    losing = {c.name: differs((c,), "c", "saved") for c in sides.values}
    rows = (
        f"FROM {sides.names.copy} AS c WHERE c.{sides.link} = parent.{sides.uuid} "
        f"AND c.{sides.id} <> saved.{sides.id}"
    )
    return f"""IF NEW.{sides.id} <> OLD.{sides.id} THEN
      {note(sides, rows, "saved", losing)};
    END IF;
    UPDATE {sides.names.parent} AS p SET {", ".join(sets)}
    WHERE p.{sides.uuid} = parent.{sides.uuid} AND ({" OR ".join(news)});"""
