"""The ledger: the tables in which progress, checks, evidence and decisions are recorded.

One schema per tenant, owned by the owner of the tables; no writer needs a grant on it.
"""

from __future__ import annotations

from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.statements import Statement

TABLES: dict[str, str] = {
    "plan": """
  plan text PRIMARY KEY,
  fingerprint text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT pg_catalog.now()""",
    "step": """
  plan text NOT NULL,
  revision text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('up', 'down')),
  state text NOT NULL CHECK (state IN ('open', 'done')),
  started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  ended_at timestamptz,
  portrait jsonb,
  now jsonb,
  PRIMARY KEY (plan, revision)""",
    "action": """
  plan text NOT NULL,
  revision text NOT NULL,
  direction text NOT NULL,
  name text NOT NULL,
  started_at timestamptz,
  done_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  rows bigint,
  lock_waited_ms double precision,
  lock_held_ms double precision,
  tries integer,
  PRIMARY KEY (plan, revision, direction, name)""",
    "job": """
  plan text NOT NULL,
  job text NOT NULL,
  phase text NOT NULL DEFAULT 'build',
  bound text,
  claimed text,
  nulls_done boolean NOT NULL DEFAULT false,
  exhausted boolean NOT NULL DEFAULT false,
  PRIMARY KEY (plan, job)""",
    "batch": """
  plan text NOT NULL,
  job text NOT NULL,
  n bigint NOT NULL,
  first text,
  last text,
  done boolean NOT NULL DEFAULT false,
  rows bigint,
  worker text,
  claimed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  done_at timestamptz,
  PRIMARY KEY (plan, job, n)""",
    "check_result": """
  plan text NOT NULL,
  revision text,
  direction text,
  name text NOT NULL,
  broken bigint NOT NULL,
  keys text[] NOT NULL DEFAULT '{}',
  seconds double precision NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()""",
    "event": """
  plan text NOT NULL,
  revision text,
  direction text,
  event text NOT NULL,
  detail jsonb,
  by_role text NOT NULL DEFAULT session_user,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()""",
    "acceptance": """
  plan text NOT NULL,
  revision text NOT NULL,
  reason text NOT NULL CHECK (reason <> ''),
  by_role text NOT NULL DEFAULT session_user,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()""",
    "usage_interval": """
  plan text NOT NULL,
  target text NOT NULL,
  source text NOT NULL,
  began timestamptz NOT NULL,
  ended timestamptz NOT NULL,
  uses bigint NOT NULL,
  covered boolean NOT NULL,
  detail jsonb""",
    "scan_outcome": """
  plan text NOT NULL,
  stage text NOT NULL,
  consumer text NOT NULL,
  clear boolean NOT NULL,
  findings integer NOT NULL,
  detail jsonb,
  scanned_at timestamptz NOT NULL DEFAULT pg_catalog.now()""",
    "control": """
  plan text PRIMARY KEY,
  paused boolean NOT NULL DEFAULT false,
  batch_rows integer CHECK (batch_rows > 0),
  max_lag_bytes bigint,
  max_wal_bytes_per_second bigint,
  max_active_sessions integer,
  note text,
  changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()""",
    "repair": """
  plan text NOT NULL,
  comparison text NOT NULL,
  key text NOT NULL,
  difference text NOT NULL,
  columns text[],
  was jsonb,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()""",
}
"""Bare name and columns of each table."""


def create_ledger(schema: str, owner: str | None = None) -> tuple[Statement, ...]:
    """The ledger schema with its tables; closed to everybody but the owner."""
    ledger = ledger_schema(schema)
    authorization = f" AUTHORIZATION {ident(owner)}" if owner else ""
    # CREATE SCHEMA asks for its privilege even where IF NOT EXISTS leaves it nothing to do.
    missing = f"pg_catalog.to_regnamespace({literal(ident(ledger))}) IS NULL"
    create = f"CREATE SCHEMA {ident(ledger)}{authorization}"
    body = f" BEGIN IF {missing} THEN EXECUTE {literal(create)}; END IF; END "
    made = [
        Statement(f"DO {dollar_quoted(body)}"),
        Statement(f"REVOKE ALL ON SCHEMA {ident(ledger)} FROM PUBLIC"),
    ]
    for name, columns in TABLES.items():
        table = qualified(ledger, name)
        made.append(Statement(f"CREATE TABLE IF NOT EXISTS {table} ({columns}\n)"))
    made.append(
        Statement(
            f"CREATE INDEX IF NOT EXISTS batch_open ON {qualified(ledger, 'batch')} "
            "(plan, job) WHERE NOT done"
        )
    )
    return tuple(made)


def drop_ledger(schema: str) -> Statement:
    """Takes the whole ledger away; the downgrade of 0001 asks first whether it may."""
    return Statement(f"DROP SCHEMA IF EXISTS {ident(ledger_schema(schema))} CASCADE")


def is_done(schema: str, plan: str, revision: str, direction: str, action: str) -> str:
    """A condition: that action of that step is done."""
    table = qualified(ledger_schema(schema), "action")
    return (
        f"EXISTS (SELECT FROM {table} AS d WHERE d.plan = {literal(plan)} "
        f"AND d.revision = {literal(revision)} AND d.direction = {literal(direction)} "
        f"AND d.name = {literal(action)})"
    )


def mark_done(schema: str, plan: str, revision: str, direction: str, action: str) -> str:
    """INSERT that records it; run in the transaction that does it."""
    table = qualified(ledger_schema(schema), "action")
    values = ", ".join(literal(v) for v in (plan, revision, direction, action))
    return (
        f"INSERT INTO {table} (plan, revision, direction, name) VALUES ({values})\n"
        "ON CONFLICT DO NOTHING"
    )
