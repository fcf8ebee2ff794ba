"""The statements that ran: of pg_stat_statements and of logs, with role and calls."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from membership_refactor.cli.verb import FINDINGS, FINE
from membership_refactor.consumers import Consumer
from membership_refactor.errors import WrongUse
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.scan.read.catalog import Running
from membership_refactor.scan.run import Request, scan
from membership_refactor.watch.running_statements import from_log
from tests.fixtures.databases import NewDatabase
from tests.scan.test_run import run

READS = "SELECT person_id FROM curriculum_membership WHERE id = $1"


def _csv(user: str, message: str, query: str = "", application: str = "") -> str:
    row = [""] * 26
    row[1], row[13], row[19], row[22] = user, message, query, application
    line = io.StringIO()
    csv.writer(line).writerow(row)
    return line.getvalue()


def test_a_log_in_csv_is_read_with_roles_and_calls(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(
        _csv("tcs", f"execute a: {READS}")
        + _csv("tcs", f"statement: {READS}")
        + _csv("tcs", "duration: 0.1 ms  statement: SELECT 1\n  AS x", application="job")
        + _csv("app", "permission denied", "SELECT rotation FROM curriculum_membership")
        + _csv("app", "checkpoint complete")
    )
    assert from_log(log) == {
        Running("tcs", "", READS): 2,
        Running("tcs", "job", "SELECT 1\n  AS x"): 1,
        Running("app", "", "SELECT rotation FROM curriculum_membership"): 1,
    }


def test_a_log_in_json_is_read_up_to_a_half_written_line(tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    lines = [{"user": "tcs", "application_name": "job", "message": f"statement: {READS}"}]
    log.write_text("\n".join(map(json.dumps, lines)) + '\n{"user": "tcs", "mess')
    assert from_log(log) == {Running("tcs", "job", READS): 1}


def test_records_that_cannot_be_read_leave_the_question_open(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes(_csv("tcs", f"statement: {READS}").encode() + b"\xff,\r\n")
    running = from_log(log)
    assert running == {Running("tcs", "", READS): 1, Running("", "", None): 1}
    request = Request(
        plan=SPLIT, stage=Stage.INTERIM, consumers=(Consumer(name="core"),), running=running
    )
    assert [consumer.open for consumer in scan(request).consumers] == [0, 1]


def test_a_log_is_read_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("membership_refactor.watch.running_statements._BLOCK", 64)
    log = tmp_path / "log.csv"
    log.write_text(_csv("tcs", f"statement: {READS}") * 9)
    assert from_log(log) == {Running("tcs", "", READS): 9}


def test_a_file_that_is_no_log_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("LOG:  statement: SELECT 1\n")
    with pytest.raises(WrongUse, match="is not a log in CSV or JSON"):
        from_log(tmp_path / "a.log")
    with pytest.raises(WrongUse, match="cannot be read"):
        from_log(tmp_path / "nowhere.csv")


def test_a_statement_belongs_to_the_consumer_of_its_role(tmp_path: Path) -> None:
    request = Request(
        plan=SPLIT, stage=Stage.INTERIM, consumers=(Consumer(name="core", roles=("tcs",)),),
        running=from_log(_log(tmp_path)),
    )  # fmt: skip
    outcome = scan(request)
    by_name = {consumer.name: consumer for consumer in outcome.consumers}
    assert by_name["core"].references == 1 and not by_name["core"].clear
    assert by_name["(statements)"].references == 1
    (path,) = [file.path for file in outcome.files if file.consumer == "core"]
    assert path == "statement of tcs, 2 calls"


def _log(folder: Path) -> Path:
    log = folder / "log.csv"
    other = "SELECT rotation FROM curriculum_membership"
    log.write_text(_csv("tcs", f"statement: {READS}") * 2 + _csv("x", f"statement: {other}"))
    return log


def test_a_hidden_text_leaves_the_consumer_open() -> None:
    from collections import Counter

    request = Request(
        plan=SPLIT, stage=Stage.INTERIM, consumers=(Consumer(name="core", roles=("tcs",)),),
        running=Counter({Running("tcs", "", None): 3}),
    )  # fmt: skip
    core = scan(request).consumers[0]
    assert core.open == 1 and not core.clear


def test_the_verb_reads_a_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--from-statements", str(_log(tmp_path))) == FINDINGS
    shown = capsys.readouterr().out
    assert "statement of tcs, 2 calls:1:8: read of curriculum_membership.person_id" in shown
    log = tmp_path / "clean.csv"
    log.write_text(_csv("tcs", "statement: SELECT id FROM curriculum_membership"))
    assert run("--from-statements", str(log)) == FINE


def test_a_server_without_the_extension_is_named(new_database: NewDatabase) -> None:
    from membership_refactor.errors import RefactorError

    with pytest.raises(RefactorError, match="no statements to read"):
        run("--from-statements", url=new_database())


def test_only_new_findings_fail(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "a.sql").write_text("SELECT person_id FROM curriculum_membership;\n")
    assert run(str(source), format_="json") == FINDINGS
    baseline = tmp_path / "baseline.json"
    baseline.write_text(capsys.readouterr().out)
    (source / "a.sql").write_text("\n\nSELECT person_id FROM curriculum_membership;\n")
    assert run(str(source), "--baseline", str(baseline)) == FINE
    assert "read of" not in capsys.readouterr().out
    (source / "b.py").write_text('q = "SELECT rotation FROM curriculum_membership"\n')
    assert run(str(source), "--baseline", str(baseline)) == FINDINGS
    shown = capsys.readouterr()
    assert "rotation" in shown.out and "person_id" not in shown.out
    assert "1 new findings" in shown.err
    (source / "a.sql").write_text("SELECT person_id FROM curriculum_membership;\n" * 2)
    (source / "b.py").unlink()
    assert run(str(source), "--baseline", str(baseline)) == FINDINGS  # once more than before
    for text in ("", "[]", '{"files": [{}]}'):
        baseline.write_text(text)
        with pytest.raises(WrongUse, match="is no outcome of a scan"):
            run(str(source), "--baseline", str(baseline))
    with pytest.raises(WrongUse, match="There is no baseline"):
        run(str(source), "--baseline", str(tmp_path / "nowhere.json"))


def test_a_name_that_is_no_utf8_is_shown_in_every_format(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    name = tmp_path / "a\udcff.sql"
    name.write_text("SELECT person_id FROM curriculum_membership;\n")
    for format_ in ("text", "json", "sarif"):
        assert run(str(tmp_path), format_=format_) == FINDINGS
        assert capsysbinary.readouterr().out
