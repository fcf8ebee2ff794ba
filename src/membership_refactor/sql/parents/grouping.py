"""Grouping: the SELECT that derives parents from children, and the triggers of 0007 that use it.

Until 0008 children determine their parent: its uuid is their link, and the policies choose its
values. Batches, replay and synchronous capture all use the SELECT of ``grouped``.
"""

from __future__ import annotations

from membership_refactor.planning import Conflict, TableSplit
from membership_refactor.planning.policies import Agreed, Choice, Extreme, FromRow, choice
from membership_refactor.portrait import Column, Table
from membership_refactor.sql.names import Names
from membership_refactor.sql.parents.partitioned_children import (
    functions_of_partitions,
    merged_children,
)
from membership_refactor.sql.parents.referring_rows import referred_function
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.sql.snapshot_fence import guard
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import OwnTrigger, of_child, trigger_function
from membership_refactor.sql.types import base_type, differs, equal_is_identical, keyed


def parent_columns(plan: TableSplit, child: Table) -> tuple[Column, ...]:
    """The parent's columns without its uuid, with the child's types."""
    names = (*plan.deprecated, *((plan.changed,) if plan.changed else ()))
    return tuple(child.column(name) for name in names)


def grouped(
    names: Names, child: Table, condition: str, *, route: str | None = None, table: str = ""
) -> str:
    """A SELECT of parents, one row per link: the uuid, then the columns of ``parent_columns``.

    ``condition`` restricts the children, alias ``c``. ``route`` is a key column whose index gives
    the children in order: sorting by it first makes PostgreSQL sort each short run by itself.
    ``table`` stands in the children's place.
    """
    plan = names.plan
    link, table = ident(plan.link), table or names.child
    choices = _choices(plan, child)
    wanted = set(choices.values()) - {Agreed()} or {FromRow(latest=True)}
    shared = [*plan.deprecated, *((plan.changed,) if plan.changed else ())]
    if len(wanted) == 1 and isinstance(row := wanted.pop(), FromRow):
        run = (f"c.{ident(route)}, " if route else "") + f"c.{link}"
        chosen = [f"c.{ident(n)}" for n in shared]
        if not row.latest and plan.changed:
            changed = ident(plan.changed)
            chosen[-1] = f"pg_catalog.max(c.{changed}) OVER (PARTITION BY c.{link}) AS {changed}"
        return (
            f"SELECT DISTINCT ON ({run}) c.{link}, {', '.join(chosen)}\n"
            f"FROM {table} AS c WHERE {condition}\n"
            f"ORDER BY {run}, {_row_order(names, row)}"
        )
    return _mixed(names, choices, child, f"{table} AS c WHERE {condition}")


def _choices(plan: TableSplit, child: Table) -> dict[str, Choice]:
    """How each value is chosen. Rows may agree on 1.0 and 1.00, which are equal and not the same;
    then the first row gives the value, so that it is always the same one."""
    images = {c.name for c in child.columns if not equal_is_identical(c)}
    return {
        c.name: FromRow(latest=False)
        if c.conflict is Conflict.AGREE and c.name in images
        else choice(c.conflict)
        for c in plan.parent_columns
    }


def _has_plain_aggregate(column: Column) -> bool:
    """Whether max() exists, returns the column's own type, and has one result for equal values."""
    return equal_is_identical(column) and base_type(column.type) not in ("boolean", "uuid", "bytea")


def _row_order(names: Names, row: FromRow) -> str:
    if not row.latest or names.plan.changed is None:
        return names.id.listed("c")
    last = names.id.listed("c", " DESC")
    return f"c.{ident(names.plan.changed)} DESC NULLS LAST, {last}"


def _mixed(names: Names, choices: dict[str, Choice], child: Table, rows: str) -> str:
    """Several choices: the values of one row per row choice, joined to the aggregates by link.

    ``rows`` is a FROM clause with its condition. If equal values can have several images, an
    extreme is the value of one row too.
    """
    plan, link = names.plan, ident(names.plan.link)
    rowwise: list[tuple[str, tuple[str, ...], str]] = []
    for alias, row in (("l", FromRow(latest=True)), ("f", FromRow(latest=False))):
        of_row = tuple(n for n in choices if choices[n] == row)
        rowwise.append((alias, of_row, _row_order(names, row)))
    # All rows of a link have the same key and agreed values, so any row's will do.
    single = (*plan.key, *(n for n in choices if choices[n] == Agreed()))
    aggregates = [f"(pg_catalog.array_agg(c.{ident(n)}))[1] AS {ident(n)}" for n in single]
    for name, extreme in choices.items():
        if not isinstance(extreme, Extreme):
            continue
        if _has_plain_aggregate(child.column(name)):
            aggregates.append(f"pg_catalog.{extreme.aggregate}(c.{ident(name)}) AS {ident(name)}")
        else:
            order = f"c.{ident(name)} {extreme.order} NULLS LAST, {names.id.listed('c', ' DESC')}"
            rowwise.append((f"m{len(rowwise)}", (name,), order))
    if plan.changed:
        changed = ident(plan.changed)
        aggregates.append(f"pg_catalog.max(c.{changed}) AS {changed}")
    values: dict[str, str] = {}
    joins = []
    for alias, of_row, order in rowwise:
        if of_row:
            values |= {n: f"{alias}.{ident(n)}" for n in of_row}
            joins.append(
                f"JOIN (SELECT DISTINCT ON (c.{link}) c.{link}, {listed(of_row, 'c.')}\n"
                f"  FROM {rows}\n"
                f"  ORDER BY c.{link}, {order}) AS {alias} ON {alias}.{link} = g.{link}"
            )
    shared = (*plan.deprecated, *((plan.changed,) if plan.changed else ()))
    chosen = ", ".join(values.get(n, f"g.{ident(n)}") for n in shared)
    return (
        f"SELECT g.{link}, {chosen}\nFROM (SELECT c.{link}, {', '.join(aggregates)}\n"
        f"  FROM {rows} GROUP BY c.{link}) AS g\n" + "\n".join(joins)
    )


def insert_parents(names: Names, child: Table, select: str) -> str:
    """An INSERT of what ``grouped`` selects."""
    plan = names.plan
    columns = [plan.parent_id, *(c.name for c in parent_columns(plan, child))]
    return f"INSERT INTO {names.parent} AS p ({listed(columns)})\n{select}"


def settle_function(names: Names, child: Table) -> tuple[Statement, ...]:
    """``settle(uuids, shared)``: makes those parents what their children and the policies give.

    Use ``shared`` if other sessions may write the same groups. Then each parent is first updated
    without a change. At READ COMMITTED the later writer waits, and its next snapshot sees the
    children of the earlier one. At REPEATABLE READ it fails with 40001. A lock is not enough: the
    other session's snapshot would still not contain our child.
    """
    plan = names.plan
    uuid, link = ident(plan.parent_id), ident(plan.link)
    columns = [c.name for c in parent_columns(plan, child)]
    mine = f"c.{link} IN (SELECT pg_catalog.unnest(uuids))"
    select = grouped(names, child, mine)
    missing = (
        f"SELECT g.* FROM ({select}) AS g\n"
        f"WHERE NOT EXISTS (SELECT FROM {names.parent} AS q WHERE q.{uuid} = g.{link})\n"
        f"ORDER BY g.{link}\n"
        f"ON CONFLICT ({uuid}) DO UPDATE SET {uuid} = excluded.{uuid}"
    )
    # Delete parents without children first. A cascade, such as a changed id of a person, reaches a
    # parent before the events of its children; then it has the key of the parent to be inserted.
    message = f"the last child of a parent in {plan.parent} would go while other rows refer to it"
    hint = (
        f"Write the rows that refer to it first, or leave a child in {plan.child}. Until both "
        "tables are saved in parallel a parent cannot stay without children."
    )
    body = f"""
DECLARE
  own_gone pg_catalog.uuid[];
BEGIN
  IF shared THEN
    PERFORM FROM {names.parent} AS p WHERE p.{uuid} = ANY (uuids)
      ORDER BY p.{uuid} FOR NO KEY UPDATE;
    UPDATE {names.parent} AS p SET {uuid} = p.{uuid} WHERE p.{uuid} = ANY (uuids);
  END IF;
  own_gone := ARRAY(SELECT p.{uuid} FROM {names.parent} AS p WHERE p.{uuid} = ANY (uuids)
    AND NOT EXISTS (SELECT FROM {names.child} AS c WHERE c.{link} = p.{uuid}));
  IF pg_catalog.cardinality(own_gone) > 0 THEN
    IF pg_catalog.cardinality({names.own("referred")}(own_gone)) > 0 THEN
      RAISE foreign_key_violation USING MESSAGE = {literal(message)}, HINT = {literal(hint)},
        SCHEMA = {literal(names.schema)}, TABLE = {literal(plan.parent)};
    END IF;
    DELETE FROM {names.parent} AS p WHERE p.{uuid} = ANY (own_gone);
  END IF;
  {insert_parents(names, child, missing)};
  UPDATE {names.parent} AS p SET ({listed(columns)}) = ROW ({listed(columns, "g.")})
  FROM ({select}) AS g
  WHERE p.{uuid} = g.{link} AND {differs(keyed(parent_columns(plan, child), plan.key), "p", "g")};
END
"""
    signature = f"{names.own('settle')}(uuids pg_catalog.uuid[], shared pg_catalog.bool)"
    return (
        *referred_function(names),
        Statement(
            f"CREATE OR REPLACE FUNCTION {signature} RETURNS void LANGUAGE plpgsql\n"
            f"SET search_path = {names.search_path} AS {dollar_quoted(body)}"
        ),
        Statement(
            f"REVOKE ALL ON FUNCTION {names.own('settle')}(pg_catalog.uuid[], pg_catalog.bool) "
            "FROM PUBLIC"
        ),
    )


def derive_functions(names: Names, *, restoring: bool = False) -> tuple[Statement, ...]:
    """Synchronous capture at 0007: every write to the child calls ``settle`` for its parents.

    ``restoring`` leaves out the parents that the running transaction put into ``unsettled``.
    """
    link = ident(names.plan.link)
    made: list[Statement] = []
    whole = (names.child, names.parent)
    later = (
        f" AND NOT EXISTS (SELECT FROM {names.own('unsettled')} AS u WHERE u.uuid = z.k\n"
        "    AND u.xid = pg_catalog.pg_current_xact_id())"
        if restoring
        else ""
    )
    rows = {"insert": ("n",), "update": ("o", "n"), "delete": ("o",)}
    for kind, tables in rows.items():
        union = " UNION ".join(f"SELECT {t}.{link} AS k FROM {t}" for t in tables)
        locks = (
            () if kind == "delete" else (names.id.key_share(f"{names.child} AS c\n   ", "c", "n"),)
        )
        merged = names.partitioned and kind == "update"
        seen = merged_children(names).require_seen() if merged else ""
        body = f"""{seen}  SELECT pg_catalog.array_agg(z.k) INTO uuids FROM ({union}) AS z
  WHERE z.k IS NOT NULL{later};
  IF uuids IS NULL THEN
    RETURN NULL;
  END IF;
  {guard(names, *locks)}
  PERFORM {names.own("settle")}(uuids, true);
  RETURN NULL;"""
        made += trigger_function(
            names.own(f"derive_{kind}"),
            body,
            declare="  uuids pg_catalog.uuid[];",
            marked=True,
            whole=whole,
            path=names.search_path,
        )
    # TRUNCATE, not DELETE: an old snapshot does not see newer parents, and they would stay.
    # PostgreSQL refuses it while the foreign key of 0008 exists (in a downgrade) or while an event
    # of a parent is pending. Then a transaction with such a snapshot has to retry.
    if names.partitioned:
        return (*made, *functions_of_partitions(names))
    made += trigger_function(
        names.own("derive_truncate"),
        f"""  BEGIN
    TRUNCATE {names.parent};
  EXCEPTION WHEN feature_not_supported OR object_in_use THEN
    IF pg_catalog.current_setting('transaction_isolation')
      IN ('repeatable read', 'serializable') THEN
      RAISE serialization_failure USING
        MESSAGE = 'this transaction''s snapshot may be too old to delete all parents',
        HINT = 'Retry the transaction at READ COMMITTED.';
    END IF;
    DELETE FROM {names.parent};
  END;
  RETURN NULL;""",
        marked=True,
        whole=whole,
        path=names.search_path,
    )
    return tuple(made)


def derive_triggers(names: Names) -> tuple[OwnTrigger, ...]:
    """The child's triggers from the switch of 0007 until the switch of 0008."""
    merged = (merged_children(names).trigger,) if names.partitioned else ()
    return merged + tuple(
        of_child(names, event, purpose, each="STATEMENT", referencing=referencing)
        for event, purpose, referencing in (
            ("AFTER INSERT", "derive_insert", "NEW TABLE AS n"),
            ("AFTER UPDATE", "derive_update", "OLD TABLE AS o NEW TABLE AS n"),
            ("AFTER DELETE", "derive_delete", "OLD TABLE AS o"),
            ("AFTER TRUNCATE", "derive_truncate", ""),
        )
    )
