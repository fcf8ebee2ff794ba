"""The clone: what it does not have, what it cannot do, what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from membership_refactor.database import Server, client_programs, libpq_url
from membership_refactor.rehearsal import Place
from membership_refactor.rehearsal.dump_structure import CannotRehearse, pg_dump_for
from membership_refactor.rehearsal.scratch import MARK, PREFIX, drop_orphans
from tests.chain.driver import Chain
from tests.fixtures.chains import ChainAt
from tests.fixtures.databases import NewDatabase, TemplateDatabase
from tests.rehearsal.orders import CLERK, orders
from tests.rehearsal.rehearsing import rehearsed

SECRET = "fairly-secret"
WORLD = (
    "CREATE EXTENSION postgres_fdw",
    "CREATE EXTENSION dblink",
    "CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{host}', "
    "dbname '{dbname}', port '{port}')",
    "CREATE USER MAPPING FOR PUBLIC SERVER elsewhere "
    "OPTIONS (user 'postgres', password '{secret}')",
    "CREATE TABLE public.outside (what text)",
    "CREATE FOREIGN TABLE public.there (what text) SERVER elsewhere "
    "OPTIONS (schema_name 'public', table_name 'outside')",
    "CREATE FUNCTION public.call_out() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "PERFORM public.dblink_exec('host={host} port={port} dbname={dbname} user=postgres', "
    "'INSERT INTO public.outside VALUES (''called'')'); RETURN NEW; END $$",
    "CREATE TRIGGER call_out AFTER INSERT ON public.order_line "
    "FOR EACH ROW EXECUTE FUNCTION public.call_out()",
    "CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS "
    "$$ BEGIN INSERT INTO public.outside VALUES ('ddl'); END $$",
    "CREATE EVENT TRIGGER watcher ON ddl_command_end EXECUTE FUNCTION public.on_ddl()",
    "CREATE PUBLICATION feed FOR TABLE public.order_line",
    "CREATE SUBSCRIPTION reader CONNECTION 'host=nowhere' PUBLICATION x "
    "WITH (connect = false, slot_name = 'the_slot', enabled = false)",
)


def whole_dump(url: str) -> str:
    """Structure and rows as text, without the random words that newer versions put in."""
    with psycopg.connect(libpq_url(url)) as connection:
        program = pg_dump_for(connection.info.server_version)
    answer = subprocess.run(
        [program.file, f"--dbname={libpq_url(url)}"], capture_output=True, text=True, check=True
    )
    return "\n".join(
        line for line in answer.stdout.splitlines() if "restrict" not in line.partition(" ")[0]
    )


def scratch_databases(server: Server) -> list[str]:
    with psycopg.connect(libpq_url(server.url)) as connection:
        return [
            name
            for (name,) in connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (PREFIX,)
            )
        ]


@pytest.fixture
def world(template_database: TemplateDatabase) -> Iterator[Chain]:
    """Orders with everything that reaches out of the database."""
    chain = orders(template_database)
    place = conninfo_to_dict(libpq_url(chain.url))
    words = {"{secret}": SECRET, **{f"{{{k}}}": str(v) for k, v in place.items()}}
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as connection:
        for text in WORLD:
            filled = text
            for word, value in words.items():
                filled = filled.replace(word, value)
            connection.execute(filled.encode())
    yield chain
    with psycopg.connect(libpq_url(chain.url), autocommit=True) as connection:
        connection.execute("ALTER SUBSCRIPTION reader SET (slot_name = NONE)")
        connection.execute("DROP SUBSCRIPTION reader")


def test_nothing_reaches_out_of_the_clone_and_the_database_is_as_it_was(
    world: Chain, server: Server
) -> None:
    before = whole_dump(world.url)

    done = rehearsed(world, to="dual_write")

    assert whole_dump(world.url) == before
    assert world.value("SELECT count(*) FROM public.outside WHERE what = 'called'") == 0
    assert any("event trigger watcher" in line for line in done.left_out)
    assert "foreign server elsewhere" in done.disarmed
    assert any(line.endswith("dblink_exec") for line in done.disarmed)
    assert SECRET not in repr(done)
    assert scratch_databases(server) == []


def test_a_killed_rehearsal_is_cleared_away_by_the_next_and_a_living_one_is_not(
    template_database: TemplateDatabase, server: Server
) -> None:
    chain = orders(template_database)
    program = (
        "import sys, time\n"
        "from membership_refactor.rehearsal.scratch import Place, scratch_for\n"
        "with scratch_for(sys.argv[1], Place.SAME) as scratch:\n"
        "    print('made', flush=True)\n"
        "    time.sleep(600)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, chain.url], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == "made\n"
        (left,) = scratch_databases(server)
        assert drop_orphans(server.url) == ()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with psycopg.connect(libpq_url(server.url), autocommit=True) as connection:
        row = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
            (left,),
        ).fetchone()
        assert row == (MARK,)
        # The server notices that the client is gone.
        connection.execute(
            "SELECT pg_terminate_backend(pid, 20000) FROM pg_stat_activity "
            "WHERE application_name = 'membership_refactor rehearsal'"
        )

    assert drop_orphans(server.url) == (left,)
    assert scratch_databases(server) == []


def test_a_database_of_somebody_else_with_such_a_name_stays(
    server: Server, template_database: TemplateDatabase
) -> None:
    name = f"{PREFIX}0123456789ab"
    with psycopg.connect(libpq_url(server.url), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        connection.execute(f"COMMENT ON DATABASE {name} IS 'mine'".encode())
        try:
            assert drop_orphans(server.url) == ()
        finally:
            connection.execute(f"DROP DATABASE {name}".encode())


def test_a_login_that_is_no_superuser_rehearses_on_a_temporary_server(
    template_database: TemplateDatabase, server: Server
) -> None:
    chain = orders(template_database, f"GRANT pg_read_all_data, mr_rehearsal_owner TO {CLERK}")
    url = chain.url.replace("postgres@", f"{CLERK}@")
    assert url != chain.url
    try:
        with pytest.raises(CannotRehearse, match="not a superuser"):
            rehearsed(chain, url=url, place=Place.SAME)

        done = rehearsed(chain, url=url, to="dual_write")

        assert done.scratch.startswith("a temporary server")
        assert done.surprises == []
        assert done.rows >= 30
    finally:
        chain.run(f"REVOKE pg_read_all_data, mr_rehearsal_owner FROM {CLERK}")


def test_a_role_that_row_security_binds_cannot_sample(
    template_database: TemplateDatabase,
) -> None:
    chain = orders(
        template_database,
        f"GRANT pg_read_all_data TO {CLERK}",
        "ALTER TABLE public.order_line ENABLE ROW LEVEL SECURITY",
    )
    try:
        with pytest.raises(CannotRehearse, match=r"row-level security.*order_line.*BYPASSRLS"):
            rehearsed(chain, url=chain.url.replace("postgres@", f"{CLERK}@"))
    finally:
        chain.run(f"REVOKE pg_read_all_data FROM {CLERK}")


def test_a_table_that_is_not_there_is_one_line(new_database: NewDatabase) -> None:
    from tests.rehearsal.orders import ORDERS

    with pytest.raises(CannotRehearse, match=r'no table "order_line" in the schema "public"'):
        rehearsed(Chain(new_database(), ORDERS))


def test_pg_dump_of_the_servers_version_is_taken_before_a_newer_one() -> None:
    versions = sorted({p.version[0] for p in client_programs("pg_dump")})
    assert [pg_dump_for(v * 10000).version[0] for v in versions] == versions
    with pytest.raises(CannotRehearse, match="no pg_dump for a server of PostgreSQL 99"):
        pg_dump_for(990000)


def test_a_folder_on_the_path_is_searched_and_a_broken_program_is_passed_over(
    tmp_path: Path,
) -> None:
    broken = tmp_path / "pg_dump"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    found = client_programs("pg_dump", {"PATH": f"{tmp_path}{os.pathsep}/usr/bin"})
    assert broken not in [p.file for p in found]


def test_a_chain_that_has_begun_is_refused_by_its_revision(chain_at: ChainAt) -> None:
    with pytest.raises(CannotRehearse, match=r"stands at 0004 dual_write.* begins before 0003"):
        rehearsed(chain_at("0004"))
