"""NOT NULL on columns in use, proved by a validated CHECK: no scan under a lock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from membership_refactor.sql.ddl.constraints import validate_constraint
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.steps.actions import Action, Brief, Run
from membership_refactor.steps.step import Situation


def set_not_null(
    s: Situation,
    what: str,
    columns: Iterable[str],
    *,
    relaxed: Iterable[str] = (),
    named: Mapping[str, str] | None = None,
) -> tuple[Action, ...]:
    """Set ``columns`` of the copy NOT NULL, and drop NOT NULL from ``relaxed``.

    ``what`` the columns are together goes into keys and titles. ``named`` are the chosen names of
    these constraints by column (PostgreSQL 18). Takes ACCESS EXCLUSIVE twice, each time for a
    moment; on a partitioned table once for each column too, because each takes longer with each
    partition.
    """
    key = what.replace(" ", "_")
    copy, check = s.names.child, ident(s.names.link_check_name)
    columns = [ident(c) for c in columns]
    condition = " AND ".join(f"{c} IS NOT NULL" for c in columns)
    changes = [f"ALTER COLUMN {c} SET NOT NULL" for c in columns]
    apart = tuple(relaxed) if s.names.partitioned else ()
    changes += [f"ALTER COLUMN {ident(c)} DROP NOT NULL" for c in relaxed if c not in apart]
    locks = ((copy, Lock.ACCESS_EXCLUSIVE),)
    gone = "IF EXISTS " if s.names.partitioned else ""
    unchecked = Statement(f"ALTER TABLE {copy} DROP CONSTRAINT {gone}{check}")
    return (
        Brief(
            key=f"add_{key}_check",
            title=f"Add the NOT NULL check on the {what} (NOT VALID)",
            locks=locks,
            statements=(
                Statement(
                    f"ALTER TABLE {copy} DROP CONSTRAINT IF EXISTS {check}, "
                    f"ADD CONSTRAINT {check} CHECK ({condition}) NOT VALID"
                ),
            ),
            leaves_triggers=True,
        ),
        Run(
            key=f"validate_{key}_check",
            title=f"Validate the NOT NULL check on the {what}",
            statements=(
                validate_constraint(s.names.schema, s.plan.child, s.names.link_check_name),
            ),
        ),
        Brief(
            key=f"set_{key}_not_null",
            title=f"Set the {what} NOT NULL",
            locks=locks,
            statements=(
                # The validated CHECK proves it, so SET NOT NULL does not scan under its lock.
                Statement(f"ALTER TABLE {copy} {', '.join(changes)}"),
                *(() if s.names.partitioned else (unchecked,)),
                *((_renamed(copy, named),) if named else ()),
            ),
            leaves_triggers=True,
        ),
        *(drop_not_null(s, column) for column in apart),
        *(
            (
                Brief(
                    key=f"drop_{key}_check",
                    title=f"Drop the NOT NULL check on the {what}",
                    locks=locks,
                    statements=(unchecked,),
                    leaves_triggers=True,
                ),
            )
            if s.names.partitioned
            else ()
        ),
    )


def drop_not_null(s: Situation, column: str) -> Brief:
    """Drop NOT NULL from the column of a partitioned child, under a lock of its own."""
    drop = f"ALTER TABLE {s.names.child} ALTER COLUMN {ident(column)} DROP NOT NULL"
    return Brief(
        key=f"drop_not_null:{column}",
        title=f"Let {column} be NULL",
        locks=((s.names.child, Lock.ACCESS_EXCLUSIVE),),
        statements=(Statement(drop),),
        leaves_triggers=True,
    )


def _renamed(copy: str, named: Mapping[str, str]) -> Statement:
    """Give NOT NULL constraints their names; before PostgreSQL 18 there are none."""
    rows = ", ".join(f"({literal(column)}, {literal(name)})" for column, name in named.items())
    body = f"""
DECLARE
  own_constraint record;
BEGIN
  FOR own_constraint IN
    SELECT k.conname AS old, w.name AS new
    FROM (VALUES {rows}) AS w ("column", name)
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = {literal(copy)}::pg_catalog.regclass
      AND a.attname = w."column"
    JOIN pg_catalog.pg_constraint AS k ON k.conrelid = a.attrelid AND k.contype = 'n'
      AND k.conkey = ARRAY[a.attnum] AND k.conname <> w.name
  LOOP
    EXECUTE pg_catalog.format('ALTER TABLE {copy.replace("%", "%%").replace("'", "''")} '
      'RENAME CONSTRAINT %I TO %I', own_constraint.old, own_constraint.new);
  END LOOP;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")
