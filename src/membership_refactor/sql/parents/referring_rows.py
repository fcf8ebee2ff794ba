"""Rows of other tables that refer to a parent: it is not deleted under them.

The application never asked for that DELETE. ON DELETE CASCADE or SET NULL would take its rows, or
their references, along without a word.
"""

from __future__ import annotations

from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import dollar_quoted, ident, literal
from membership_refactor.sql.statements import Statement


def referred_function(names: Names) -> tuple[Statement, ...]:
    """``referred(uuids)``: those of the parents that a row of another table refers to. They are
    locked FOR UPDATE first, so that a reference that is being written is waited for and seen.

    The catalog is asked at each call: a foreign key may have come since. A table that the owner
    may not read whole counts as referring.
    """
    plan, parent = names.plan, names.parent
    uuid = ident(plan.parent_id)
    own = [names.link_key_name, *([names.kept_key_name] if plan.keep else [])]
    links = " OR ".join(f"k.conname = {literal(name)}" for name in own)
    links = f"({links})" if plan.keep else links
    oid = f"{literal(names.child)}::pg_catalog.regclass"
    of_child = f"k.conrelid = {oid}"
    if names.partitioned:
        # While the key is validated, each partition has its own.
        tree = f"SELECT t.relid FROM pg_catalog.pg_partition_tree({oid}) AS t"
        of_child = f"k.conrelid IN ({tree})"
    body = f"""
#variable_conflict use_variable
DECLARE
  own_key record; own_some pg_catalog.uuid[]; own_found pg_catalog.uuid[] := '{{}}';
BEGIN
  PERFORM FROM {parent} AS p WHERE p.{uuid} = ANY (uuids) ORDER BY p.{uuid} FOR UPDATE;
  FOR own_key IN
    SELECT k.conrelid::pg_catalog.regclass AS referring,
      pg_catalog.has_table_privilege(k.conrelid, 'SELECT')
        AND NOT pg_catalog.row_security_active(k.conrelid) AS seen,
      (SELECT pg_catalog.string_agg(pg_catalog.format('r.%I = p.%I', a.attname, b.attname),
          ' AND ')
        FROM ROWS FROM (pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.confkey)) AS c (one, two)
        JOIN pg_catalog.pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = c.one
        JOIN pg_catalog.pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = c.two
      ) AS same
    FROM pg_catalog.pg_constraint AS k
    WHERE k.confrelid = {literal(parent)}::pg_catalog.regclass AND k.contype = 'f'
      AND k.conparentid = 0 AND NOT ({links}
        AND {of_child})
  LOOP
    IF NOT own_key.seen THEN
      RETURN uuids;
    END IF;
    EXECUTE pg_catalog.format('SELECT pg_catalog.array_agg(DISTINCT p.%I) FROM %s AS p '
      'JOIN %s AS r ON %s WHERE p.%I = ANY ($1)', {literal(plan.parent_id)}, {literal(parent)},
      own_key.referring, own_key.same, {literal(plan.parent_id)})
    INTO own_some USING uuids;
    own_found := own_found || coalesce(own_some, '{{}}');
  END LOOP;
  RETURN own_found;
END
"""
    function = f"{names.own('referred')}(uuids pg_catalog.uuid[])"
    return (
        Statement(
            f"CREATE OR REPLACE FUNCTION {function} RETURNS pg_catalog.uuid[]\n"
            f"LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS {dollar_quoted(body)}"
        ),
        Statement(f"REVOKE ALL ON FUNCTION {names.own('referred')}(pg_catalog.uuid[]) FROM PUBLIC"),
    )


def is_referred(names: Names, uuid: str) -> str:
    """A condition: a row of another table refers to the parent with that uuid."""
    return f"pg_catalog.cardinality({names.own('referred')}(ARRAY[{uuid}])) > 0"
