"""Moves: an old-style change of the key takes a child, or its whole group, to another parent."""

from __future__ import annotations

from membership_refactor.sql.parallel.claim import claim
from membership_refactor.sql.parallel.lost_values import note
from membership_refactor.sql.parallel.sides import Sides, set_to
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.types import differs


def move(sides: Sides) -> str:
    """plpgsql of the key change of ``saved``, whose parent so far is ``parent``.

    Siblings that the same statement brought to the same key and values move along at once; one
    at a time, every one of ten thousand would look through those that left before it. Nested
    events then find each row agreeing with its parent, and stop: what belongs together is
    written by one statement, whose events all come after it.
    """
    names, u, link = sides.names, sides.uuid, sides.link
    children, parents = names.copy, names.parent
    same = (
        f"c.{link} = parent.{u} AND (c.{sides.id} = saved.{sides.id} "
        f"OR NOT {differs(sides.deprecated, 'c', 'saved')})"
    )
    changed = f"saved.{ident(sides.plan.changed)}" if sides.plan.changed else ""
    fresh = [
        f"CASE WHEN {sides.wrote(c)} THEN saved.{ident(c.name)} ELSE parent.{ident(c.name)} END"
        for c in sides.values
    ]
    results = [
        f"CASE WHEN NOT made AND {sides.wrote(c)} THEN saved.{ident(c.name)} "
        f"ELSE target.{ident(c.name)} END AS {ident(c.name)}"
        for c in sides.values
    ]
    result = f"SELECT {', '.join(results)} INTO result;" if results else ""
    values = listed(sides.plan.parent_values)
    also = f", {set_to(sides.plan.parent_values, 'result')}" if values else ""
    times = "".join(f", {s}" for s in [sides.carried("saved", "p")] if s)
    return f"""whole := NOT EXISTS (SELECT FROM {children} AS c
      WHERE c.{link} = parent.{u} AND {differs(sides.key, "c", "saved")});
    {claim(sides, sides.row_of("saved", sides.key), fresh, changed)}
    {sides.reread_parent("claimed", "target")}
    {result}
    {_note_own(sides, same)}
    IF claimed = parent.{u} THEN
      -- Equal to the index, not to the eye: 1.0 and 1.00.
      UPDATE {parents} AS p SET {set_to(sides.plan.key, "saved")}{also}{times}
      WHERE p.{u} = claimed;
      RETURN NULL;
    END IF;
    born := made OR (whole AND EXISTS (SELECT FROM {names.own("born")} AS b
      WHERE b.xid = pg_catalog.pg_current_xact_id() AND b.uuid = claimed));
    IF whole AND born THEN
      -- Nobody had that key before this transaction: the parent keeps its uuid and takes it over.
      WITH gone AS (
        DELETE FROM {parents} AS p WHERE p.{u} = claimed RETURNING p.{u}),
      back AS (
        UPDATE {children} AS c SET {link} = parent.{u}{also} WHERE c.{link} = claimed),
      here AS (
        UPDATE {children} AS c SET {link} = c.{link}{also} WHERE {same}
          AND {differs(sides.values, "c", "result") if sides.values else "false"})
      UPDATE {parents} AS p SET {set_to(sides.plan.key, "saved")}{also}{times}
      FROM gone AS g WHERE p.{u} = parent.{u};
      DELETE FROM {names.own("born")} AS b
      WHERE b.xid = pg_catalog.pg_current_xact_id() AND b.uuid = claimed;
      RETURN NULL;
    END IF;
    IF made THEN
      {_tidy_born(sides)}
      INSERT INTO {names.own("born")} AS b (xid, uuid)
      VALUES (pg_catalog.pg_current_xact_id(), claimed) ON CONFLICT DO NOTHING;
    END IF;
    {_carry_to_target(sides, also, times)}
    UPDATE {children} AS c SET {link} = claimed{also} WHERE {same};"""


def _carry_to_target(sides: Sides, also: str, times: str) -> str:
    if not sides.values:
        return ""
    return (
        f"IF {differs(sides.values, 'target', 'result')} THEN\n"
        f"      UPDATE {sides.names.parent} AS p SET {also.removeprefix(', ')}{times}\n"
        f"      WHERE p.{sides.uuid} = claimed;\n    END IF;"
    )


def _note_own(sides: Sides, same: str) -> str:
    """A value that the row had for itself, and that the target's is about to overwrite."""
    if not sides.values:
        return ""
    losing = {
        c.name: f"NOT {sides.wrote(c)} AND {differs((c,), 'c', 'parent')} "
        f"AND {differs((c,), 'c', 'result')}"
        for c in sides.values
    }
    rows = f"FROM {sides.names.copy} AS c WHERE {same}"
    # The row goes to its new parent with its own time.
    own_time = f"c.{ident(sides.plan.changed)}" if sides.plan.changed else None
    return (
        f"IF {differs(sides.values, 'saved', 'parent')} THEN\n"
        f"      {note(sides, rows, 'result', losing, time=own_time)};\n"
        "    END IF;"
    )


def _tidy_born(sides: Sides) -> str:
    """A few entries of ended transactions go. Not under an old snapshot, where a row that
    another session has tidied meanwhile would be an error."""
    born = sides.names.own("born")
    return f"""IF pg_catalog.current_setting('transaction_isolation') = 'read committed' THEN
        DELETE FROM {born} AS b WHERE b.ctid = ANY (ARRAY(
          SELECT d.ctid FROM {born} AS d
          WHERE d.xid < pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())
          ORDER BY d.xid LIMIT 8 FOR UPDATE SKIP LOCKED));
      END IF;"""
