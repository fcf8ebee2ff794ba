"""Roles and settings of a server, made again on another one; without any password."""

from __future__ import annotations

import psycopg
from psycopg import sql

from membership_refactor.database import libpq_url
from membership_refactor.database.cluster import SUPERUSER
from membership_refactor.database.url import parse_url

BOOTSTRAP = "membership_refactor_rehearsal"
"""The superuser of the temporary server; the source may have a role of the usual name."""
_ROLES = """
SELECT rolname,
  concat_ws(' ', CASE WHEN rolsuper THEN 'SUPERUSER' ELSE 'NOSUPERUSER' END,
    CASE WHEN rolinherit THEN 'INHERIT' ELSE 'NOINHERIT' END,
    CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolcreaterole THEN 'CREATEROLE' END,
    CASE WHEN rolbypassrls THEN 'BYPASSRLS' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
    CASE WHEN rolcanlogin THEN 'LOGIN' END)
FROM pg_catalog.pg_roles WHERE NOT starts_with(rolname, 'pg_') ORDER BY rolname
"""
_MEMBERS = """
SELECT g.rolname, m.rolname, a.admin_option,
  (pg_catalog.to_jsonb(a) ->> 'inherit_option')::boolean,
  (pg_catalog.to_jsonb(a) ->> 'set_option')::boolean
FROM pg_catalog.pg_auth_members AS a
JOIN pg_catalog.pg_roles AS g ON g.oid = a.roleid
JOIN pg_catalog.pg_roles AS m ON m.oid = a.member
WHERE NOT starts_with(m.rolname, 'pg_')
ORDER BY 1, 2
"""
_SETTINGS = """
SELECT r.rolname, s.setdatabase <> 0, unnest(s.setconfig)
FROM pg_catalog.pg_db_role_setting AS s LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = s.setrole
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database
  WHERE datname = pg_catalog.current_database()))
  AND (s.setrole = 0 OR r.rolname IS NOT NULL)
ORDER BY s.setrole <> 0, s.setdatabase <> 0
"""
_GRANTS = """
SELECT pg_catalog.pg_get_userbyid(d.datdba)::text, a.privilege_type,
  CASE WHEN a.grantee <> 0 THEN pg_catalog.pg_get_userbyid(a.grantee)::text END, a.is_grantable
FROM pg_catalog.pg_database AS d
LEFT JOIN LATERAL pg_catalog.aclexplode(d.datacl) AS a ON a.grantee <> d.datdba
WHERE d.datname = pg_catalog.current_database()
"""
_NOT_CARRIED = ("role", "session_authorization")


def bring_roles(source: str, target: str) -> str:
    """Make every role of the source on the target, with its groups and attributes.

    Returns the target's URL as its superuser, who gets a name of our own for it.
    """
    with (
        psycopg.connect(libpq_url(source), autocommit=True) as theirs,
        psycopg.connect(libpq_url(target), autocommit=True) as first,
    ):
        roles = theirs.execute(_ROLES).fetchall()
        members = theirs.execute(_MEMBERS).fetchall()
        newer = first.info.server_version >= 160000
        helper = sql.Identifier(f"{BOOTSTRAP}_once")
        first.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN").format(helper))
    url = parse_url(target)
    once = url.set(username=f"{BOOTSTRAP}_once").render_as_string(hide_password=False)
    # Nobody can rename the role as which he is connected.
    with psycopg.connect(libpq_url(once), autocommit=True) as pg:
        pg.execute(
            sql.SQL("ALTER ROLE {} RENAME TO {}").format(
                sql.Identifier(SUPERUSER), sql.Identifier(BOOTSTRAP)
            )
        )
    admin = url.set(username=BOOTSTRAP).render_as_string(hide_password=False)
    with psycopg.connect(libpq_url(admin), autocommit=True) as pg:
        pg.execute(sql.SQL("DROP ROLE {}").format(helper))
        for name, attributes in roles:
            pg.execute(sql.SQL("CREATE ROLE {} " + attributes).format(sql.Identifier(name)))
        for group, member, admin_option, inherit, may_set in members:
            options = [f"ADMIN {bool(admin_option)}"]
            if newer and inherit is not None:
                options += [f"INHERIT {inherit}", f"SET {may_set}"]
            text = (
                f" WITH {', '.join(options)}"
                if newer
                else (" WITH ADMIN OPTION" if admin_option else "")
            )
            pg.execute(
                sql.SQL("GRANT {} TO {}" + text).format(
                    sql.Identifier(group), sql.Identifier(member)
                )
            )
    return admin


def carry_settings(source: str, target: str) -> None:
    """Give the target database the owner, grants and settings of the source's.

    Of the roles' settings only the search_path is given, which the chain asks for. The probes give
    the others, when they act as these roles.
    """
    with (
        psycopg.connect(libpq_url(source), autocommit=True) as theirs,
        psycopg.connect(libpq_url(target), autocommit=True) as pg,
    ):
        database = sql.Identifier(pg.info.dbname)
        for owner, privilege, grantee, grantable in theirs.execute(_GRANTS).fetchall():
            pg.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, sql.Identifier(owner))
            )
            if privilege is not None:
                pg.execute(
                    sql.SQL(f"GRANT {privilege} ON DATABASE {{}} TO {{}}").format(
                        database, sql.Identifier(grantee) if grantee else sql.SQL("PUBLIC")
                    )
                    + sql.SQL(" WITH GRANT OPTION" if grantable else "")
                )
        for role, of_database, text in theirs.execute(_SETTINGS):
            name, _, value = text.partition("=")
            if role is None and of_database:
                whose = sql.SQL("ALTER DATABASE {}").format(database)
            elif role is not None and name == "search_path":
                whose = sql.SQL("ALTER ROLE {} IN DATABASE {}").format(
                    sql.Identifier(role), database
                )
            else:
                continue
            pg.execute("SELECT pg_catalog.set_config(%s, %s, false)", (name, value))
            pg.execute(whose + sql.SQL(" SET {} FROM CURRENT").format(sql.SQL(name)))
            pg.execute(sql.SQL("RESET {}").format(sql.SQL(name)))


def settings_of(source: psycopg.Connection, role: str) -> dict[str, str]:
    """What a new session of the role begins with, besides the server's own settings."""
    found = {}
    for of_role, _, text in source.execute(_SETTINGS):
        if of_role in (None, role):
            name, _, value = text.partition("=")
            if name not in _NOT_CARRIED:
                found[name] = value
    return found
