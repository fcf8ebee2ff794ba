"""Members of the owner in every form, strangers, and a superuser on adopted tables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import make_url

from membership_refactor.database import Server
from tests.cli.in_process import in_process
from tests.cli.processes import REFUSED, Ended, query, value, version
from tests.cli.test_adopting import legacy
from tests.cli.test_histories import everything
from tests.fixtures.databases import TemplateDatabase

LOOKING = [("plan",), ("plan", "--compare-keys"), ("status",), ("checks",), ("current",)]
WRITING = [("verify",), ("repair",), ("upgrade", "0003"), ("downgrade", "0001"), ("abandon",)]
MEMBERS = {
    "plain": "LOGIN; GRANT {owner} TO {login}",
    "noinherit": "LOGIN NOINHERIT; GRANT {owner} TO {login}",
    "set only": "LOGIN; GRANT {owner} TO {login} WITH INHERIT FALSE, SET TRUE",
    "inherit only": "LOGIN; GRANT {owner} TO {login} WITH INHERIT TRUE, SET FALSE",
    "stranger": "LOGIN",
}
FROM_16 = ("set only", "inherit only")


def adopted(url: str) -> None:
    """The tables are those of others; a superuser runs the chain to 0002 later."""
    legacy(url)


@dataclass
class Roles:
    """A database whose tables belong to ``owner``, and a login for each kind of membership."""

    url: str
    owner: str
    version: int

    def url_of(self, kind: str) -> str:
        return make_url(self.url).set(username=self.login(kind)).render_as_string(False)

    def login(self, kind: str) -> str:
        return f"{self.owner}_{kind.replace(' ', '_')}"

    def run(self, kind: str, *verb: str) -> Ended:
        return in_process(self.url_of(kind), *verb)

    def refused(self, kind: str, *verb: str) -> str:
        """The line in which it is refused. Nothing was changed, and nothing is said of an end."""
        before = everything(self.url)
        done = self.run(kind, *verb)
        assert done.status == REFUSED, done
        assert everything(self.url) == before
        assert "abandon" not in done.said and "What it committed" not in done.said
        return done.said


@pytest.fixture
def roles(template_database: TemplateDatabase, server: Server) -> Iterator[Roles]:
    url = template_database("roles", adopted)
    made = Roles(url, f"app_{os.getpid()}", server.version)
    kinds = [k for k in MEMBERS if server.version >= 160000 or k not in FROM_16]
    query(url, f"CREATE ROLE {made.owner}")
    for kind in kinds:
        text = MEMBERS[kind].format(owner=made.owner, login=made.login(kind))
        query(url, f"CREATE ROLE {made.login(kind)} {text}")
    query(url, f"GRANT CREATE ON SCHEMA public TO {made.owner}")
    query(url, f"GRANT CREATE ON DATABASE {make_url(url).database} TO {made.owner}")
    for (table,) in query(url, "SELECT relname FROM pg_class WHERE relkind = 'r' "
                               "AND relnamespace = 'public'::regnamespace"):  # fmt: skip
        query(url, f"ALTER TABLE public.{table} OWNER TO {made.owner}")
    yield made
    listed = ", ".join([made.owner, *map(made.login, kinds)])
    query(url, f"DROP OWNED BY {listed} CASCADE")
    query(url, f"DROP ROLE {listed}")


def at_0002(roles: Roles, *, owner: bool) -> None:
    """A superuser brought the chain there. ``owner`` says whose the version table is."""
    done = in_process(roles.url, "upgrade", "0002")
    assert done.status == 0, done
    if owner:
        query(roles.url, f"ALTER TABLE alembic_version OWNER TO {roles.owner}")


def test_a_superuser_on_adopted_tables_can_look(roles: Roles) -> None:
    at_0002(roles, owner=False)
    for verb in LOOKING:
        assert in_process(roles.url, *verb).status == 0, verb
    assert query(roles.url, "SELECT nspowner::regrole::text FROM pg_namespace "
                            "WHERE nspname = 'public_refactor'") == [(roles.owner,)]  # fmt: skip
    assert query(roles.url, "SELECT DISTINCT relowner::regrole::text FROM pg_class WHERE "
                 "relnamespace = 'public_refactor'::regnamespace") == [(roles.owner,)]  # fmt: skip


@pytest.mark.parametrize("kind", ["plain", "noinherit", "set only"])
def test_a_member_that_may_act_as_the_owner_does_everything(roles: Roles, kind: str) -> None:
    if kind in FROM_16 and roles.version < 160000:
        pytest.skip("a membership of this kind exists from PostgreSQL 16 on")
    assert roles.run(kind, "plan").status == 0
    at_0002(roles, owner=True)
    for verb in (*LOOKING, *WRITING[:3]):
        done = roles.run(kind, *verb)
        assert done.status == 0, (verb, done)
    assert version(roles.url) == "0003"
    assert value(roles.url, "SELECT relowner::regrole::text FROM pg_class "
                            "WHERE relname = 'curriculum_membership'") == roles.owner  # fmt: skip
    assert roles.run(kind, "downgrade", "0002").status == 0
    assert roles.run(kind, "abandon").status == 0


def test_a_member_that_may_not_write_the_version_is_told_the_grant_before_a_step_begins(
    roles: Roles,
) -> None:
    at_0002(roles, owner=False)
    login = roles.login("plain")
    for verb in LOOKING:
        said = roles.refused("plain", *verb)
        assert f'GRANT SELECT ON "public"."alembic_version" TO "{login}";' in said
    grant = f'GRANT SELECT, INSERT, UPDATE, DELETE ON "public"."alembic_version" TO "{login}";'
    for verb in (("upgrade", "0003"), ("downgrade", "0001")):
        assert grant in roles.refused("plain", *verb)
    query(roles.url, grant)
    for verb in (*LOOKING, ("upgrade", "0003")):
        assert roles.run("plain", *verb).status == 0, verb


def test_a_stranger_is_told_the_grant_in_the_servers_form_and_it_works(roles: Roles) -> None:
    at_0002(roles, owner=True)
    login = roles.login("stranger")
    option = " WITH SET TRUE" if roles.version >= 160000 else ""
    grant = f'GRANT "{roles.owner}" TO "{login}"{option};'
    for verb in (*LOOKING[:4], *WRITING[:2], ("abandon",)):
        assert grant in roles.refused("stranger", *verb), verb
    roles.refused("stranger", "upgrade", "0003")
    query(roles.url, grant)
    for verb in (*LOOKING, ("upgrade", "0003")):
        assert roles.run("stranger", *verb).status == 0, verb


def test_a_member_that_only_inherits_looks_and_is_told_what_it_needs_to_write(roles: Roles) -> None:
    if roles.version < 160000:
        pytest.skip("a membership of this kind exists from PostgreSQL 16 on")
    at_0002(roles, owner=True)
    for verb in LOOKING[1:]:
        assert roles.run("inherit only", *verb).status == 0, verb
    grant = f'GRANT "{roles.owner}" TO "{roles.login("inherit only")}" WITH SET TRUE'
    assert grant in " ".join(roles.run("inherit only", "plan").out.split())
    for verb in (*WRITING[:3], ("abandon",)):
        assert f"{grant};" in roles.refused("inherit only", *verb), verb
    query(roles.url, grant)
    assert roles.run("inherit only", "upgrade", "0003").status == 0


def test_an_owner_that_may_not_create_is_said_before_the_step_whoever_connects(
    roles: Roles,
) -> None:
    """Even a superuser creates as the owner of the tables."""
    at_0002(roles, owner=True)
    query(roles.url, f"REVOKE CREATE ON SCHEMA public FROM {roles.owner}, PUBLIC")
    for url in (roles.url, roles.url_of("noinherit")):
        done = in_process(url, "upgrade", "0003")
        assert (done.status, version(roles.url)) == (REFUSED, "0002")
        assert f'GRANT CREATE ON SCHEMA "public" TO "{roles.owner}"' in done.said
        assert "nothing has been changed" in done.said and "abandon" not in done.said


def test_a_ledger_that_nobody_may_create_is_said_with_the_grant(roles: Roles) -> None:
    database = make_url(roles.url).database
    query(roles.url, f'REVOKE CREATE ON DATABASE "{database}" FROM {roles.owner}')
    query(roles.url, f"GRANT CREATE ON SCHEMA public TO {roles.login('noinherit')}")
    done = roles.run("noinherit", "upgrade", "0001")
    assert done.status == REFUSED
    grant = f'GRANT CREATE ON DATABASE "{database}" TO "{roles.owner}";'
    assert grant in done.said and "abandon" not in done.said
    query(roles.url, grant)
    assert roles.run("noinherit", "upgrade", "0002").status == 0
