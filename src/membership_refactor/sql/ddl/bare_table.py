"""The bare table: columns, NOT NULL, defaults, storage and owner. Only the owner can read it."""

from __future__ import annotations

from membership_refactor.portrait import Column, Member, Sequence, Table
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement


def create_bare_table(table: Table) -> tuple[Statement, ...]:
    """The empty table with its owner, and without a grant to anybody else.

    One DO block: default privileges give others access at the moment of CREATE TABLE, so the
    REVOKE has to be part of the same statement, whoever runs it and however.
    """
    name = _name(table)
    # The sequences of serial columns, each with its column.
    serial = [
        (qualified(c.sequence.schema, c.sequence.name), c.sequence, c)
        for c in table.columns
        if c.sequence and c.sequence.owned and not c.identity
    ]
    lines = [
        f"CREATE SEQUENCE {own} AS {sequence.type} {sequence_options(sequence)};"
        for own, sequence, _ in serial
    ]
    lines.append(f"{_create_table(table)};")
    if table.owner:
        # A table can own a sequence only if both have the same owner.
        lines += [f"ALTER SEQUENCE {own} OWNER TO {ident(table.owner)};" for own, _, _ in serial]
        lines.append(f"ALTER TABLE {name} OWNER TO {ident(table.owner)};")
    lines += [f"ALTER SEQUENCE {own} OWNED BY {name}.{ident(c.name)};" for own, _, c in serial]
    lines.append(take_default_privileges_away(name))
    body = "\n".join(("DECLARE", "  given record;", "BEGIN", *lines, "END"))
    settings = column_settings(table)
    members = table.partitioning.members if table.partitioning is not None else ()
    return (
        Statement(f"DO {dollar_quoted(f'{chr(10)}{body}{chr(10)}')}"),
        *map(create_partition, members),
        *settings,
    )


def create_partition(member: Member) -> Statement:
    """The empty partition with its owner alone; what it is a partition of is there."""
    name = qualified(member.schema, member.name)
    text = f"CREATE TABLE {name} PARTITION OF {member.parent} {member.bound}"
    text += _partitioned_and_stored(
        member.by, member.access_method, with_options(member.options), member.tablespace
    )
    owned = [f"ALTER TABLE {name} OWNER TO {ident(member.owner)};"] if member.owner else []
    lines = [f"{text};", *owned, take_default_privileges_away(name)]
    body = "\n".join(("DECLARE", "  given record;", "BEGIN", *lines, "END"))
    return Statement(f"DO {dollar_quoted(f'{chr(10)}{body}{chr(10)}')}")


def revoke_default_privileges(table: str) -> Statement:
    """Nobody but the owner has a privilege on ``table`` (quoted, qualified) or its sequences."""
    body = "\n".join(
        ("DECLARE", "  given record;", "BEGIN", take_default_privileges_away(table), "END")
    )
    return Statement(f"DO {dollar_quoted(f'{chr(10)}{body}{chr(10)}')}")


def take_default_privileges_away(table: str) -> str:
    """plpgsql with the variable ``given``: only the owner of the table or view keeps privileges on
    it, and on its sequences."""
    return f"""\
FOR given IN
  SELECT DISTINCT c.oid::pg_catalog.regclass AS relation, c.relkind = 'S' AS is_sequence,
         CASE WHEN x.grantee = 0 THEN 'PUBLIC'
              ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END AS grantee
  FROM pg_catalog.pg_class c
  CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
  WHERE x.grantee <> c.relowner AND (
    c.oid = {literal(table)}::pg_catalog.regclass OR c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
      AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
      AND d.refobjid = {literal(table)}::pg_catalog.regclass AND d.deptype IN ('a', 'i')))
LOOP
  EXECUTE pg_catalog.format('REVOKE ALL ON %s %s FROM %s CASCADE',
    CASE WHEN given.is_sequence THEN 'SEQUENCE' ELSE 'TABLE' END, given.relation, given.grantee);
END LOOP;"""


def _name(table: Table) -> str:
    return qualified(table.schema, table.name)


def _create_table(table: Table) -> str:
    unlogged = "UNLOGGED " if table.persistence == "u" else ""
    columns = ",\n".join(f"  {column_clause(c)}" for c in table.columns)
    text = f"CREATE {unlogged}TABLE {_name(table)} (\n{columns}\n)"
    by = table.partitioning.by if table.partitioning is not None else None
    options = with_options(table.options, table.toast_options)
    return text + _partitioned_and_stored(by, table.access_method, options, table.tablespace)


def _partitioned_and_stored(
    by: str | None, access_method: str, options: str, tablespace: str | None
) -> str:
    """The end of CREATE TABLE."""
    clauses = (
        f"PARTITION BY {by}" if by else "",
        f"USING {ident(access_method)}" if access_method else "",
        options,
        f"TABLESPACE {ident(tablespace)}" if tablespace else "",
    )
    return "".join(f" {clause}" for clause in clauses if clause)


def column_clause(column: Column) -> str:
    """The column as CREATE TABLE and ADD COLUMN take it."""
    parts = [ident(column.name), column.type]
    if column.compression:
        parts.append(f"COMPRESSION {column.compression}")
    if column.collation:
        parts.append(f"COLLATE {column.collation}")
    if column.generated is not None:
        kind = "VIRTUAL" if column.virtual else "STORED"
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) {kind}")
    elif column.identity:
        parts.append(f"GENERATED {column.identity.upper()} AS IDENTITY")
        if column.sequence:
            s = column.sequence
            parts.append(f"(SEQUENCE NAME {qualified(s.schema, s.name)} {sequence_options(s)})")
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    if column.not_null:
        named = f"CONSTRAINT {ident(column.not_null_name)} " if column.not_null_name else ""
        parts.append(f"{named}NOT NULL")  # the name counts from PostgreSQL 18 on
    return " ".join(parts)


def sequence_options(sequence: Sequence) -> str:
    """Everything but type and position, as CREATE SEQUENCE and identity columns take it."""
    cycle = "CYCLE" if sequence.cycle else "NO CYCLE"
    return (
        f"INCREMENT BY {sequence.increment} MINVALUE {sequence.minimum}"
        f" MAXVALUE {sequence.maximum} START WITH {sequence.start} CACHE {sequence.cache} {cycle}"
    )


def with_options(options: tuple[str, ...], toast: tuple[str, ...] = ()) -> str:
    """``WITH (...)`` for reloptions as the catalog keeps them (``name=value``), or nothing."""
    named = [*options, *(f"toast.{option}" for option in toast)]
    if not named:
        return ""
    return f"WITH ({', '.join(option_text(option) for option in named)})"


def option_text(option: str) -> str:
    """``name='value'``; the value is always quoted, as it may hold anything."""
    name, _, value = option.partition("=")
    return f"{name}={literal(value)}"


def column_settings(table: Table) -> tuple[Statement, ...]:
    """Column settings that CREATE TABLE cannot give before PostgreSQL 16."""
    statements = []
    name = _name(table)
    for column in table.columns:
        alter = f"ALTER TABLE {name} ALTER COLUMN {ident(column.name)}"
        if column.storage:
            text = f"{alter} SET STORAGE {column.storage}"
            statements.append(Statement(text, Lock.ACCESS_EXCLUSIVE, name))
        if column.statistics is not None:
            text = f"{alter} SET STATISTICS {column.statistics}"
            statements.append(Statement(text, Lock.SHARE_UPDATE_EXCLUSIVE, name))
        if column.options:
            options = ", ".join(option_text(option) for option in column.options)
            statements.append(
                Statement(f"{alter} SET ({options})", Lock.SHARE_UPDATE_EXCLUSIVE, name)
            )
    return tuple(statements)
