"""The verb as a process: status, forms of output, and one line where it cannot be run."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree.ElementTree import parse

import pytest

from membership_refactor.cli.command_line import run
from tests.cli.processes import FINDINGS, WRONG_USE, failure, ran
from tests.fixtures.chains import ChainAt
from tests.fixtures.databases import NewDatabase
from tests.rehearsal.test_clone import whole_dump

REHEARSE = ("rehearse", "--rows", "100", "--to", "0003", "--no-way-back")


def test_nothing_found_is_status_0_and_the_database_is_as_it_was(
    chain_at: ChainAt, tmp_path: Path
) -> None:
    chain = chain_at("0002")
    before, file = whole_dump(chain.url), tmp_path / "rehearsal.xml"

    ended = ran("membership-refactor", *REHEARSE, "--junit", str(file), url=chain.url)

    assert ended.status == 0, ended.out + ended.err
    assert "nothing was found" in ended.out.splitlines()[0]
    assert "about 0.0 s left" in ended.err
    assert parse(file).getroot()[0].get("failures") == "0"
    assert whole_dump(chain.url) == before


def test_a_finding_is_status_1_and_json_names_it(chain_at: ChainAt) -> None:
    chain = chain_at("0002")
    chain.run("CREATE TABLE public.curriculum_membership (id int)")

    ended = ran("membership-refactor", *REHEARSE, "--format", "json", url=chain.url)

    assert ended.status == FINDINGS, ended.err
    (found,) = json.loads(ended.out)["findings"]
    assert found["kind"] == "the chain stops" and "curriculum_membership" in found["what"]


def test_what_cannot_be_run_is_status_2_and_one_line(
    new_database: NewDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    url = new_database()
    for arguments, said in (
        ((), 'no table "programme_membership" in the schema "public"'),
        (("--rows", "0"), "--rows 0 is below 1"),
        (("--to", "0099"), "--to 0099 runs no step"),
        (("--plan", "other"), 'the project has no plan "other"'),
    ):
        assert run(["-x", f"url={url}", "rehearse", *arguments]) == WRONG_USE
        assert said in failure(capsys.readouterr().err)


def test_a_login_that_does_not_exist_is_status_2_and_its_password_is_not_shown(
    new_database: NewDatabase, capsys: pytest.CaptureFixture[str]
) -> None:
    url = new_database().replace("postgres@", "nobody_here:hush@")
    assert run(["-x", f"url={url}", "rehearse"]) == WRONG_USE
    said = failure(capsys.readouterr().err)
    assert "nobody_here" in said and "hush" not in said
