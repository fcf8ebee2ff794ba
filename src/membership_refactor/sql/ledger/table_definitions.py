"""The ledger: the tables in which progress, checks, evidence and decisions are recorded.

One schema per tenant, owned by the owner of the tables; no writer needs a grant on it.
"""

from __future__ import annotations

from membership_refactor.sql.names import ledger_schema
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.statements import Statement

FORM = 5
"""The form of these tables. A ledger of another form is refused; form 1 had no table ``form``, form
2 no samples of use, form 3 no view among the tool's own objects, and form 4 no triggers of an
action."""

TABLES: dict[str, str] = {
    "form": """
  number integer PRIMARY KEY""",
    "plan": """
  plan text PRIMARY KEY,
  fingerprint text NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT pg_catalog.now()""",
    "step": """
  plan text NOT NULL,
  step text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('up', 'down')),
  state text NOT NULL CHECK (state IN ('open', 'done')),
  started_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  ended_at timestamptz,
  portrait jsonb,
  now jsonb,
  PRIMARY KEY (plan, step)""",
    "action": """
  plan text NOT NULL,
  step text NOT NULL,
  direction text NOT NULL,
  key text NOT NULL,
  done_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  rows bigint,
  lock_waited_ms double precision,
  lock_held_ms double precision,
  tries integer,
  triggers jsonb,
  PRIMARY KEY (plan, step, direction, key)""",
    "job": """
  plan text NOT NULL,
  job text NOT NULL,
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
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  step text,
  direction text,
  name text NOT NULL,
  broken bigint NOT NULL,
  keys text[] NOT NULL DEFAULT '{}',
  seconds double precision NOT NULL,
  checked_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()""",
    "proof": """
  plan text NOT NULL,
  name text NOT NULL,
  digest text NOT NULL,
  step text NOT NULL,
  snapshot xid8 NOT NULL,
  tables jsonb NOT NULL,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
  PRIMARY KEY (plan, name)""",
    "event": """
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  step text,
  direction text,
  event text NOT NULL,
  detail jsonb,
  by_role text NOT NULL DEFAULT session_user,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()""",
    "acceptance": """
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  step text NOT NULL,
  option text NOT NULL,
  reason text NOT NULL CHECK (reason <> ''),
  by_role text NOT NULL DEFAULT session_user,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()""",
    "usage_interval": """
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  target text NOT NULL,
  source text NOT NULL,
  began timestamptz NOT NULL,
  ended timestamptz NOT NULL,
  uses bigint NOT NULL,
  covered boolean NOT NULL,
  detail jsonb""",
    "usage_sample": """
  plan text NOT NULL,
  server text NOT NULL,
  source text NOT NULL,
  taken_at timestamptz NOT NULL,
  state jsonb NOT NULL,
  PRIMARY KEY (plan, server, source)""",
    "usage": """
  plan text NOT NULL,
  target text NOT NULL,
  digest text NOT NULL,
  source text NOT NULL,
  server text NOT NULL,
  role text NOT NULL,
  application text NOT NULL,
  statement text NOT NULL,
  columns text[] NOT NULL,
  why text NOT NULL,
  before bigint NOT NULL,
  uses bigint NOT NULL,
  first_at timestamptz,
  last_at timestamptz,
  PRIMARY KEY (plan, target, digest)""",
    "scan_outcome": """
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
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
    "own_object": """
  plan text NOT NULL,
  kind text NOT NULL,
  name text NOT NULL,
  definition text NOT NULL,
  at text NOT NULL,
  bare text NOT NULL,
  PRIMARY KEY (plan, kind, name)""",
    "repair": """
  n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  plan text NOT NULL,
  comparison text NOT NULL,
  key text NOT NULL,
  difference text NOT NULL,
  columns text[],
  was jsonb,
  at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()""",
}
"""Bare name and columns of each table."""

MEASURED: dict[str, str] = {
    "felt": """
  plan text NOT NULL,
  step text NOT NULL,
  direction text NOT NULL,
  key text NOT NULL,
  n integer NOT NULL,
  title text NOT NULL,
  began timestamptz NOT NULL,
  ended timestamptz NOT NULL,
  writes integer NOT NULL,
  median_ms double precision NOT NULL,
  longest_ms double precision NOT NULL,
  idle_ms double precision NOT NULL,
  allowed_ms double precision NOT NULL,
  share double precision NOT NULL,
  rows bigint NOT NULL,
  waited_seconds double precision NOT NULL,
  lag_bytes bigint,
  PRIMARY KEY (plan, step, direction, key, n)""",
}
"""The tables of what only a run on the server measures. A script makes none, and where one is
missing nothing was measured."""


def create_ledger(schema: str, owner: str | None = None) -> tuple[Statement, ...]:
    """Create the ledger schema with its tables; closed to everybody but the owner."""
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
    form = qualified(ledger, "form")
    made.append(Statement(f"INSERT INTO {form} (number) VALUES ({FORM}) ON CONFLICT DO NOTHING"))
    made.append(
        Statement(
            f"CREATE INDEX IF NOT EXISTS batch_open ON {qualified(ledger, 'batch')} "
            "(plan, job) WHERE NOT done"
        )
    )
    return tuple(made)


def create_measured(schema: str) -> tuple[Statement, ...]:
    """Create what is missing of the tables of ``MEASURED``, in a ledger that stands."""
    ledger = ledger_schema(schema)
    return tuple(
        Statement(f"CREATE TABLE IF NOT EXISTS {qualified(ledger, name)} ({columns}\n)")
        for name, columns in MEASURED.items()
    )


def drop_ledger(schema: str) -> Statement:
    """Drop the whole ledger; the downgrade of the first step checks first that it may."""
    return Statement(f"DROP SCHEMA IF EXISTS {ident(ledger_schema(schema))} CASCADE")
