"""Whether triggers of the application depend on the position of columns in a row."""

from __future__ import annotations

from membership_refactor.checks.check import Check, Reach
from membership_refactor.checks.gate import accepted
from membership_refactor.planning import Revisions, TableSplit
from membership_refactor.portrait import Table
from membership_refactor.sql.application_code.whole_rows import whole_rows
from membership_refactor.sql.quoting import literal

OPTION = "accept-whole-rows"


def no_row_by_position(
    plan: TableSplit,
    table: Table,
    revisions: Revisions,
    step: str,
    *,
    ledger: str | None = None,
) -> tuple[Check, ...]:
    """No check where no trigger does, or rows keep their shape. Otherwise each row is a trigger
    that ``step`` or a later one breaks.

    ``ledger`` is the ledger's schema: a reason that stands there for an earlier step still counts.
    """
    if not plan.parent:
        return ()
    found = tuple(dict.fromkeys(
        f'trigger "{use.trigger}", function {use.function}: {use.text}'
        for use in whole_rows(table)
        if use.certain
    ))  # fmt: skip
    if not found:
        return ()
    listed = ", ".join(f"({literal(text)})" for text in found)
    link, gone = revisions.mention(plan.link_comes_at), revisions.mention("drop_deprecated_columns")
    check = Check(
        name="rows by position",
        sentence="no trigger of the application takes a row apart by the position of its columns",
        query=f"SELECT v.what FROM (VALUES {listed}) AS v (what)"
        + (f" WHERE NOT {accepted(ledger, plan.name, OPTION)}" if ledger else ""),
        reach=Reach.CATALOG,
        option=OPTION,
        hint=(
            f'With {link} the row gets the column "{plan.link}" at its end, and with {gone} it '
            f"loses {len(plan.leaving)} columns. From then on each write fails, or fills other "
            "columns. Name the columns in these functions, or accept the risk and record why: "
            f"{revisions.accepting(OPTION, step)}"
        ),
    )
    return (check,)
