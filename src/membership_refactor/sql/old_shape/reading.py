"""How a read of the view of the old shape is noted: a line in the server's log, and a statement.

Both stay when the reader rolls back, and both are possible in a read-only transaction and on a
standby. A row in a table would not be.
"""

from __future__ import annotations

from hashlib import sha256

from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import dollar_quoted, literal
from membership_refactor.sql.statements import Statement

WHERE_FROM = "coalesce(pg_catalog.host(pg_catalog.inet_client_addr()), 'a local socket')"


def mark(names: Names) -> str:
    """The column of the statement that each read runs, by which the statistics show it. It has the
    name of no table."""
    digest = sha256(f"{names.ledger}.{names.plan.name}".encode()).hexdigest()
    return f"membership_refactor_old_shape_{digest[:16]}"


def noting(names: Names) -> str:
    """The whole statement, as the statistics show it."""
    return f"SELECT reader IS NULL AS {mark(names)}"


def said(names: Names) -> str:
    """How a line in the log begins that notes a use of the view."""
    return f"membership_refactor old shape: {names.old_shape} "


def note(names: Names, what: str) -> str:
    """plpgsql that writes the line. ``what`` has happened, by the role that it names."""
    text = literal(f"{said(names).replace('%', '%%')}{what} (session of %, application %, from %)")
    who = "pg_catalog.current_setting('application_name')"
    by = ", current_user" if "%" in what else ""
    return f"RAISE LOG {text}{by}, session_user,\n    {who}, {WHERE_FROM};"


def reading_functions(names: Names) -> tuple[Statement, ...]:
    """The function that the view calls once in a statement. It is true, whoever reads.

    It says nothing of the tool's own reads: those of a session with the tool's name, whose role may
    act as the owner of the tables.
    """
    function, domain = reader(names), names.own("old_shape_reader")
    there = f"pg_catalog.to_regtype({literal(domain)}) IS NULL"
    make = f" BEGIN IF {there} THEN CREATE DOMAIN {domain} AS pg_catalog.bool; END IF; END "
    body = f"""
DECLARE
  answer pg_catalog.bool;
BEGIN
  IF pg_catalog.starts_with(pg_catalog.current_setting('application_name'),
      'membership_refactor ') THEN
    IF (SELECT pg_catalog.pg_has_role(session_user, n.nspowner, 'MEMBER')
        FROM pg_catalog.pg_namespace AS n
        WHERE n.nspname OPERATOR(pg_catalog.=) {literal(names.ledger)}) THEN
      RETURN true;
    END IF;
  END IF;
  {note(names, "read by %")}
  -- The statistics count it for the reader's role. They tell statements apart by the types of their
  -- parameters, so no other statement is taken for it.
  {noting(names)} INTO answer;
  RETURN true;
END
"""
    return (
        Statement(f"DO {dollar_quoted(make)}"),
        Statement(
            f"CREATE OR REPLACE FUNCTION {function}(reader {domain}) RETURNS pg_catalog.bool\n"
            # STABLE, so that it is asked once and not for each row; RESTRICTED, because the
            # statistics count nothing that a parallel worker runs.
            f"LANGUAGE plpgsql STABLE PARALLEL RESTRICTED AS {dollar_quoted(body)}"
        ),
        # Only who may use the schema of the ledger can call it by its name.
        Statement(f"GRANT EXECUTE ON FUNCTION {function}({domain}) TO PUBLIC"),
    )


def reader(names: Names) -> str:
    """The function, quoted and qualified."""
    return names.own("old_shape_read")


def drop_reading(names: Names) -> tuple[Statement, ...]:
    """Drop the function and the type of its parameter."""
    domain = names.own("old_shape_reader")
    return (
        Statement(f"DROP FUNCTION IF EXISTS {reader(names)}"),
        Statement(f"DROP DOMAIN IF EXISTS {domain}"),
    )


def own_views(ledger: str) -> str:
    """SELECT of the OIDs of the tool's own views: those that call a function of the ledger's
    schema. ``ledger`` is an expression for the name of that schema."""
    return f"""(SELECT w.ev_class FROM pg_catalog.pg_depend AS o
    JOIN pg_catalog.pg_rewrite AS w ON w.oid = o.objid
    JOIN pg_catalog.pg_proc AS f ON f.oid = o.refobjid
    JOIN pg_catalog.pg_namespace AS s ON s.oid = f.pronamespace
    WHERE o.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
    AND o.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND s.nspname = {ledger})"""
