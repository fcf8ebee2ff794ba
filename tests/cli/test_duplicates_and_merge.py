"""``duplicates`` and ``merge`` at the command line: what they print and how they end."""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.config import Config
from sqlalchemy import Engine

from membership_refactor.cli import duplicates, merge_duplicates
from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.enrollment.label import label
from membership_refactor.environment import Request
from membership_refactor.errors import WrongUse
from membership_refactor.execution.options import Options
from membership_refactor.plans.program_enrollment import IDENTITY
from tests.cli.processes import command, environment
from tests.enrollment.tables import CURRICULA, PROGRAMS, contents, enrol, run


def call(
    engine: Engine,
    module: Any,
    *arguments: str,
    format: str = "text",
    options: Options | None = None,
) -> int:
    parser = argparse.ArgumentParser()
    module.configure(parser)
    context = Context(
        schema="public",
        format=format,
        engine=lambda: engine,
        request=Request(schema="public", options=options or Options()),
        config=Config(),
    )
    return int(module.run(parser.parse_args(arguments), context))


@pytest.fixture
def troubled(unconstrained_engine: Engine) -> Engine:
    with unconstrained_engine.begin() as connection:
        enrol(connection, 1, None, courses=("c",))
        enrol(connection, 1, "k", courses=("c",))
        enrol(connection, 2, "x")
        enrol(connection, 3, "x")
        enrol(connection, None, None)
        enrol(connection, None, "[red]k")
        enrol(connection, None, "[RED]K", status="withdrawn")
    return unconstrained_engine


def test_the_text_names_every_kind_and_every_row(
    troubled: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(troubled, duplicates) == FINDINGS
    out = capsys.readouterr().out
    for line in ("1 mergeable", "1 contradictory", "1 unidentified", "1 spellings", "1 status"):
        assert line in out
    # Square brackets of a key are no markup.
    assert "[red]k" in out


def test_a_file_gets_whole_uuids_however_narrow_the_terminal_is(
    troubled: Engine, tmp_path: Path
) -> None:
    file = tmp_path / "duplicates"
    with file.open("w") as out:
        ended = subprocess.run(
            [*command("membership-refactor"), "-x", f"url={_url(troubled)}", "duplicates"],
            stdout=out,
            env=environment(COLUMNS="80"),
            check=False,
        )
    assert ended.returncode == FINDINGS
    rows = [line for line in file.read_text().splitlines() if "enrolled" in line]
    assert len(rows) == 6
    assert all(f"{PROGRAMS[0]} " in row and f"{CURRICULA[0]} " in row for row in rows)


def _url(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_csv_has_a_line_for_each_row(troubled: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(troubled, duplicates, format="csv") == FINDINGS
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [line["kind"] for line in lines].count("contradictory") == 2
    assert len(lines) == 2 + 2 + 1 + 2 + 1


def test_a_dry_run_a_merge_a_look_and_an_undo(
    troubled: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(troubled)
    assert call(troubled, merge_duplicates) == FINDINGS
    assert "Nothing has been changed" in capsys.readouterr().out
    assert contents(troubled) == before
    assert call(troubled, merge_duplicates, "--apply") == FINDINGS
    assert "left unchanged: 3, 4" in capsys.readouterr().out
    assert call(troubled, merge_duplicates, "--where", "2") == FINE
    assert "2 was merged into 1 by run 1" in capsys.readouterr().out
    assert call(troubled, merge_duplicates, "--where", "1") == FINDINGS
    assert call(troubled, merge_duplicates, "--undo", "1") == FINE
    assert contents(troubled) == before


def test_a_label_is_given_only_when_it_is_to_be_applied(troubled: Engine) -> None:
    before = contents(troubled)
    with pytest.raises(WrongUse, match="--apply"):
        call(troubled, merge_duplicates, "--label", "unknown-")
    assert contents(troubled) == before
    assert call(troubled, merge_duplicates, "--label", "unknown-", "--apply") == FINE
    assert label(troubled, IDENTITY, "public", prefix="again-") == (0, None)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--survivor", "youngest"),
        ("--batch-rows", "0"),
        ("--identity", "user_id"),
        ("--table", "program_enrollment"),
        ("--undo", "7"),
    ],
)
def test_wrong_use_is_said_and_changes_nothing(
    troubled: Engine, arguments: tuple[str, ...]
) -> None:
    before = contents(troubled)
    with pytest.raises(WrongUse):
        call(troubled, merge_duplicates, "--apply", *arguments)
    assert contents(troubled) == before


@pytest.mark.parametrize(
    ("arguments", "given", "batches"),
    [((), None, 1), ((), 1, 4), ((), 2, 2), (("--batch-rows", "4"), 1, 1)],
    ids=["by default one", "-x batch-rows=1", "-x batch-rows=2", "--batch-rows goes before -x"],
)
def test_both_ways_of_saying_how_large_a_batch_is_are_heard(
    unconstrained_engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    given: int | None,
    batches: int,
) -> None:
    with unconstrained_engine.begin() as connection:
        for number in range(8):
            enrol(connection, number // 2, None)
    locking: list[str] = []
    execute = psycopg.Cursor.execute

    def noted(self: psycopg.Cursor[Any], query: Any, *rest: Any, **options: Any) -> Any:
        text = query.as_string(self) if isinstance(query, psycopg.sql.Composable) else str(query)
        if "FOR UPDATE OF t" in text:
            locking.append(text)
        return execute(self, query, *rest, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", noted)
    options = Options(batch_rows=given)
    assert (
        call(unconstrained_engine, merge_duplicates, "--apply", *arguments, options=options) == FINE
    )
    assert len(locking) == batches


def test_a_dry_run_says_where_every_batch_would_read_the_table(
    troubled: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    call(troubled, merge_duplicates)
    assert "user_id, external_user_key: no index" in capsys.readouterr().err
    with troubled.begin() as connection:
        for column in ("user_id", "external_user_key"):
            run(connection, f"CREATE INDEX ON program_enrollment ({column}, program_uuid)")
    call(troubled, merge_duplicates)
    assert "no index" not in capsys.readouterr().err
