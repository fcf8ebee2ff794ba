"""What capture does where a unique value stands in its way."""

from __future__ import annotations

from membership_refactor.sql.capture.follow_rows import OURS, OneWay
from membership_refactor.sql.capture.target_triggers import TargetTriggers
from membership_refactor.sql.quoting import literal
from membership_refactor.sql.triggers import NOT_SYNC
from membership_refactor.sql.types import differs


def inserted_twice(rows: OneWay, apart: str) -> str:
    """plpgsql that refuses a row that a trigger inserts here after the surrounding statement
    inserted a different row with the same id into the target. Nothing tells which of the two is
    right. ``apart`` is a condition: the target lacks the row ``n``, or differs from it."""
    message = (
        f"a row with the same id was inserted into {rows.origin} and "
        f"into {rows.target} by one statement"
    )
    return f"""
    IF {NOT_SYNC} AND EXISTS (SELECT FROM n JOIN {rows.target} AS b ON {rows.id.same("b", "n")}
      WHERE {OURS} AND {apart})
    THEN
      RAISE unique_violation USING
        MESSAGE = {literal(message)},
        HINT = 'Insert into one table only; the other follows when the statement ends.';
    END IF;"""


def untangled(rows: OneWay, writes: str, condition: str, answers: TargetTriggers) -> str:
    """``writes``, and a second way if a unique key forbids them: make all of the target equal to
    the origin. Only rows that this transaction changed can differ, because no other session sees
    half a capture. With a ``condition`` its rows are written once more in the end.

    If this transaction also wrote other rows of the target than the statement's, the error stands:
    the application may want those values. The second way reads both tables, but only where there
    would be an error. It needs a subtransaction, so only tables with such keys have it.
    """
    same = rows.id.same("a", "b")
    afterwards = f"\n    {rows.upsert(condition)};" if condition else ""
    return f"""BEGIN
    {writes}
  EXCEPTION WHEN unique_violation OR exclusion_violation THEN
    IF EXISTS (SELECT FROM {rows.target} AS b LEFT JOIN {rows.origin} AS a ON {same}
      WHERE {OURS} AND {rows.id.in_rows("b", "n", negated=True)}
        AND ({rows.id.absent("a")} OR {differs(rows.writable, "a", "b")}))
    THEN
      RAISE;
    END IF;
    {rows.remove("true")};
    {answers.update_all()}{afterwards}
  END;"""
