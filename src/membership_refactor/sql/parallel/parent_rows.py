"""Parent rows: the trigger functions that carry a change of a parent to its children."""

from __future__ import annotations

from membership_refactor.sql.changed_columns import VARIABLE
from membership_refactor.sql.parallel.changed_values import of_record, to_children, unlike
from membership_refactor.sql.parallel.lost_values import record_own_values
from membership_refactor.sql.parallel.refuse_differences import refuse_resistance
from membership_refactor.sql.parallel.sides import Sides
from membership_refactor.sql.quoting import ident
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import trigger_function
from membership_refactor.sql.types import differs


def _reread(sides: Sides) -> str:
    lock = f"1 FROM {sides.names.parent} AS p WHERE p.{sides.uuid} = NEW.{sides.uuid} FOR KEY SHARE"
    # A batch may have written children since this transaction's snapshot and only locked their
    # parent: the comparison below would see the old ones, carry nothing, and leave them apart.
    # FOR KEY SHARE would pass over such a write.
    children = (
        f"1 FROM {sides.names.child} AS c WHERE c.{sides.link} = NEW.{sides.uuid} FOR NO KEY UPDATE"
    )
    return f"""{guard(sides.names, lock, children)}
  {sides.reread_parent(f"NEW.{sides.uuid}")}
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;"""


def propagate_function(sides: Sides) -> tuple[Statement, ...]:
    """AFTER UPDATE of a parent's key or values.

    It carries the key as a whole, each other column by itself, and only columns that this event
    changed: a child may have a change of another column from the same statement whose event comes
    later. If a child differed from the parent's old value, the ledger records the child's own one.
    """
    names = sides.names
    moved = differs(sides.key, "NEW", "OLD")
    sets, conditions = [], [f"({moved} AND {differs(sides.key, 'c', 'parent')})"]
    for column in sides.key:
        c = ident(column.name)
        sets.append(f"{c} = CASE WHEN {moved} THEN parent.{c} ELSE c.{c} END")
    still = [f"({moved} AND {differs(sides.key, 'c', 'p')})"]
    losing = {}
    for column in sides.values:
        c = ident(column.name)
        written = differs((column,), "NEW", "OLD")
        sets.append(f"{c} = CASE WHEN {written} THEN parent.{c} ELSE c.{c} END")
        apart = differs((column,), "c", "parent")
        conditions.append(f"({written} AND {apart})")
        still.append(f"({written} AND {differs((column,), 'c', 'p')})")
        losing[column.name] = f"{written} AND {apart} AND {differs((column,), 'c', 'OLD')}"
    sets += [*filter(None, [sides.carried("parent", "c")]), *sides.raised()]
    siblings = f"c.{sides.link} = parent.{sides.uuid}"
    rows = f"FROM {names.child} AS c WHERE {siblings}"
    time = sides.carried("parent", "c").partition(" = ")[2] or None
    written_down = (
        f"IF EXISTS (SELECT FROM {names.child} AS c\n    WHERE {siblings}"
        f" AND ({' OR '.join(f'({condition})' for condition in losing.values())})) THEN\n"
        f"    {record_own_values(sides, rows, 'parent', losing, time=time)};\n"
        "  END IF;"
        if losing
        else ""
    )
    apart = f"{siblings} AND ({' OR '.join(conditions)})"
    changes = unlike((sides.child.column(c.name) for c in sides.deprecated), "c", "parent")
    wrote = {c.name: moved for c in sides.key}
    wrote |= {c.name: differs((c,), "NEW", "OLD") for c in sides.values}
    written = to_children(
        sides,
        f"UPDATE {names.child} AS c SET {', '.join(sets)}\n  WHERE {apart};",
        apart,
        values=of_record(sides.plan.deprecated, "parent"),
        changes={name: f"{wrote[name]} AND {unequal}" for name, unequal in changes.items()},
        time="parent",
        raised="true",
    )
    body = f"""  {_reread(sides)}
  {written_down}
  {written}
  {refuse_resistance(sides, siblings, " OR ".join(still))}
  RETURN NULL;"""
    return trigger_function(
        names.own("parent_updated"),
        body,
        declare=f"  parent record; {VARIABLE}",
        whole=sides.tables,
        path=names.search_path,
    )


def refill_function(sides: Sides) -> tuple[Statement, ...]:
    """AFTER UPDATE of a parent while the children are frozen: they get all values of the parent.

    No child can have a change of its own, and one that is not refreshed yet only has values from
    before the freeze.
    """
    siblings = f"c.{sides.link} = parent.{sides.uuid}"
    sets = [f"{ident(n)} = parent.{ident(n)}" for n in sides.plan.deprecated]
    sets += [*filter(None, [sides.carried("parent", "c")]), *sides.raised()]
    apart = f"{siblings} AND {differs(sides.deprecated, 'c', 'parent')}"
    written = to_children(
        sides,
        f"UPDATE {sides.names.child} AS c SET {', '.join(sets)}\n  WHERE {apart};",
        apart,
        values=of_record(sides.plan.deprecated, "parent"),
        changes=unlike((sides.child.column(c) for c in sides.plan.deprecated), "c", "parent"),
        time="parent",
        raised="true",
    )
    body = f"""  {_reread(sides)}
  {written}
  {refuse_resistance(sides, siblings, differs(sides.deprecated, "c", "p"))}
  RETURN NULL;"""
    return trigger_function(
        sides.names.own("parent_refill"),
        body,
        declare=f"  parent record; {VARIABLE}",
        whole=sides.tables,
        path=sides.names.search_path,
    )
