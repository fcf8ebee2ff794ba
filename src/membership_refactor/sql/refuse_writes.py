"""Refusing writes with SQLSTATE 55000: to the copy at 0003, to closed tables, to the retired table.

The refusal of single columns at 0009 is in ``parallel/frozen_columns.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.portrait import Column
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.trigger_statements import install_triggers, remove_triggers
from membership_refactor.sql.triggers import (
    NOT_SYNC,
    OwnTrigger,
    after,
    before,
    drop_own,
    of_child,
    trigger_function,
)
from membership_refactor.sql.twin_partitions import TWIN, TWIN_HAS_ROWS, find_twin
from membership_refactor.sql.types import differs

_FOLLOWS = "%I.%I follows %I and cannot be written yet: this write would make them differ"
_RETIRED = "%I.%I is retired and cannot be written"
_MOVED = "Write to %I.%I; the rows have been moved there."


def refusal(message: str, hint: str, *diagnostics: str) -> str:
    """plpgsql that raises 55000; ``message`` and ``hint`` are SQL expressions."""
    more = "".join(f", {d}" for d in diagnostics)
    return (
        "RAISE object_not_in_prerequisite_state USING\n"
        f"    MESSAGE = {message},\n    HINT = {hint}{more};"
    )


def refusal_functions(
    names: Names, columns: Sequence[Column], *, opens: str
) -> tuple[Statement, ...]:
    """Row functions that refuse a write to the copy after which it differs from the source.

    ``opens`` is the revision from which on the copy may be written, for the hint.

    A statement sent by a session (trigger depth 0) is checked at once. A write from within a
    trigger is checked at commit: a cascade may reach the copy before the source, and is right
    as soon as both have it.
    """
    source, copy, id = names.source, names.copy, names.id
    hint = f"Write to the source table. The copy accepts writes from {opens} on."
    arguments = ", ".join(literal(n) for n in (names.schema, names.plan.child, names.plan.source))
    refuse = refusal(f"pg_catalog.format({literal(_FOLLOWS)}, {arguments})", literal(hint))
    # For every event: compare the current rows of both sides, under the old id and the new id.
    apart = (
        f"EXISTS (SELECT FROM (SELECT b.* FROM {copy} AS b WHERE {id.equals('b', 'looked')}) AS b\n"
        f"    FULL JOIN (SELECT a.* FROM {source} AS a WHERE {id.equals('a', 'looked')}) AS a "
        f"ON {id.same('a', 'b')}\n"
        f"    WHERE {id.absent('a')} OR {id.absent('b')} "
        f"OR {differs(id.others(columns), 'a', 'b')})"
    )
    body = f"""  IF TG_OP <> 'INSERT' THEN
    looked := {id.word("OLD")};
    IF {apart} THEN
      {refuse}
    END IF;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    looked := {id.word("NEW")};
    IF {apart} THEN
      {refuse}
    END IF;
  END IF;
  RETURN NULL;"""
    find, left = "", f"pg_catalog.pg_relation_size({literal(source)}::pg_catalog.regclass) > 0"
    if names.partitioned:
        find = f"  {find_twin(source)}\n"
        left = f"own_twin IS NOT NULL AND {TWIN_HAS_ROWS} OR own_twin IS NULL AND {NOT_SYNC}"
    truncated = f"""{find}  IF {left} THEN
    {refuse}
  END IF;
  RETURN NULL;"""
    return (
        *trigger_function(
            names.own("refuse"),
            body,
            declare=f"  looked {id.type_in(columns)};",
            whole=(source, copy),
            path=names.search_path,
        ),
        *trigger_function(
            names.own("refuse_truncate"),
            truncated,
            declare=f"  {TWIN}" if names.partitioned else "",
            path=names.search_path,
        ),
    )


def refusal_triggers(names: Names) -> tuple[OwnTrigger, ...]:
    """The copy's triggers from the switch of 0003 until 0004."""
    every, nested = "AFTER INSERT OR UPDATE OR DELETE", "pg_catalog.pg_trigger_depth() {} 0"
    later = f"{nested.format('>')} AND {NOT_SYNC}"
    return (
        of_child(names, every, "refuse_now", "refuse", when=nested.format("=")),
        of_child(names, every, "refuse_later", "refuse", when=later, at_commit=True),
        of_child(names, "AFTER TRUNCATE", "refuse_truncate", each="STATEMENT"),
    )


def close_functions(names: Names, purpose: str, message: str, hint: str) -> tuple[Statement, ...]:
    """The function that refuses writes to a closed table.

    SYNC_MARK is no protection against a role that may write the table and sets it by hand. Only
    the owner can be such a role, and the next check finds what it wrote.

    Cascades of foreign keys are allowed. PostgreSQL sends their DELETE or UPDATE also if the rows
    have already followed their children, and refusing it would forbid deleting a person.
    """
    # Only a referential action of PostgreSQL has the form "... ONLY table ...
    # OPERATOR(pg_catalog.=) ...". The second line of the stack is the statement that fired us.
    body = f"""  IF pg_catalog.pg_trigger_depth() > 1 THEN
    GET DIAGNOSTICS stack = PG_CONTEXT;
    sender := pg_catalog.split_part(stack, E'\\n', 2);
    IF pg_catalog.strpos(sender, ' ONLY "') > 0
      AND pg_catalog.strpos(sender, ' OPERATOR(pg_catalog.=) ') > 0 THEN
      RETURN NULL;
    END IF;
  END IF;
  {refusal(literal(message), literal(hint))}"""
    return trigger_function(
        names.own(purpose), body, declare="  stack text; sender text;", path=names.search_path
    )


def close_triggers(
    names: Names, purpose: str, table: str, *, members: bool = False
) -> tuple[OwnTrigger, ...]:
    """Statement triggers, so that a write of no rows is refused too; with ``members`` those of the
    partitions too."""
    return tuple(
        OwnTrigger(
            after(f"{purpose}_{kind.lower().replace(' ', '_')}"),
            f"BEFORE {kind}",
            table,
            names.own(purpose),
            when=NOT_SYNC,
            members=members,
        )
        for kind in ("INSERT OR UPDATE OR DELETE", "TRUNCATE")
    )


def close_retired(names: Names) -> tuple[Statement, ...]:
    """Every write to the retired table raises 55000, whichever role sends it; reads are allowed."""
    return (*retired_function(names), *install_triggers(retired_triggers(names)))


def retired_function(names: Names, *also: OwnTrigger) -> tuple[Statement, ...]:
    """The function that refuses; those of the triggers ``also``, which fire once a statement,
    become the same."""
    arguments = ", ".join(literal(n) for n in (names.schema, names.plan.retired))
    successor = ", ".join(literal(n) for n in (names.schema, names.plan.child))
    body = "  " + refusal(
        f"pg_catalog.format({literal(_RETIRED)}, {arguments})",
        f"pg_catalog.format({literal(_MOVED)}, {successor})",
    )
    functions = dict.fromkeys((names.own("refuse_retired"), *(t.function for t in also)))
    return tuple(
        s for name in functions for s in trigger_function(name, body, path=names.search_path)
    )


def open_retired(names: Names) -> tuple[Statement, ...]:
    """The retired table accepts writes, so that the downgrade of 0005 can reconcile its rows."""
    return (
        *remove_triggers(retired_triggers(names)),
        *drop_own(names, "refuse_retired"),
    )


def retired_triggers(names: Names) -> tuple[OwnTrigger, ...]:
    """The archive's trigger."""
    # A BEFORE statement trigger fires before constraints are checked, and for no rows too.
    return (
        OwnTrigger(
            before("refuse_retired"),
            "BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE",
            names.retired,
            names.own("refuse_retired"),
            members=names.partitioned,
        ),
    )
