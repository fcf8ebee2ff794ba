"""Grants, row security and policies."""

from __future__ import annotations

from collections.abc import Iterable

from membership_refactor.portrait import Grant, Policy, Sequence, Table
from membership_refactor.sql.quoting import dollar_quoted, ident, literal, qualified
from membership_refactor.sql.statements import Lock, Statement


def create_policies(table: Table) -> tuple[Statement, ...]:
    """Policies and row security; run it before any grant."""
    name = qualified(table.schema, table.name)
    statements = [
        Statement(policy_text(table, p), Lock.ACCESS_EXCLUSIVE, name) for p in table.policies
    ]
    if table.row_security:
        text = f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
        statements.append(Statement(text, Lock.ACCESS_EXCLUSIVE, name))
    if table.force_row_security:
        text = f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
        statements.append(Statement(text, Lock.ACCESS_EXCLUSIVE, name))
    return tuple(statements)


def drop_policies(table: Table) -> tuple[Statement, ...]:
    """The opposite; on a table that nobody but its owner may use."""
    if not table.policies and not table.row_security:
        return ()
    name = qualified(table.schema, table.name)
    return (
        *(
            Statement(
                f"DROP POLICY IF EXISTS {ident(p.name)} ON {name}", Lock.ACCESS_EXCLUSIVE, name
            )
            for p in table.policies
        ),
        Statement(
            f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY",
            Lock.ACCESS_EXCLUSIVE,
            name,
        ),
    )


def policy_text(table: Table, policy: Policy) -> str:
    """One policy."""
    kind = "PERMISSIVE" if policy.permissive else "RESTRICTIVE"
    text = (
        f"CREATE POLICY {ident(policy.name)} ON {qualified(table.schema, table.name)}"
        f" AS {kind} FOR {policy.command} TO {_grantees(policy.roles)}"
    )
    if policy.using is not None:
        text += f" USING ({policy.using})"
    if policy.check is not None:
        text += f" WITH CHECK ({policy.check})"
    return text


def grant_table(table: Table) -> tuple[Statement, ...]:
    """The exact grants of the table and its columns, for a table without grants.

    Run it last, so that no other role sees an unfinished table.
    """
    name = qualified(table.schema, table.name)
    return grants(f"TABLE {name}", table.owner, table.grants, table.column_grants)


def grant_sequence(sequence: Sequence, owner: str) -> tuple[Statement, ...]:
    """The same for a sequence."""
    return grants(f"SEQUENCE {qualified(sequence.schema, sequence.name)}", owner, sequence.grants)


def grants(
    on: str,
    owner: str,
    given: tuple[Grant, ...] | None,
    on_columns: tuple[Grant, ...] = (),
) -> tuple[Statement, ...]:
    """GRANT statements for ``on``, such as ``TABLE "s"."t"``, which has no other grants yet."""
    statements = []
    if given is not None:
        if owner:
            statements.append(Statement(f"REVOKE ALL ON {on} FROM {ident(owner)}"))
        statements += _ordered(on, owner, given)
    statements += _ordered(on, owner, on_columns)
    return tuple(statements)


def _ordered(on: str, owner: str, given: Iterable[Grant]) -> list[Statement]:
    """In an order in which every grantor has the grant option before using it."""
    waiting = _gathered(given)
    statements, able = [], {owner, ""}
    while waiting:
        ready = [grant for grant in waiting if grant[0] in able] or list(waiting)
        for grant in ready:
            _, grantee, grantable = grant
            statements.append(_grant(on, owner, grant, waiting.pop(grant)))
            if grantable:
                able.add(grantee)
    return statements


def _gathered(given: Iterable[Grant]) -> dict[tuple[str, str, bool], list[str]]:
    """Privileges by (grantor, grantee, grant option), for one statement each."""
    gathered: dict[tuple[str, str, bool], list[str]] = {}
    for grant in given:
        what = grant.privilege + (f" ({ident(grant.column)})" if grant.column else "")
        gathered.setdefault((grant.grantor, grant.grantee, grant.grantable), []).append(what)
    return gathered


def _grant(on: str, owner: str, grant: tuple[str, str, bool], privileges: list[str]) -> Statement:
    grantor, grantee, grantable = grant
    text = f"GRANT {', '.join(privileges)} ON {on} TO {_grantees((grantee,))}"
    if grantable:
        text += " WITH GRANT OPTION"
    if grantor in (owner, ""):
        return Statement(text)
    # The ACL records the grantor, and a GRANT by a superuser counts as the owner's. GRANTED BY
    # accepts only the current user, so the role is set for this statement and reset after it.
    body = f"""
DECLARE
  before text := pg_catalog.current_setting('role');
BEGIN
  PERFORM pg_catalog.set_config('role', {literal(grantor)}, true);
  {text};
  PERFORM pg_catalog.set_config('role', before, true);
END
"""
    return Statement(f"DO {dollar_quoted(body)}")


def _grantees(roles: Iterable[str]) -> str:
    return ", ".join(ident(role) if role else "PUBLIC" for role in roles)
