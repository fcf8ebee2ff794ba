"""The copy follows the source, and refuses any write that would make it differ."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.portrait import Column
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.statements import Statement
from membership_refactor.sql.triggers import NOT_SYNC, OwnTrigger, after, trigger_function
from membership_refactor.sql.types import differs

_MESSAGE = "%I.%I follows %I and cannot be written yet: this write would make them differ"


def refusal_functions(
    names: Names, key: str, columns: Sequence[Column], *, opens: str
) -> tuple[Statement, ...]:
    """Row functions that compare what was written to the copy with the source.

    ``opens`` is the revision from which on the copy may be written, for the hint.

    Two forms of one rule. A statement sent by a session (trigger depth 0) is judged at once. A
    write from within a trigger is judged at commit: a cascade may reach the copy before it
    reaches the source, and is right as soon as both have it.
    """
    source, copy, k = names.source, names.copy, ident(key)
    others = [c for c in columns if c.name != key]
    hint = f"Write to the source table; the copy can be written from {opens} on."
    arguments = ", ".join(literal(n) for n in (names.schema, names.plan.copy, names.plan.source))
    refuse = (
        "RAISE object_not_in_prerequisite_state USING\n"
        f"      MESSAGE = pg_catalog.format({literal(_MESSAGE)}, {arguments}),\n"
        f"      HINT = {literal(hint)};"
    )
    # Whatever the event: the row as it is now, on both sides, under the id before and after.
    apart = (
        f"EXISTS (SELECT FROM (SELECT b.* FROM {copy} AS b WHERE b.{k} = looked) AS b\n"
        f"    FULL JOIN (SELECT a.* FROM {source} AS a WHERE a.{k} = looked) AS a "
        f"ON a.{k} = b.{k}\n"
        f"    WHERE a.{k} IS NULL OR b.{k} IS NULL OR {differs(others, 'a', 'b')})"
    )
    key_type = next(c.type for c in columns if c.name == key)
    body = f"""  IF TG_OP <> 'INSERT' THEN
    looked := OLD.{k};
    IF {apart} THEN
      {refuse}
    END IF;
  END IF;
  IF TG_OP <> 'DELETE' THEN
    looked := NEW.{k};
    IF {apart} THEN
      {refuse}
    END IF;
  END IF;
  RETURN NULL;"""
    size = f"pg_catalog.pg_relation_size({literal(source)}::pg_catalog.regclass)"
    truncated = f"""  IF {size} > 0 THEN
    {refuse}
  END IF;
  RETURN NULL;"""
    return (
        *trigger_function(
            names.own("refuse"), body, declare=f"  looked {key_type};", whole=(source, copy)
        ),
        *trigger_function(names.own("refuse_truncate"), truncated),
    )


def refusal_triggers(names: Names) -> tuple[OwnTrigger, ...]:
    """On the copy, from the switch of 0003 until 0004."""
    every = "AFTER INSERT OR UPDATE OR DELETE"
    return (
        OwnTrigger(
            name=after("refuse_now"),
            table=names.copy,
            event=every,
            function=names.own("refuse"),
            each="ROW",
            when="pg_catalog.pg_trigger_depth() = 0",
        ),
        OwnTrigger(
            name=after("refuse_later"),
            table=names.copy,
            event=every,
            function=names.own("refuse"),
            each="ROW",
            when=f"pg_catalog.pg_trigger_depth() > 0 AND {NOT_SYNC}",
            at_commit=True,
        ),
        OwnTrigger(
            name=after("refuse_truncate"),
            table=names.copy,
            event="AFTER TRUNCATE",
            function=names.own("refuse_truncate"),
        ),
    )
