"""The verb: consumers, formats, bad input, many files, broken files."""

from __future__ import annotations

import argparse
import itertools
import json
import re
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config
from sqlalchemy import create_engine

from membership_refactor.cli import scan as verb
from membership_refactor.cli.verb import FINDINGS, FINE, Context
from membership_refactor.consumers import read_consumers
from membership_refactor.environment import request_from
from membership_refactor.errors import WrongUse
from membership_refactor.planning import Stage
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.report.record_scan import record
from membership_refactor.scan.run import Request, scan
from tests.benchmarks.usual_seconds import usual_seconds
from tests.fixtures.databases import NewDatabase
from tests.scan.corpus_reader import corpus

INI = Path(__file__).parents[2] / "alembic.ini"
EXAMPLE = Path(__file__).parents[2] / "examples" / "consumers.toml"
OLD = "SELECT person_id FROM curriculum_membership;\n"


def run(*arguments: str, format_: str = "text", url: str = "") -> int:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    options = parser.parse_args(arguments)
    context = Context(
        schema="public",
        format=format_,
        engine=lambda: create_engine(url),
        request=request_from({"url": url} if url else {}),
        config=Config(str(INI), cmd_opts=argparse.Namespace(x=[f"url={url}"] if url else [])),
        plan_name=options.plan,
    )
    return verb.run(options, context)


def _document(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    run(*arguments, format_="json")
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_the_shipped_example_names_the_services_of_the_real_system() -> None:
    consumers = read_consumers(EXAMPLE, SPLIT)
    assert len(consumers) >= 9
    assert sum(bool(consumer.unaffected) for consumer in consumers) == 2
    assert [c.name for c in consumers if c.through] == ["bulk-upload"]


def test_every_consumer_has_its_row_and_says_what_stands_in_the_way(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "a.sql").write_text(OLD)
    (tmp_path / "two" / "b.sql").write_text("SELECT id FROM curriculum_membership;\n")
    (tmp_path / "c.toml").write_text(
        '[[consumer]]\nname = "one"\npaths = ["one"]\n'
        '[[consumer]]\nname = "two"\npaths = ["two"]\n'
        '[[consumer]]\nname = "behind"\nthrough = "one"\n'
        '[[consumer]]\nname = "away"\nunaffected = "other schema"\n'
        '[[consumer]]\nname = "forgotten"\n'
        '[[consumer]]\nname = "absent"\npaths = ["nowhere"]\n'
    )
    document = _document(capsys, "--consumers", str(tmp_path / "c.toml"))
    clear = {consumer["name"]: consumer["clear"] for consumer in document["consumers"]}
    assert clear == {
        "one": False,
        "two": True,
        "behind": False,
        "away": True,
        "forgotten": False,
        "absent": False,
    }


def test_the_exit_status_tells_findings_from_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.sql").write_text(OLD)
    assert run(str(tmp_path)) == FINDINGS
    (tmp_path / "a.sql").write_text("SELECT id FROM curriculum_membership;\n")
    assert run(str(tmp_path)) == FINE
    assert "clear" in capsys.readouterr().out


def test_sarif_has_a_rule_and_a_place_for_every_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.sql").write_text(OLD)
    run(str(tmp_path), format_="sarif")
    document = json.loads(capsys.readouterr().out)
    (only,) = document["runs"]
    rules = [rule["id"] for rule in only["tool"]["driver"]["rules"]]
    for result in only["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        region = result["locations"][0]["physicalLocation"]["region"]
        assert region == {"startLine": 1, "startColumn": 8, "endColumn": 17}


def test_the_diff_is_shown_and_applied_on_demand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.sql"
    path.write_bytes(b"\xef\xbb\xbf" + OLD.replace("\n", "\r\n").encode())
    run(str(path), "--rewrite")
    assert "+" in capsys.readouterr().out and path.read_bytes().endswith(b"membership;\r\n")
    run(str(path), "--apply")
    assert path.read_bytes().startswith(b"\xef\xbb\xbfSELECT ")
    assert b"programme_membership_uuid);\r\n" in path.read_bytes()
    capsys.readouterr()
    assert run(str(path)) == FINE


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["/nowhere/at/all"], "There is no path"),
        ([".", "--stage", "soon"], "There is no stage"),
        ([".", "--dialect", "cobol"], "There is no dialect"),
        ([".", "--consumers", "/nowhere.toml"], "There is no consumer file"),
        ([".", "--plan", "other"], 'the project has no plan "other". Its plans: '),
        ([], "Nothing to scan"),
    ],
)
def test_wrong_use_gets_one_line(arguments: list[str], part: str) -> None:
    with pytest.raises(WrongUse) as caught:
        run(*arguments)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[[consumer]\n", "cannot be read"),
        ("", "no [[consumer]]"),
        ('[[consumer]]\nowner = "x"\n', "has no name"),
        ('[[consumer]]\nname = "x"\ncolour = 1\n', 'does not know "colour"'),
        ('[[consumer]]\nname = "x"\ndialect = "cobol"\n', "cobol"),
        ('[[consumer]]\nname = "x"\npaths = "a"\n', "paths is not a list"),
        ('[[consumer]]\nname = "x"\n[[consumer]]\nname = "x"\n', "two consumers"),
        ('[[consumer]]\nname = "x"\nthrough = "y"\n', "not a consumer in this file"),
        ('[[consumer]]\nname = "x"\n[consumer.macros]\n"a b" = "c"\n', "macro"),
        ('[names.columns]\nnope = "x"\n[[consumer]]\nname = "x"\n', 'no column "nope"'),
    ],
)
def test_a_broken_consumer_file_gets_one_line_that_names_the_place(
    text: str, part: str, tmp_path: Path
) -> None:
    path = tmp_path / "c.toml"
    path.write_text(text)
    with pytest.raises(WrongUse) as caught:
        read_consumers(path, SPLIT)
    assert part in str(caught.value) and str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_odd_files_are_named_and_stop_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "binary.sql").write_bytes(b"curriculum_membership\0\1\2person_id")
    (tmp_path / "latin.sql").write_bytes(b"-- caf\xe9\n" + OLD.encode())
    (tmp_path / "wide.sql").write_bytes(OLD.encode("utf-16"))
    (tmp_path / "large.sql").write_text("-- curriculum_membership\n" * 400)
    (tmp_path / "deep.sql").write_text(
        "SELECT person_id FROM curriculum_membership WHERE " + "(" * 3000 + "1" + ")" * 3000
    )
    (tmp_path / "broken.py").write_text("x = 'SELECT person_id FROM curriculum_membership\n")
    (tmp_path / "other.xml").write_text("<q>select person_id from curriculum_membership</q>")
    (tmp_path / "other.md").write_text("select person_id from curriculum_membership")
    (tmp_path / "good.sql").write_text(OLD)
    (tmp_path / "gone.sql").symlink_to(tmp_path / "nowhere")
    document = _document(capsys, str(tmp_path), "--max-bytes", "9000")
    by_name = {Path(found["path"]).name: found for found in document["files"]}
    for name in ("binary.sql", "latin.sql", "wide.sql", "large.sql", "deep.sql", "broken.py"):
        assert by_name[name]["notes"], name
    assert by_name["other.md"]["notes"]
    for name in ("latin.sql", "wide.sql", "good.sql", "deep.sql", "other.xml"):
        assert [r["column"] for r in by_name[name]["references"]] == ["person_id"], name


def test_the_outcome_goes_to_the_ledger(tmp_path: Path, new_database: NewDatabase) -> None:
    (tmp_path / "a.sql").write_text(OLD)
    from membership_refactor.consumers import Consumer

    outcome = scan(
        Request(
            plan=SPLIT, stage=Stage.INTERIM, consumers=(Consumer(name="one"),), paths=(tmp_path,)
        )
    )
    engine = create_engine(new_database())
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE SCHEMA public_refactor")
        connection.exec_driver_sql(
            "CREATE TABLE public_refactor.scan_outcome (plan text, stage text, consumer text, "
            "clear boolean, findings integer, detail jsonb, scanned_at timestamptz DEFAULT now())"
        )
        assert record(connection, "public", outcome) == 1
        row = connection.exec_driver_sql(
            "SELECT plan, stage, consumer, clear, findings FROM public_refactor.scan_outcome"
        ).one()
    engine.dispose()
    assert tuple(row) == ("programme_membership", "interim", "one", False, 1)


def _fill(folder: Path, count: int, *, unlike: bool = False) -> None:
    """Files of 2 kB: statements of the usual length between others that are not ours.

    ``unlike``: no statement is written twice.
    """
    numbers = itertools.count()
    ours = [s.text for s in corpus() if s.group == "postgres" and s.query]
    filler = "SELECT v.id, v.visited_at, v.place_of_visit FROM visit v WHERE v.note LIKE 'a%'\n"
    for number in range(count):
        text = ours[number % len(ours)]
        while len(text) < 2000:
            text += filler * 4 + ";\n" + ours[(number + len(text)) % len(ours)]
        if unlike:
            text = re.sub(r";\n", lambda _: f" /* {next(numbers)} */;\n", text)
        (folder / f"{number:05d}.sql").write_text(text)


def test_many_files_are_scanned_by_processes_in_the_order_of_their_names(tmp_path: Path) -> None:
    _fill(tmp_path, 150)
    (tmp_path / "00077.sql").write_bytes(b"person_id curriculum_membership \0")
    from membership_refactor.consumers import Consumer
    from membership_refactor.scan.read.worker_processes import Limits

    request = Request(
        plan=SPLIT, stage=Stage.INTERIM, consumers=(Consumer(name="one"),), paths=(tmp_path,),
        limits=Limits(processes=2),
    )  # fmt: skip
    outcome = scan(request)
    names = [found.path for found in outcome.files]
    assert names == sorted(names) and len(names) == 150
    alone = scan(
        Request(
            plan=SPLIT, stage=Stage.INTERIM, consumers=(Consumer(name="one"),), paths=(tmp_path,),
            limits=Limits(processes=1),
        )
    )  # fmt: skip
    assert alone.files == outcome.files


@pytest.mark.campaign
@pytest.mark.parametrize(("unlike", "limit"), [(False, 40), (True, 100)])
def test_ten_thousand_files_take_forty_seconds_and_less_than_a_hundred_if_nothing_repeats(
    unlike: bool, limit: float, tmp_path: Path
) -> None:
    _fill(tmp_path, 10_000, unlike=unlike)
    from membership_refactor.consumers import Consumer

    request = Request(
        plan=SPLIT, stage=Stage.INTERIM, consumers=(Consumer(name="one"),), paths=(tmp_path,)
    )
    scanned: list[int] = []
    taken = usual_seconds(lambda: scanned.append(scan(request).scanned), limit, runs=2)
    assert scanned[0] == 10_000
    assert taken < limit


INTERIM = """
CREATE TABLE programme_membership (uuid uuid PRIMARY KEY, person_id bigint NOT NULL,
  programme_id bigint NOT NULL, programme_membership_type text, programme_start_date date,
  programme_end_date date, rotation text, rotation_id bigint, training_number_id bigint,
  training_pathway text, leaving_reason text, leaving_destination text, amended_date timestamptz);
CREATE TABLE curriculum_membership (id bigint PRIMARY KEY, person_id bigint,
  programme_id bigint, programme_membership_type text, programme_start_date date,
  programme_end_date date, rotation text, rotation_id bigint, training_number_id bigint,
  training_pathway text, leaving_reason text, leaving_destination text, curriculum_id bigint,
  curriculum_start_date date, curriculum_end_date date, curriculum_completion_date date,
  period_of_grace integer, intrepid_id text, amended_date timestamptz,
  programme_membership_uuid uuid NOT NULL);
INSERT INTO programme_membership (uuid, person_id, programme_id, rotation)
  VALUES ('00000000-0000-8000-8000-000000000001', 1, 2, 'North');
INSERT INTO curriculum_membership (id, person_id, programme_id, rotation, programme_membership_uuid)
  VALUES (7, 1, 2, '{}', '00000000-0000-8000-8000-000000000001');
"""


@pytest.mark.parametrize(
    ("rotation", "status", "verdict"),
    [("North", "equal, 1 rows", "equal"), ("South", "on your own data", "different")],
)
def test_the_users_own_rows_are_compared_too(
    rotation: str,
    status: str,
    verdict: str,
    tmp_path: Path,
    new_database: NewDatabase,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url = new_database()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(INTERIM.format(rotation))
    engine.dispose()
    (tmp_path / "a.sql").write_text("SELECT id, rotation FROM curriculum_membership;\n")
    arguments = (str(tmp_path), "--compare", "--own-data", "--random-sets", "1")
    run(*arguments, format_="json", url=url)
    (compared,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert compared["verdict"] == verdict
    assert status in " ".join((compared["example"], *compared["remarks"]))


def test_a_missing_parser_gets_one_line_with_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WrongUse, match=r"pip install 'membership-refactor\[scan\]'"):
        run(str(tmp_path))
