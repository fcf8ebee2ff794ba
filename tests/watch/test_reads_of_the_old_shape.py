"""Who reads the view of the old shape is known, however the read is hidden, and closes its gate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import make_url

from membership_refactor.database import libpq_url
from membership_refactor.environment import connect_engine
from membership_refactor.errors import GateClosed
from membership_refactor.inspect.checks import StandingChecks
from membership_refactor.planning.targets import old_shape
from membership_refactor.report.sentences import figures, notices
from membership_refactor.sql.old_shape.reading import noting
from membership_refactor.testing.scratch_databases import Databases
from membership_refactor.watch.old_shape_view import CANNOT_SEE, NAME
from membership_refactor.watch.take_sample import Request, Watch
from membership_refactor.watch.usage import read_usage
from membership_refactor.watch.usage_text import as_text
from tests.chain.driver import Chain
from tests.chain.fixed import FIXED, at
from tests.chain.subjects import OLD_SHAPE
from tests.execution.replica import replica_of
from tests.fixtures.watched import DEPRECATED, RETIRED, SOURCE, Watched, WatchedAt, launch_counting
from tests.report.three_weeks import report

VIEW = "public_old.programme_membership"
TARGET = old_shape(OLD_SHAPE.plan)
READER = "mr_old_shape_watched"
SEARCH = "-c search_path=public_old,public"


def watched(watched_at: WatchedAt, revision: str) -> Watched:
    """The chain there, after the first sample. The reader may read everything."""
    made = watched_at(revision, OLD_SHAPE, "old shape")
    made.run(
        f"DO $$ BEGIN IF to_regrole('{READER}') IS NULL THEN CREATE ROLE {READER} LOGIN; END IF; "
        f"END $$; GRANT ALL ON SCHEMA public TO {READER}; GRANT USAGE ON SCHEMA public_old TO "
        f"{READER}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, "
        f"public_old TO {READER}",
        *MADE,
    )
    made.sample()
    return made


MADE = (
    f"CREATE FUNCTION public.counted() RETURNS bigint LANGUAGE plpgsql AS "
    f"$$ BEGIN RETURN (SELECT count(*) FROM {VIEW}); END $$",
    f"CREATE FUNCTION public.parsed() RETURNS bigint LANGUAGE sql "
    f"BEGIN ATOMIC SELECT count(*) FROM {VIEW}; END",
    f"CREATE VIEW public.over_it AS SELECT id FROM {VIEW}",
    f"GRANT SELECT ON public.over_it TO {READER}",
    "CREATE TABLE public.other AS SELECT 1 AS id",
    f"GRANT ALL ON public.other TO {READER}",
    "CREATE FUNCTION public.on_write() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN PERFORM FROM {VIEW}; RETURN NEW; END $$",
    "CREATE TRIGGER reads BEFORE INSERT ON public.other FOR EACH ROW "
    "EXECUTE FUNCTION public.on_write()",
)
HIDDEN = {
    "by name": (f"SELECT count(*) FROM {VIEW}",),
    "by search_path": ("SELECT count(*) FROM programme_membership",),
    "of no row": (f"SELECT FROM {VIEW} WHERE id = -1",),
    "in a function": ("SELECT public.counted()",),
    "in a parsed body": ("SELECT public.parsed()",),
    "through a view": ("SELECT count(*) FROM public.over_it",),
    "in a trigger": ("INSERT INTO public.other VALUES (2)",),
    "in a block": (f"DO $$ BEGIN EXECUTE 'SELECT count(*) FROM ' || '{VIEW}'; END $$",),
    "in a subquery": (f"SELECT (SELECT rotation FROM {VIEW} v WHERE v.id = o.id) FROM other o",),
    "in an outer join": (f"SELECT v.rotation FROM other o LEFT JOIN {VIEW} v USING (id)",),
    "rolled back": ("BEGIN", f"SELECT count(*) FROM {VIEW}", "ROLLBACK"),
    "read only": ("BEGIN READ ONLY", f"SELECT count(*) FROM {VIEW}", "COMMIT"),
    "prepared": (f"PREPARE p AS SELECT count(*) FROM {VIEW}", "EXECUTE p"),
    "a cursor": ("BEGIN", f"DECLARE c CURSOR FOR SELECT FROM {VIEW}", "FETCH c", "COMMIT"),
    "COPY": (f"COPY (SELECT * FROM {VIEW}) TO STDOUT",),
    "it fails later": (f"SELECT 1 / (count(*) - count(*)) FROM {VIEW}",),
    "under the tool's name": (
        "SET application_name = 'membership_refactor watch'",
        f"SELECT count(*) FROM {VIEW} /* membership_refactor */",
    ),
    "FOR UPDATE": (f"SELECT FROM {VIEW} WHERE id = 0 FOR UPDATE",),
}
AT_0009 = {name: texts for name, texts in HIDDEN.items() if name != "FOR UPDATE"}


def read(here: Watched, texts: tuple[str, ...], role: str = READER) -> None:
    with here.connect(role, options=SEARCH) as connection:
        for text in texts:
            with suppress(psycopg.errors.DivisionByZero):
                if text.startswith("COPY"):
                    with connection.cursor().copy(text.encode()) as copy:
                        list(copy)
                else:
                    connection.execute(text.encode())


@pytest.mark.parametrize(("revision", "ways"), [("0005", HIDDEN), ("0009", AT_0009)])
def test_every_way_to_read_it_is_found_with_its_role_in_covered_time(
    watched_at: WatchedAt, revision: str, ways: dict[str, tuple[str, ...]]
) -> None:
    here = watched(watched_at, revision)
    for name, texts in ways.items():
        read(here, texts)
        seen = here.sample()[TARGET]
        assert (seen.uses, seen.who, seen.holes) == (1, (READER,), ()), name
        assert here.sample()[TARGET].uses == 0, name


def test_writes_are_noted_too(watched_at: WatchedAt) -> None:
    here = watched(watched_at, "0005")
    for text in (
        f"INSERT INTO {VIEW} (person_id, programme_id, curriculum_id) VALUES (1, 1, 1)",
        f"UPDATE {VIEW} SET rotation = 'x' WHERE id = 0",
        f"DELETE FROM {VIEW} WHERE id = 0",
    ):
        read(here, (text,))
        seen = here.sample()[TARGET]
        assert seen.uses >= 1, text
        assert seen.who == (READER,)


def test_what_reads_no_row_of_it_is_no_use(watched_at: WatchedAt) -> None:
    here = watched(watched_at, "0009")
    read(here, (
        f"EXPLAIN SELECT count(*) FROM {VIEW}",
        "SELECT count(*) FROM public.programme_membership",
        # Whoever writes this has read nothing.
        f"{noting(here.chain.names).replace('reader', '$$x$$::text')}",
    ))  # fmt: skip
    checks = StandingChecks(here.chain.runner(), models=lambda _: ())
    assert [q.ask().broken for q in checks.questions() if "old shape" in q.name] == [0, 0]
    seen = here.sample()[TARGET]
    assert (seen.uses, seen.holes) == (0, ())


def test_reads_of_it_close_no_gate_but_its_own(watched_at: WatchedAt) -> None:
    here = watched(watched_at, "0008")
    read(here, (f"SELECT person_id, rotation FROM {VIEW}", "SELECT id FROM over_it"))
    seen = here.sample()
    assert {t: o.uses for t, o in seen.items()} == {TARGET: 2, DEPRECATED: 0, RETIRED: 0}
    assert all(o.covered for o in seen.values())


def test_the_gate_of_the_last_step_opens_when_nobody_reads_it_any_more(
    watched_at: WatchedAt,
) -> None:
    here = watched(watched_at, "0010").asking()
    here.run(
        "DROP VIEW public.over_it",
        "DROP FUNCTION public.parsed()",
        "INSERT INTO public_refactor.scan_outcome (plan, stage, consumer, clear, findings) "
        f"VALUES ('{here.chain.plan.name}', 'interim', 'app', true, 0)",
    )
    for day in range(14):
        here.later(timedelta(days=1))
        here.sample()
        if day == 3:
            read(here, HIDDEN["by search_path"])
    with pytest.raises(GateClosed) as refused:
        here.chain.up("0011")
    said = str(refused.value)
    assert TARGET in said
    assert f"by {READER} (pg_stat_statements)" in said
    usage = read_usage(here.chain.runner())
    opening = {g.target: g.is_open for g in usage.gates if g.asked}
    assert opening == {RETIRED: True, TARGET: False}
    assert usage.in_use
    page = report(here.chain)
    assert "Gate of 0011 opens" in dict(figures(page))
    assert (
        "open" not in next(n.text for n in notices(page) if "0011" in n.text).split("Its gate")[1]
    )
    assert f"{NAME} cannot see {CANNOT_SEE}" in as_text(usage)
    (user,) = (u for u in usage.users if u.target == TARGET)
    assert (user.role, user.statement) == (
        READER,
        '(a statement that reads "public_old"."programme_membership")',
    )
    for _ in range(5):
        here.later(timedelta(days=1))
        here.sample()
    here.chain.up("0011")
    assert here.chain.value("SELECT to_regnamespace('public_old') IS NULL")


@pytest.fixture(scope="module")
def logging_chain(pytestconfig: pytest.Config) -> Iterator[Watched]:
    """The chain at 0009, watched through the log."""
    settings = {
        "logging_collector": "on",
        "log_destination": "jsonlog",
        "wal_level": "replica",
    }
    with launch_counting(pytestconfig, settings) as server:
        url = at(Databases(server.server), "0009", subject=OLD_SHAPE, name="old shape", first=FIXED)
        logs = (str(server.server.data) + "/log/*.json",)
        made = Watched(Chain(url, OLD_SHAPE), server, Request(logs=logs))
        made.run("CREATE EXTENSION pg_stat_statements")
        yield made


def of_log(here: Watched) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    taken = Watch(here.chain.runner(), here.request).take()
    return next(
        (o.uses, o.who, o.holes) for o in taken if (o.target, o.source) == (TARGET, "server log")
    )


def test_the_log_shows_application_and_statement_and_refused_writes(logging_chain: Watched) -> None:
    here = logging_chain
    of_log(here)
    assert of_log(here) == (0, (), ())
    read(here, (
        "SET application_name = 'nightly export'",
        "BEGIN READ ONLY",
        f"SELECT rotation FROM {VIEW} WHERE rotation = 'a secret'",
        "ROLLBACK",
    ), "postgres")  # fmt: skip
    assert of_log(here) == (1, ("postgres",), ())
    with here.connect() as connection, pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
        connection.execute(
            f"INSERT INTO {VIEW} (person_id, programme_id, curriculum_id) VALUES (1, 1, 1)".encode()
        )
    assert of_log(here) == (1, ("postgres",), ())
    known = here.chain.query(
        "SELECT application, statement FROM public_refactor.usage WHERE source = 'server log' "
        f"AND target = '{TARGET}' ORDER BY application"
    )
    assert known == [
        (
            "",
            f"INSERT INTO {VIEW} (person_id, programme_id, curriculum_id) VALUES (?, ?, ?)",
        ),
        ("nightly export", f"SELECT rotation FROM {VIEW} WHERE rotation = ?"),
    ]


def test_sql_that_names_the_old_shape_keeps_its_gate_closed_and_no_other(
    watched_at: WatchedAt,
) -> None:
    """In SQL the view has the source's name: a job of every three weeks reads it so."""
    here = watched(watched_at, "0010").asking()
    for _ in range(15):
        here.later(timedelta(days=1))
        here.sample()
    detail = json.dumps({"in_the_way": {SOURCE: 1, RETIRED: 0}})
    here.run(
        "INSERT INTO public_refactor.scan_outcome (plan, stage, consumer, clear, findings, detail)"
        f" VALUES ('{here.chain.plan.name}', 'interim', 'job', false, 1, '{detail}')",
    )
    found = read_usage(here.chain.runner())
    reasons = {gate.target: list(gate.reasons) for gate in found.gates if gate.asked}
    left = "consumer job has 1 references left"
    assert left in reasons[TARGET] and left not in reasons[RETIRED]


@pytest.mark.slow
def test_a_read_on_a_standby_is_found_in_its_statistics(logging_chain: Watched) -> None:
    here = logging_chain
    with replica_of(here.server) as standby:
        own = make_url(standby).set(database=make_url(here.chain.url).database)
        url = own.render_as_string(hide_password=False)
        request = Request(standbys=(("standby one", connect_engine(url, "public")),))
        both = replace(here, request=request)
        both.sample()
        both.sample()
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            connection.execute(f"SELECT count(*) FROM {VIEW}".encode())
        seen = both.sample()[TARGET]
        assert (seen.uses, seen.who, seen.holes) == (1, ("postgres",), ())
