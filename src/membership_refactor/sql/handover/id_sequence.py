"""Moving the id sequence between two tables: its position, options, owner and grants."""

from __future__ import annotations

from collections.abc import Iterator

from membership_refactor.portrait import Column, Sequence, Table
from membership_refactor.sql.ddl.bare_table import sequence_options
from membership_refactor.sql.ddl.grants_and_policies import grant_sequence
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement


def move_identity(owner: Table, *, giver: str, taker: str, share: bool) -> Iterator[Statement]:
    """Moves every owned sequence of ``owner`` from ``giver`` to ``taker`` (quoted, qualified).

    ``owner`` is the portrait whose columns describe the sequences. With ``share`` the giver keeps a
    default from the sequence (in 0005's downgrade). Both tables must be locked ACCESS EXCLUSIVE;
    the sequence is locked here.
    """
    for column in owner.columns:
        if column.sequence is None or not column.sequence.owned:
            continue
        if column.identity:
            yield from _identity(
                column, column.sequence, owner.owner, giver=giver, taker=taker, share=share
            )
        else:
            yield from _serial(column, column.sequence, giver=giver, taker=taker, share=share)


def _serial(
    column: Column, sequence: Sequence, *, giver: str, taker: str, share: bool
) -> Iterator[Statement]:
    name, place = qualified(sequence.schema, sequence.name), ident(column.name)
    if not share:
        yield Statement(
            f"ALTER TABLE {giver} ALTER COLUMN {place} DROP DEFAULT", Lock.ACCESS_EXCLUSIVE, giver
        )
    elif column.default is not None:  # Otherwise it was dropped by hand and stays dropped.
        # 0005 dropped the default of the taker, which was the giver then.
        yield Statement(
            f"ALTER TABLE {taker} ALTER COLUMN {place} SET DEFAULT {column.default}",
            Lock.ACCESS_EXCLUSIVE,
            taker,
        )
    yield Statement(f"ALTER SEQUENCE {name} OWNED BY {taker}.{place}", Lock.ACCESS_EXCLUSIVE, taker)


def _identity(
    column: Column, sequence: Sequence, owner: str, *, giver: str, taker: str, share: bool
) -> Iterator[Statement]:
    # The sequence of an identity column cannot get another owner. DROP IDENTITY drops it, and ADD
    # GENERATED creates one with the same name, options and position. ALTER SEQUENCE locks the
    # sequence against nextval(); without it an id drawn meanwhile would be given twice.
    name, place = qualified(sequence.schema, sequence.name), ident(column.name)
    kind = column.identity.upper()
    restore = (
        f"ALTER TABLE {giver} ALTER COLUMN {place} SET DEFAULT"
        f" pg_catalog.nextval({literal(name)}::pg_catalog.regclass);"
        if share
        else ""
    )
    body = f"""
DECLARE
  position_now bigint;
  drawn boolean;
  grantee text;
BEGIN
  ALTER SEQUENCE {name} CACHE {sequence.cache};
  SELECT s.last_value, s.is_called INTO position_now, drawn FROM {name} AS s;
  ALTER TABLE {taker} ALTER COLUMN {place} DROP DEFAULT;
  ALTER TABLE {giver} ALTER COLUMN {place} DROP IDENTITY;
  ALTER TABLE {taker} ALTER COLUMN {place} ADD GENERATED {kind} AS IDENTITY
    (SEQUENCE NAME {name} {sequence_options(sequence)});
  PERFORM pg_catalog.setval({literal(name)}::pg_catalog.regclass, position_now, drawn);
  FOR grantee IN
    SELECT DISTINCT CASE WHEN x.grantee = 0 THEN 'PUBLIC'
      ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END
    FROM pg_catalog.pg_class c CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) x
    WHERE c.oid = {literal(name)}::pg_catalog.regclass AND x.grantee <> c.relowner
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON SEQUENCE %s FROM %s CASCADE',
      {literal(name)}, grantee);
  END LOOP;
  {restore}
END
"""
    yield Statement(f"DO {dollar_quoted(body)}", Lock.ACCESS_EXCLUSIVE, taker)
    yield from grant_sequence(sequence, owner)
    if sequence.comment is not None:
        yield Statement(f"COMMENT ON SEQUENCE {name} IS {literal(sequence.comment)}")
