"""The view of the old shape: its schema, its text over the child or over both tables, its end.

It runs with the rights of its reader (security_invoker), so row security hides the same
from the reader as in the tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from membership_refactor.portrait import Column
from membership_refactor.sql.ddl.bare_table import take_default_privileges_away
from membership_refactor.sql.names import Names
from membership_refactor.sql.old_shape.reading import (
    drop_reading,
    note,
    reader,
    reading_functions,
)
from membership_refactor.sql.quoting import columns as listed
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.sql.refuse_writes import refusal
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.trigger_statements import remove_triggers
from membership_refactor.sql.triggers import OwnTrigger, before, drop_own, trigger_function

KIND = "old-shape view"
"""What the ledger calls it among the tool's own objects. It sorts between function and trigger,
which is the order in which they are made again."""
COMMENT = "views of the old shape of tables, made and dropped by membership_refactor"
"""Of the schema. One with another comment is left where it is."""
_PRIVILEGES = "'SELECT', 'INSERT', 'UPDATE', 'DELETE'"
_REFUSED = "%I.%I shows the old shape and cannot be written"


def prepare(names: Names) -> tuple[Statement, ...]:
    """The schema, where it is missing, and what notes who reads."""
    return (
        create_schema(names),
        *reading_functions(names),
    )


def create_schema(names: Names) -> Statement:
    """The schema of the view, for those who may use the schema of the tables. It belongs to the
    current role; the login creates it where only that may."""
    schema = ident(names.old_schema)
    create = f"CREATE SCHEMA {schema} AUTHORIZATION "
    body = f"""
DECLARE
  given record;
  acting text := pg_catalog.current_setting('role');
  owner text := pg_catalog.quote_ident(current_user);
BEGIN
  IF pg_catalog.to_regnamespace({literal(schema)}) IS NOT NULL THEN
    RETURN;
  END IF;
  IF NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') THEN
    PERFORM pg_catalog.set_config('role', 'none', true);
  END IF;
  EXECUTE {literal(create)} || owner;
  PERFORM pg_catalog.set_config('role', acting, true);
  COMMENT ON SCHEMA {schema} IS {literal(COMMENT)};
  FOR given IN
    SELECT DISTINCT n.nspname = {literal(names.schema)} AS wanted, {_GRANTEE}
    FROM pg_catalog.pg_namespace AS n CROSS JOIN LATERAL pg_catalog.aclexplode(
      coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner))) AS x
    WHERE n.nspname IN ({literal(names.schema)}, {literal(names.old_schema)})
      AND (n.nspname = {literal(names.old_schema)} OR x.privilege_type = 'USAGE')
    ORDER BY wanted
  LOOP
    CONTINUE WHEN given.grantee = owner;
    EXECUTE CASE WHEN given.wanted THEN {literal(f"GRANT USAGE ON SCHEMA {schema} TO ")}
      ELSE {literal(f"REVOKE ALL ON SCHEMA {schema} FROM ")} END || given.grantee;
  END LOOP;
END
"""
    return Statement(f"DO {dollar_quoted(body)}")


_GRANTEE = """CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE
      pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)::text) END AS grantee"""


def over_child(names: Names, columns: Sequence[Column]) -> Statement:
    """The view over the child alone, which has all columns. It can be written as the child can."""
    text = (
        f"SELECT {listed((c.name for c in columns), 'c.')}\n"
        f"FROM {names.child} AS c WHERE {_asked(names)}"
    )
    # The option asks the function for an INSERT too, which evaluates no condition otherwise.
    return _put(names, literal(_create(names, text, "check_option = local")))


def over_both(names: Names, columns: Sequence[Column], *, since: str) -> tuple[Statement, ...]:
    """The view over child and parent. A write is refused.

    ``since`` is an expression for the time from which on a change of the parent alone counts as one
    of the row. Whoever only reads what was changed would miss it otherwise.
    """
    plan = names.plan
    text = (
        f"SELECT {', '.join(_of_both(names, columns))}\n"
        f"FROM {names.child} AS c JOIN {names.parent} AS p "
        f"ON p.{ident(plan.parent_id)} = c.{ident(plan.link)}\nWHERE {_asked(names)}"
    )
    made = literal(_create(names, text))
    changed = next((c for c in columns if c.name == plan.changed), None)
    if changed is not None:
        whole = _create(names, text).replace("%", "%%").replace(_SINCE, "%L")
        made = f"pg_catalog.format({literal(whole)}, ({since})::{changed.type})"
    return (_put(names, made), *_refuse_writes(names))


_SINCE = "\0since"


def _of_both(names: Names, columns: Sequence[Column]) -> Iterator[str]:
    plan = names.plan
    for column in columns:
        name = ident(column.name)
        if column.name == plan.changed:
            yield (
                f"CASE WHEN p.{name} > {_SINCE}::{column.type} "
                f"THEN greatest(c.{name}, p.{name}) ELSE c.{name} END AS {name}"
            )
        else:
            yield f"{'p' if column.name in plan.leaving else 'c'}.{name}"


def _asked(names: Names) -> str:
    # A subquery of its own is evaluated once, wherever a statement has the view. The function alone
    # would be called again for each row of an outer query.
    return f"(SELECT {reader(names)}(NULL))"


def _create(names: Names, text: str, *options: str) -> str:
    with_options = ", ".join(("security_invoker = true", *options))
    return f"CREATE OR REPLACE VIEW {names.old_shape} WITH ({with_options}) AS\n{text}"


def _put(names: Names, text: str) -> Statement:
    return Statement(
        f"DO {dollar_quoted(chr(10) + put(names, text) + chr(10))}",
        Lock.ACCESS_EXCLUSIVE,
        names.old_shape,
    )


def put(names: Names, text: str) -> str:
    """A block of plpgsql that executes the expression ``text``, which makes the view or replaces
    it. A new view has the child's grants and no others."""
    view = literal(names.old_shape)
    return f"""\
DECLARE
  given record;
  made boolean := pg_catalog.to_regclass({view}) IS NULL;
BEGIN
  EXECUTE {text};
  IF made THEN
{take_default_privileges_away(names.old_shape)}
FOR given IN
  SELECT x.privilege_type AS privilege, {_GRANTEE},
    CASE WHEN x.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS option
  FROM pg_catalog.pg_class AS c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) AS x
  WHERE c.oid = {literal(names.child)}::pg_catalog.regclass AND x.grantee <> c.relowner
    AND x.privilege_type IN ({_PRIVILEGES})
LOOP
  EXECUTE pg_catalog.format('GRANT %s ON %s TO %s%s', given.privilege, {view}, given.grantee,
    given.option);
END LOOP;
  END IF;
END;"""


def _refuse_writes(names: Names) -> tuple[Statement, ...]:
    function = names.own("refuse_old_shape")
    arguments = ", ".join(map(literal, (names.old_schema, names.plan.source)))
    body = f"  {note(names, 'refused a write')}\n  " + refusal(
        f"pg_catalog.format({literal(_REFUSED)}, {arguments})",
        literal(f"Write to {names.child} and {names.parent}; from here on rows are kept there."),
    )
    trigger = _trigger(names)
    return (
        *trigger_function(function, body),
        *remove_triggers((trigger,)),
        Statement(trigger.text, Lock.ACCESS_EXCLUSIVE, names.old_shape),
    )


def _trigger(names: Names) -> OwnTrigger:
    return OwnTrigger(
        before("refuse_old_shape"),
        "INSTEAD OF INSERT OR UPDATE OR DELETE",
        names.old_shape,
        names.own("refuse_old_shape"),
        each="ROW",
    )


def accept_writes(names: Names) -> tuple[Statement, ...]:
    """Drop the trigger that refuses writes, before the view is one over the child again."""
    return (
        *remove_triggers((_trigger(names),)),
        *drop_own(names, "refuse_old_shape"),
    )


def drop_view(names: Names) -> Statement:
    """Drop the view. It fails where another object of the database reads it."""
    view = names.old_shape
    return Statement(f"DROP VIEW IF EXISTS {view}", Lock.ACCESS_EXCLUSIVE, view)


def drop_rest(names: Names) -> tuple[Statement, ...]:
    """Drop what the view has called, and the schema if it is the tool's and nothing is left in
    it."""
    schema = ident(names.old_schema)
    body = f"""
BEGIN
  IF pg_catalog.obj_description(pg_catalog.to_regnamespace({literal(schema)}), 'pg_namespace')
      = {literal(COMMENT)} THEN
    DROP SCHEMA {schema};
  END IF;
EXCEPTION WHEN dependent_objects_still_exist THEN NULL;  -- another plan has a view there
END
"""
    return (
        *drop_reading(names),
        *drop_own(names, "refuse_old_shape"),
        Statement(f"DO {dollar_quoted(body)}"),
    )
