"""Key change: an old-style change of its key gives a child, or its whole group, another parent."""

from __future__ import annotations

from membership_refactor.sql.parallel.changed_values import (
    of_record,
    to_children,
    to_parent,
    unlike,
)
from membership_refactor.sql.parallel.claim import claim
from membership_refactor.sql.parallel.lost_values import record_own_values
from membership_refactor.sql.parallel.sides import Sides, set_to
from membership_refactor.sql.parents.referring_rows import is_referred
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.types import differs


def change_key(sides: Sides) -> str:
    """plpgsql for a changed key of ``saved``, whose parent was ``parent``.

    Siblings to which the same statement gave the same key and values get the new parent at once.
    One by one, each of ten thousand rows would have to pass the dead versions of those before it.
    Their own events then find them equal to their parent and stop, because all of these rows are
    written by one statement, whose events come after it.
    """
    names, u, link = sides.names, sides.uuid, sides.link
    children, parents = names.child, names.parent
    same = (
        f"c.{link} = parent.{u} AND ({sides.id.same('c', 'saved')} "
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
    other = differs(sides.values, "c", "result") if sides.values else "false"
    raised = "".join(f", {item}" for item in sides.raised(other))
    times = "".join(f", {s}" for s in [sides.carried("saved", "p")] if s)
    return f"""whole := NOT EXISTS (SELECT FROM {children} AS c
      WHERE c.{link} = parent.{u} AND {differs(sides.key, "c", "saved")});
    {claim(sides, sides.row_of("saved", sides.key), fresh, changed)}
    {sides.reread_parent("claimed", "target")}
    {result}
    {_note_own(sides, same)}
    IF claimed = parent.{u} THEN
      -- The keys are equal but not identical, such as 1.0 and 1.00.
      UPDATE {parents} AS p SET {set_to(sides.plan.key, "saved")}{also}{times}
      WHERE p.{u} = claimed;
      RETURN NULL;
    END IF;
    born := made OR (whole AND EXISTS (SELECT FROM {names.own("born")} AS b
      WHERE b.xid = pg_catalog.pg_current_xact_id() AND b.uuid = claimed));
    IF whole AND born AND NOT ({is_referred(names, "claimed")}) THEN
      -- The key is new in this transaction: the old parent takes it over and keeps its uuid.
      WITH gone AS (
        DELETE FROM {parents} AS p WHERE p.{u} = claimed RETURNING p.{u}),
      back AS (
        UPDATE {children} AS c SET {link} = parent.{u}{also}{raised} WHERE c.{link} = claimed),
      here AS (
        UPDATE {children} AS c SET {link} = c.{link}{also}{raised} WHERE {same}
          AND {other})
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
    {_move_children(sides, f"{also}{raised}", same, other)}"""


def _carry_to_target(sides: Sides, also: str, times: str) -> str:
    if not sides.values:
        return ""
    this = f"p.{sides.uuid} = claimed"
    set_list = f"{also.removeprefix(', ')}{times}"
    written = to_parent(
        sides,
        f"UPDATE {sides.names.parent} AS p SET {set_list}\n      WHERE {this};",
        this,
        values=of_record(sides.plan.parent_values, "result"),
        changes=unlike(sides.values, "p", "result"),
        time="saved",
    )
    return f"IF {differs(sides.values, 'target', 'result')} THEN\n      {written}\n    END IF;"


def _move_children(sides: Sides, others: str, same: str, replaced: str) -> str:
    link = sides.plan.link
    return to_children(
        sides,
        f"UPDATE {sides.names.child} AS c SET {sides.link} = claimed{others} WHERE {same};",
        same,
        values={link: "claimed", **of_record(sides.plan.parent_values, "result")},
        changes={
            link: f"c.{sides.link} IS DISTINCT FROM claimed",
            **unlike(sides.values, "c", "result"),
        },
        raised=replaced,
    )


def _note_own(sides: Sides, same: str) -> str:
    """Records values of the row's own that the values of the new parent will replace."""
    if not sides.values:
        return ""
    losing = {
        c.name: f"NOT {sides.wrote(c)} AND {differs((c,), 'c', 'parent')} "
        f"AND {differs((c,), 'c', 'result')}"
        for c in sides.values
    }
    rows = f"FROM {sides.names.child} AS c WHERE {same}"
    # The row keeps its own time of change.
    own_time = f"c.{ident(sides.plan.changed)}" if sides.plan.changed else None
    return (
        f"IF {differs(sides.values, 'saved', 'parent')} THEN\n"
        f"      {record_own_values(sides, rows, 'result', losing, time=own_time)};\n"
        "    END IF;"
    )


def _tidy_born(sides: Sides) -> str:
    """Deletes a few entries of ended transactions. Only at READ COMMITTED: with an old snapshot, a
    row that another session has deleted would be an error."""
    born = sides.names.own("born")
    return f"""IF pg_catalog.current_setting('transaction_isolation') = 'read committed' THEN
        DELETE FROM {born} AS b WHERE b.ctid = ANY (ARRAY(
          SELECT d.ctid FROM {born} AS d
          WHERE d.xid < pg_catalog.pg_snapshot_xmin(pg_catalog.pg_current_snapshot())
          ORDER BY d.xid LIMIT 8 FOR UPDATE SKIP LOCKED));
      END IF;"""
