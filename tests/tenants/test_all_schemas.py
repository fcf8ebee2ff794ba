"""One command over many tenants: each by itself, one line for each, and a status that tells."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from membership_refactor.database import libpq_url
from membership_refactor.sql.names import tenant_lock
from tests.cli.in_process import in_process
from tests.cli.processes import (
    FINDINGS,
    REFUSED,
    ROOT,
    WRONG_USE,
    query,
    refactor,
    running,
    until,
    value,
)
from tests.fixtures.databases import TemplateDatabase
from tests.tenants.schemas import THREE, TWELVE, by_schema, over_all, three, twelve


@contextmanager
def held(url: str, schema: str) -> Iterator[None]:
    """Another migration of this schema is under way."""
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        connection.execute(f"SELECT pg_advisory_lock({tenant_lock(schema)})".encode())
        yield


def stands_at(url: str, schema: str) -> str | None:
    found = query(url, f"SELECT version_num FROM {schema}.alembic_version")
    return found[0][0] if found else None


@pytest.mark.slow
def test_twelve_tenants_go_each_by_itself_and_those_that_are_left_go_next_time(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("twelve tenants", twelve)
    broken, locked, ahead, empty = "tenant_03", "tenant_05", "tenant_08", "tenant_x"
    column = f"ALTER TABLE {broken}.programme_membership ALTER leaving_reason"
    query(url, f"{column} TYPE integer USING 0")
    query(url, f"CREATE SCHEMA {empty}")
    assert in_process(url, "upgrade", "0002", x=(f"schema={ahead}",)).status == 0

    with held(url, locked):
        done, document = over_all("upgrade", "0002", url=url)
    assert done.status == FINDINGS
    assert document["counts"] == {"done": 9, "nothing to do": 1, "failed": 3}
    found = by_schema(document)
    assert set(found) == {*TWELVE, empty}
    assert "leaving_reason" in found[broken]["said"]
    assert f'another migration of schema "{locked}" is running' in found[locked]["said"]
    assert "no table of the plan and no ledger" in found[empty]["said"]
    for name in set(TWELVE) - {broken, locked}:
        before = "0002" if name == ahead else None
        assert (found[name]["before"], found[name]["after"]) == (before, "0002"), name
        assert stands_at(url, name) == "0002"
    assert len(done.err.splitlines()) == len(found) + 3, "a line for each, and the summary"

    query(url, f"{column} TYPE text")
    done, document = over_all("upgrade", "0002", "--except", "%x", url=url)
    assert done.status == 0, done.err
    assert document["counts"] == {"done": 2, "nothing to do": 10}
    assert {name for name, one in by_schema(document).items() if one["ended"] == "done"} == {
        broken,
        locked,
    }


@contextmanager
def paused(url: str, schema: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A run over all tenants that waits at ``schema``, in the middle of 0003, with one process."""
    control = f"{schema}_refactor.control"
    query(url, f"INSERT INTO {control} (plan, paused) VALUES ('programme_membership', true)")
    waits = f"SELECT count(*) FROM {schema}_refactor.event WHERE event = 'waiting'"
    command = ("upgrade", "0003", "--all-schemas", "tenant_%", "--format", "json")
    with running("membership-refactor", *command, *arguments, url=url) as process:
        until(lambda: bool(value(url, waits)))
        yield process
    query(url, f"UPDATE {control} SET paused = false")


def children(process: subprocess.Popen[str]) -> list[int]:
    text = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in text.split()]


def finish(url: str, left: int) -> None:
    """What was left is done by the same command."""
    done, document = over_all("upgrade", "0003", url=url)
    assert done.status == 0, done.err
    assert document["counts"].get("done", 0) == left
    for name in THREE:
        assert stands_at(url, name) == "0003"
        assert in_process(url, "verify", x=(f"schema={name}",)).status == 0


@pytest.mark.slow
def test_a_killed_process_costs_one_tenant(template_database: TemplateDatabase) -> None:
    url = template_database("three tenants", three)
    with paused(url, "tenant_01") as process:
        (worker,) = children(process)
        os.kill(worker, signal.SIGKILL)
        out, err = process.communicate(timeout=120)
        assert process.returncode == FINDINGS, err
    found = by_schema(json.loads(out))
    assert found["tenant_01"]["ended"] == "failed"
    assert "signal 9 (SIGKILL)" in found["tenant_01"]["said"]
    assert [found[name]["ended"] for name in THREE[1:]] == ["done", "done"]
    finish(url, 1)


@pytest.mark.parametrize(
    "number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]
)
def test_an_interrupted_run_says_what_is_done_and_what_is_not(
    template_database: TemplateDatabase, number: signal.Signals
) -> None:
    url = template_database("three tenants", three)
    with paused(url, "tenant_02") as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        assert process.returncode == REFUSED, err
    document = json.loads(out)
    assert document["interrupted"]
    found = by_schema(document)
    assert [found[name]["ended"] for name in THREE] == ["done", "interrupted", "not begun"]
    assert "interrupted" in found["tenant_02"]["said"]
    assert "Run the same command again" in err
    finish(url, 2)


@pytest.mark.slow
def test_a_process_that_does_not_answer_is_killed_when_the_run_is_interrupted(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("three tenants", three)
    with paused(url, "tenant_01") as process:
        (worker,) = children(process)
        os.kill(worker, signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == REFUSED
    found = by_schema(json.loads(out))
    assert [found[name]["ended"] for name in THREE] == ["interrupted", "not begun", "not begun"]
    # Its session ends with its socket; until then the lock is held.
    lock = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
    until(lambda: not value(url, lock))
    finish(url, 3)


def test_a_half_done_way_down_is_named_although_the_version_is_that_asked_for(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("three tenants", three)
    query(url, "UPDATE tenant_02_refactor.step SET direction = 'down', state = 'open' "
          "WHERE step = 'enrollment_identity'")  # fmt: skip
    done, document = over_all("upgrade", "0002", url=url)
    assert done.status == FINDINGS
    found = by_schema(document)
    assert [found[name]["ended"] for name in THREE] == ["nothing to do", "failed", "nothing to do"]
    assert "0002 enrollment_identity is open down" in found["tenant_02"]["said"]
    assert "abandon" in found["tenant_02"]["said"]


LOOKING = ("verify", "plan", "repair", "usage", "watch")


@pytest.mark.parametrize(
    "verb",
    ["status", "checks", *(pytest.param(verb, marks=pytest.mark.slow) for verb in LOOKING)],
)
def test_a_verb_that_looks_makes_one_line_for_each(
    template_database: TemplateDatabase, verb: str
) -> None:
    url = template_database("three tenants", three)
    alone = in_process(url, verb, "--format", "json", x=("schema=tenant_01",))
    expected = "done" if alone.status == 0 else "findings"
    done, document = over_all(verb, url=url)
    assert done.status == alone.status
    found = by_schema(document)
    assert [found[name]["ended"] for name in THREE] == [expected] * 3
    assert all(found[name]["said"] and found[name]["after"] == "0002" for name in THREE)
    shape = json.loads(alone.out)
    assert type(found["tenant_01"]["result"]) is type(shape)
    if isinstance(shape, dict):
        assert found["tenant_01"]["result"].keys() == shape.keys()


def test_a_tenant_with_findings_is_named_and_the_status_is_1(
    template_database: TemplateDatabase,
) -> None:
    url = template_database("three tenants", three)
    query(url, "ALTER TABLE tenant_02.program_enrollment DROP CONSTRAINT "
          "uq_program_enrollment_user")  # fmt: skip
    done = refactor("checks", "--all-schemas", "tenant_%", url=url)
    assert done.status == FINDINGS, done.err
    lines = {line.split()[0]: line for line in done.out.splitlines()}
    assert "0 failed" in lines["tenant_01"] and "0 failed" in lines["tenant_03"]
    assert "FINDINGS" in lines["tenant_02"] and "3 failed: identity" in lines["tenant_02"]
    assert "membership-refactor -x schema=tenant_02 checks" in done.out


def test_each_tenant_gets_a_page_of_its_own(
    template_database: TemplateDatabase, tmp_path: Path
) -> None:
    url = template_database("three tenants", three)
    pages = str(tmp_path / "page-{schema}.html")
    done = refactor("report", "-o", pages, "--all-schemas", "tenant_%", url=url)
    assert done.status == 0, done.err
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        f"page-{name}.html" for name in sorted(THREE)
    ]
    for name in THREE:
        page = (tmp_path / f"page-{name}.html").read_text()
        assert page.startswith("<!DOCTYPE html>") and f"Schema “{name}”" in page
        (line,) = [line for line in done.out.splitlines() if line.startswith(name)]
        assert "2 of 11 steps have run" in line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("upgrade", "+1"), "means another revision in each schema"),
        (("downgrade", "-1"), "means another revision in each schema"),
        (("upgrade", "head", "--sql"), "--sql is for one schema"),
        (("-x", "schema=a", "upgrade", "head"), "exclude each other"),
        (("upgrade", "head", "--parallel", "0"), "--parallel 0 is below 1"),
        (("status", "--watch"), "--watch is for one schema"),
        (("watch", "--every", "5m"), "--every is for one schema"),
        (("checks", "--format", "junit"), "--format junit is for one schema"),
        (("report",), "the pages of several schemas need a file each"),
        (("report", "-o", "all.html"), "report -o 'report-{schema}.html'"),
    ],
)
def test_what_goes_with_one_schema_only_is_refused(arguments: tuple[str, ...], says: str) -> None:
    done = refactor(*arguments, "--all-schemas", "tenant_%", url="postgresql:///nowhere")
    assert done.status == WRONG_USE
    assert says in done.said


def test_a_project_whose_env_takes_no_schema_is_told_to_register_them(
    template_database: TemplateDatabase, tmp_path: Path
) -> None:
    url = template_database("three tenants", three)
    shutil.copytree(ROOT / "examples" / "two_schemas", tmp_path / "clinic")
    ini = tmp_path / "clinic" / "alembic.ini"
    text = ini.read_text().replace("postgresql+psycopg://localhost/clinic", url.replace("%", "%%"))
    ini.write_text(text)
    done = refactor(
        "-c", str(ini), "upgrade", "head", "--all-schemas", "%", PYTHONPATH=str(ini.parent)
    )
    assert done.status == WRONG_USE
    assert "Register the schemas" in done.said
