"""The script's session: pinned settings, the role of the tables' owner, one migration at a time."""

from __future__ import annotations

from collections.abc import Sequence

from membership_refactor.script.psql import ask, block
from membership_refactor.script.records import Records
from membership_refactor.sql.names import Names, tenant_lock
from membership_refactor.sql.quoting import ident, literal
from membership_refactor.sql.session_settings import pin_settings


def remember() -> str:
    """Store role and search_path in psql variables. Alembic's own statements between steps need
    them."""
    return ask(
        refactor_search_path="pg_catalog.current_setting('search_path')",
        refactor_role="pg_catalog.current_setting('role')",
    )


def put_back() -> str:
    """Set role and search_path back to what ``remember`` stored. Other settings stay."""
    return ask(
        refactor_search_path="pg_catalog.set_config('search_path', :'refactor_search_path', false)",
        refactor_role="pg_catalog.set_config('role', :'refactor_role', false)",
    )


def pinned(label: str) -> str:
    """Pin the settings that all sessions of the tool have."""
    # A portrait's texts are printed with quotes only where they are needed.
    quotes = "pg_catalog.set_config('quote_all_identifiers', 'off', false)"
    return block(
        f"\nBEGIN\n  PERFORM {pin_settings(f'membership_refactor {label}')}, {quotes};\nEND\n"
    )


def as_owner(names: Names, tables: Sequence[str]) -> str:
    """Set the role to the owner of the tables. If there are no tables yet, the role stays."""
    return ask(
        refactor_owner=(
            f"pg_catalog.set_config('role', coalesce(({owner(names, tables)}),\n"
            "    pg_catalog.current_setting('role')), false)"
        )
    )


def owner(names: Names, tables: Sequence[str]) -> str:
    """SELECT the owner's name. It is NULL if there are no tables."""
    role = "pg_catalog.max(pg_catalog.pg_get_userbyid(c.relowner)::text)"
    return f"SELECT {role}\n  {_found(names, tables)}"


def _found(names: Names, tables: Sequence[str]) -> str:
    listed = ", ".join(literal(t) for t in tables)
    return (
        "FROM pg_catalog.pg_class AS c\n"
        f"  WHERE c.relnamespace = pg_catalog.to_regnamespace({literal(ident(names.schema))})\n"
        f"    AND c.relkind IN ('r', 'p') AND c.relname IN ({listed})"
    )


def requirements(records: Records, tables: Sequence[str]) -> str:
    """Raise, before anything is changed, where the script cannot run at all."""
    names = records.names
    wait = records.hint("Wait until it ends. To see how far it is: membership-refactor status")
    schema = literal(ident(names.schema))
    create = (
        f"CREATE SCHEMA {ident(names.schema)}, or print the script for another one with "
        "-x schema=NAME."
    )
    body = f"""
BEGIN
  IF pg_catalog.now() <> pg_catalog.statement_timestamp() THEN
    RAISE invalid_transaction_state USING
      MESSAGE = 'this script commits as it goes and cannot run inside a transaction',
      HINT = 'Run it with psql without -1 (--single-transaction) and without a BEGIN before it.';
  END IF;
  IF pg_catalog.current_setting('server_version_num')::int < 150000
    OR pg_catalog.current_setting('server_encoding') <> 'UTF8' THEN
    RAISE feature_not_supported USING
      MESSAGE = 'PostgreSQL 15 or newer with encoding UTF8 is needed',
      DETAIL = pg_catalog.format('This is PostgreSQL %s, encoding %s.',
        pg_catalog.current_setting('server_version'),
        pg_catalog.current_setting('server_encoding'));
  END IF;
  IF pg_catalog.to_regnamespace({schema}) IS NULL THEN
    RAISE invalid_schema_name USING
      MESSAGE = {literal(f'schema "{names.schema}" does not exist')},
      HINT = {literal(create)};
  END IF;
  IF (SELECT pg_catalog.count(DISTINCT c.relowner) {_found(names, tables)}) > 1 THEN
    RAISE object_not_in_prerequisite_state USING
      MESSAGE = {literal(f'the tables of plan "{names.plan.name}" have several owners')},
      HINT = 'Give them one owner with ALTER TABLE ... OWNER TO.';
  END IF;
  -- Only the trying form: a waiter would hold a snapshot that a concurrent index build waits for.
  IF NOT pg_catalog.pg_try_advisory_lock({tenant_lock(names.schema)}) THEN
    RAISE lock_not_available USING
      MESSAGE = {literal(f'another migration of schema "{names.schema}" is running')},
      HINT = {wait};
  END IF;
  -- When psql is killed, the server would otherwise go on with the loop of batches by itself.
  BEGIN
    PERFORM pg_catalog.set_config('client_connection_check_interval', '1s', false);
  EXCEPTION WHEN invalid_parameter_value THEN NULL;  -- not on every operating system
  END;
END
"""
    return block(body)
