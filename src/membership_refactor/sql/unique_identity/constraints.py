"""Add the CHECK and the unique constraints online, and drop them."""

from __future__ import annotations

from membership_refactor.sql.quoting import columns, dollar_quoted, ident, literal
from membership_refactor.sql.statements import Lock, Statement
from membership_refactor.sql.unique_identity.names import IdentityNames


def create_made(names: IdentityNames) -> tuple[Statement, ...]:
    """Create the list of constraints that this tool makes. A downgrade drops only these."""
    return (
        Statement(f"CREATE SCHEMA IF NOT EXISTS {ident(names.ledger)}"),
        Statement(
            f"CREATE TABLE IF NOT EXISTS {names.own('made')} (\n"
            "  name text PRIMARY KEY,\n"
            "  made timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()\n)"
        ),
    )


def add_check(names: IdentityNames) -> Statement:
    """Add the CHECK that new and changed rows have an identity.

    NOT VALID: existing rows are not read, so ACCESS EXCLUSIVE is held only for the catalog change.
    """
    name = names.plan.required
    alter = (
        f"ALTER TABLE {names.table} ADD CONSTRAINT {ident(name)} CHECK ({names.known()}) NOT VALID"
    )
    body = f"""
BEGIN
  IF {_exists(names, literal(name))} THEN
    RETURN;
  END IF;
  {alter};
  INSERT INTO {names.own("made")} (name) VALUES ({literal(name)}) ON CONFLICT DO NOTHING;
END
"""
    return Statement(f"DO {dollar_quoted(body)}", Lock.ACCESS_EXCLUSIVE, names.table)


def rehearsal(names: IdentityNames) -> Statement:
    """Do what ``add_check``, ``attach`` and ``drop_made`` do, on an empty temporary table.

    A session that alters its first table has to read catalogs and load plpgsql. Done before, this
    does not prolong the lock.
    """
    table, plan = "pg_temp.rehearsal", names.plan
    check = f"ALTER TABLE {table} ADD CONSTRAINT {ident(plan.required)} CHECK ({names.known()})"
    indexes = "".join(
        f"CREATE UNIQUE INDEX {ident(a.constraint)} ON {table}"
        f" ({columns((a.column, *plan.scope))});\n"
        for a in plan.alternatives
    )
    attached = ", ".join(
        f"ADD CONSTRAINT {ident(a.constraint)} UNIQUE USING INDEX {ident(a.constraint)}"
        for a in plan.alternatives
    )
    dropped = ", ".join(f"DROP CONSTRAINT {ident(name)}" for name in constraint_names(names))
    body = f"""
BEGIN
  IF {_exists(names, literal(plan.required))} THEN
    NULL;
  END IF;
  {check} NOT VALID;
  EXECUTE {literal(f"ALTER TABLE {table} {attached}")};
  EXECUTE {literal(f"ALTER TABLE {table} {dropped}")};
END
"""
    return Statement(
        f"CREATE TEMPORARY TABLE rehearsal (LIKE {names.table});\n{indexes}DO {dollar_quoted(body)}"
    )


def validate_check(names: IdentityNames) -> Statement:
    """Validate the CHECK on every row. Writers can go on meanwhile."""
    return Statement(
        f"ALTER TABLE {names.table} VALIDATE CONSTRAINT {ident(names.plan.required)}",
        Lock.SHARE_UPDATE_EXCLUSIVE,
        names.table,
    )


def attach(names: IdentityNames) -> Statement:
    """Make the unique indexes constraints of the same names, all under one short lock."""
    wanted = ", ".join(literal(a.constraint) for a in names.plan.alternatives)
    body = f"""
DECLARE
  missing text[]; actions text;
BEGIN
  SELECT pg_catalog.array_agg(w.name ORDER BY w.place),
    pg_catalog.string_agg(
      pg_catalog.format('ADD CONSTRAINT %I UNIQUE USING INDEX %I', w.name, w.name), ', '
      ORDER BY w.place)
  INTO missing, actions
  FROM pg_catalog.unnest(ARRAY[{wanted}]) WITH ORDINALITY AS w(name, place)
  WHERE NOT {_exists(names, "w.name")};
  IF missing IS NULL THEN
    RETURN;
  END IF;
  EXECUTE {literal(f"ALTER TABLE {names.table} ")} || actions;
  INSERT INTO {names.own("made")} (name)
  SELECT m.name FROM pg_catalog.unnest(missing) AS m(name) ON CONFLICT DO NOTHING;
END
"""
    return Statement(f"DO {dollar_quoted(body)}", Lock.ACCESS_EXCLUSIVE, names.table)


def drop_made(names: IdentityNames) -> Statement:
    """Drop the constraints that this tool made. One that existed before stays."""
    wanted = ", ".join(literal(name) for name in constraint_names(names))
    body = f"""
DECLARE
  actions text;
BEGIN
  SELECT pg_catalog.string_agg(pg_catalog.format('DROP CONSTRAINT %I', m.name), ', ')
  INTO actions
  FROM {names.own("made")} AS m
  WHERE m.name IN ({wanted}) AND {_exists(names, "m.name")};
  IF actions IS NOT NULL THEN
    EXECUTE {literal(f"ALTER TABLE {names.table} ")} || actions;
  END IF;
  DELETE FROM {names.own("made")} WHERE name IN ({wanted});
END
"""
    return Statement(f"DO {dollar_quoted(body)}", Lock.ACCESS_EXCLUSIVE, names.table)


def unfit_table(names: IdentityNames) -> str:
    """Return a sentence for each reason why the constraints cannot be added online."""
    plan = names.plan
    regclass = f"pg_catalog.to_regclass({literal(names.table)})"
    needed = ", ".join(literal(c) for c in (plan.id, *plan.identity_columns, *plan.scope))
    return (
        "SELECT 'there is no such table' AS key\n"
        f"WHERE {regclass} IS NULL\n"
        "UNION ALL\n"
        "SELECT pg_catalog.format('it is not an ordinary table (relkind %s)', c.relkind)\n"
        f"FROM pg_catalog.pg_class AS c WHERE c.oid = {regclass} AND c.relkind <> 'r'\n"
        "UNION ALL\n"
        "SELECT pg_catalog.format('column %I is missing', n.name)\n"
        f"FROM pg_catalog.unnest(ARRAY[{needed}]) AS n(name)\n"
        f"WHERE {regclass} IS NOT NULL AND NOT EXISTS (\n"
        "  SELECT FROM pg_catalog.pg_attribute AS a\n"
        f"  WHERE a.attrelid = {regclass} AND a.attname = n.name\n"
        "    AND a.attnum > 0 AND NOT a.attisdropped)"
    )


def differing_constraints(names: IdentityNames) -> str:
    """Return a sentence for each constraint with a name of the plan but another definition."""
    expected = [
        (names.plan.required, "c", _sorted_text(names.plan.identity_columns)),
        *(
            (a.constraint, "u", _sorted_text((a.column, *names.plan.scope)))
            for a in names.plan.alternatives
        ),
    ]
    rows = ",\n  ".join(
        f"({literal(name)}, {literal(kind)}, {columns})" for name, kind, columns in expected
    )
    return (
        "SELECT pg_catalog.format('constraint %I is there already and says: %s', c.conname,"
        " pg_catalog.pg_get_constraintdef(c.oid)) AS key\n"
        f"FROM (VALUES\n  {rows}\n) AS e(name, kind, columns)\n"
        "JOIN pg_catalog.pg_constraint AS c ON c.conname = e.name\n"
        f"  AND c.conrelid = {literal(names.table)}::pg_catalog.regclass\n"
        "LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.conindid\n"
        "WHERE c.contype::text <> e.kind OR c.condeferrable\n"
        "  OR COALESCE(i.indnullsnotdistinct, false)\n"
        "  OR ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute AS a\n"
        "    WHERE a.attrelid = c.conrelid AND a.attnum = ANY(c.conkey)\n"
        '    ORDER BY a.attname::text COLLATE "C") <> e.columns'
    )


def missing_constraints(names: IdentityNames) -> str:
    """Return a sentence for each constraint of the plan that is missing or not validated."""
    wanted = ", ".join(literal(name) for name in constraint_names(names))
    return (
        "SELECT pg_catalog.format('constraint %I is missing or not valid', w.name) AS key\n"
        f"FROM pg_catalog.unnest(ARRAY[{wanted}]) AS w(name)\n"
        "WHERE NOT EXISTS (\n  SELECT FROM pg_catalog.pg_constraint AS c\n"
        f"  WHERE c.conrelid = {literal(names.table)}::pg_catalog.regclass\n"
        "    AND c.conname = w.name AND c.convalidated)"
    )


def constraint_names(names: IdentityNames) -> tuple[str, ...]:
    """The CHECK, then the unique constraints."""
    return (names.plan.required, *(a.constraint for a in names.plan.alternatives))


def _exists(names: IdentityNames, name: str) -> str:
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_constraint AS c WHERE c.conrelid = "
        f"{literal(names.table)}::pg_catalog.regclass AND c.conname = {name})"
    )


def _sorted_text(columns: tuple[str, ...]) -> str:
    # By bytes, like the C collation.
    listed = ", ".join(literal(c) for c in sorted(columns, key=str.encode))
    return f"ARRAY[{listed}]::text[]"
