"""The provisional link: a BEFORE INSERT trigger gives a new child its link, and does no more."""

from __future__ import annotations

from membership_refactor.sql.parallel.refuse_differences import refuse_contradiction
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import trigger_function


def provisional_trigger_function(sides: Sides) -> tuple[Statement, ...]:
    """BEFORE INSERT. It creates no parent, because ON CONFLICT DO NOTHING may drop the row.

    A row without a link (old-style) gets the uuid that its parent will most likely have. For a row
    with a link (new-style) the deprecated columns are filled from the parent, which stays locked
    until the transaction ends. So a difference that the AFTER trigger finds comes from an
    old-style writer.
    """
    link = f"NEW.{sides.link}"
    fill = "\n    ".join(
        f"NEW.{ident(c.name)} := parent.{ident(c.name)};" for c in sides.deprecated
    )
    body = f"""  IF {link} IS NULL THEN
    {link} := {sides.names.own("provisional")}({sides.row_of("NEW", sides.key)});
    RETURN NEW;
  END IF;
  {guard(sides.names)}
  SELECT {sides.parent_row("p")} INTO parent
  FROM {sides.names.parent} AS p WHERE p.{sides.uuid} = {link} FOR NO KEY UPDATE;
  IF FOUND THEN
    {refuse_contradiction(sides, "NEW", "given")}
    {fill}
  END IF;
  RETURN NEW;"""
    return trigger_function(
        sides.names.own("child_before"), body, declare="  parent record;", whole=sides.tables
    )
