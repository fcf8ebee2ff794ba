"""Every command that a hint names can be copied, also in a project with two plans."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from membership_refactor.cli.command_line import command_line, verbs
from membership_refactor.database import libpq_url
from membership_refactor.execution.tenant_lock import try_lock
from membership_refactor.planning.revisions import OF_A_PLAN, OF_A_TABLE, Revisions
from tests.cli.processes import REFUSED, query
from tests.fixtures.databases import NewDatabase
from tests.guest.projects import LINES, Project
from tests.guest.test_several_plans import project_of

_COMMAND = re.compile(r"\b(membership-refactor|alembic) (?=-|[a-z]+\b)")
_ENDS = re.compile(r"   |[.,;](?=[\s']|$)|[`'()\n]|$|\b(?:then|or|and|shows|corrects|writes) | > ")
_NO_COMMAND = {"membership-refactor": ("made", "that", "uses"), "alembic": ("or", "goes")}
"""Words behind the name of a program that is only mentioned."""


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command in a text."""
    # Where a line is broken for the terminal, the command goes on.
    text = re.sub(r"\n {4,}", " ", text)
    for found in _COMMAND.finditer(text):
        ends = _ENDS.search(text, found.end())
        assert ends is not None
        words = shlex.split(text[found.start() : ends.start()])
        if len(words) > 1 and words[1] not in _NO_COMMAND[words[0]]:
            yield words


def assert_can_be_copied(text: str, *plans: str) -> set[str]:
    """Each command parses, and means one of the plans. The verbs that were met."""
    met = set()
    for words in commands(text):
        parsed = command_line().parser.parse_args(words[1:])
        verb = parsed.cmd[0].__name__
        if verb in OF_A_PLAN:
            assert parsed.plan in plans, words
        met.add(verb)
    return met


def test_the_verbs_that_take_a_plan_are_known() -> None:
    parser = command_line().subparsers
    with_plan = {n for n, p in parser.choices.items() if "--plan" in p._option_string_actions}
    assert with_plan == set(OF_A_PLAN)
    assert set(OF_A_TABLE) <= set(parser.choices) and len(list(verbs())) >= len(OF_A_PLAN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Run: membership-refactor repair --apply", "Run: membership-refactor {}repair{} --apply"),
        ("`membership-refactor merge-duplicates`", "`membership-refactor {}merge-duplicates`"),
        ("membership-refactor status", "membership-refactor {}status{}"),
        ("of membership-refactor that made it", "of membership-refactor that made it"),
        ("membership-refactor plan --plan a", "membership-refactor plan --plan a"),
        ("membership-refactor plans", "membership-refactor plans"),
    ],
)
@pytest.mark.parametrize("named", [("", ""), ("", " --plan orders"), ("-x schema=a ", "")])
def test_a_hint_names_the_plan_once(text: str, expected: str, named: tuple[str, str]) -> None:
    revisions = Revisions(named=named)
    told = revisions.naming(text)
    before, after = named
    assert told == expected.replace("{}", before, 1).replace("{}", after)
    if after:
        assert revisions.naming(told) == told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Run: alembic upgrade 0004", "Run: alembic -x schema=north upgrade 0004"),
        ('alembic -x accept-usage="REASON" upgrade 2',
         'alembic -x schema=north -x accept-usage="REASON" upgrade 2'),
        ("alembic -x schema=north downgrade base", "alembic -x schema=north downgrade base"),
        ("`alembic stamp --purge base`", "`alembic -x schema=north stamp --purge base`"),
        ("alembic or psql", "alembic or psql"),
    ],
)  # fmt: skip
def test_a_hint_of_alembic_names_the_schema_that_was_asked_for(text: str, expected: str) -> None:
    revisions = Revisions({"copy_table": "2"}, schema="-x schema=north ")
    assert revisions.naming(text) == expected
    assert revisions.naming(expected) == expected
    assert Revisions().naming(text) == text


def test_the_command_of_a_step_names_the_schema() -> None:
    revisions = Revisions({"copy_table": "2"}, {"copy_table": "1"}, schema="-x schema=north ")
    assert revisions.command("copy_table", "up") == "alembic -x schema=north upgrade 2"
    assert revisions.command("copy_table", "down") == "alembic -x schema=north downgrade 1"
    assert revisions.accepting("x", "copy_table").startswith("alembic -x schema=north -x x=")


def _failed(project: Project, *arguments: str) -> str:
    done = project.alembic(*arguments)
    assert done.status == REFUSED, done.out + done.err
    return done.said


def test_every_command_of_a_refusal_can_be_copied(
    new_database: NewDatabase, tmp_path: Path
) -> None:
    url = new_database()
    project = project_of(url, tmp_path)
    project.upgraded("03_customers")
    told = [project.refactor("plan", "--plan", "orders", "-x", "schema=public").out]
    ours = ("orders", "customers")
    with psycopg.connect(libpq_url(url), autocommit=True) as other:
        other.execute(try_lock("public").encode())
        busy = _failed(project, "upgrade", "head")
        assert "membership-refactor -x schema=public status --plan" in busy
        told.append(busy)
    told.append(_failed(project, "-x", "portrait=nothing.json", "upgrade", "head", "--sql"))
    told.append(_failed(project, "upgrade", "01_tables:head", "--sql"))
    document = project.refactor(
        "-x", "schema=archive", "plan", "--plan", "orders", "--format", "json"
    )
    (tmp_path / "tables.json").write_text(document.out)
    printed = project.alembic(
        "-x", "portrait=tables.json", "upgrade", "01_tables:02_orders", "--sql"
    )
    hints = re.findall(r"HINT = (.*)", printed.out)
    assert len(hints) > 10, printed.out + printed.err
    told += hints
    with psycopg.connect(libpq_url(url)) as writer:
        writer.execute("UPDATE archive.order_line SET sku = 'y'")
        writer.execute("INSERT INTO archive.order_line (customer_id, ordered_on) VALUES (1, now())")
        told.append(_failed(project, "-x", "lock-timeout=1", "upgrade", "04_both"))
    told.append(_failed(project, "downgrade", "01_tables"))
    named = ("-x", "schema=archive")
    told += [project.refactor(*named, verb, "--plan", "orders").out for verb in ("status", "plan")]
    project.edit(*LINES)
    told.append(_failed(project, "downgrade", "01_tables"))
    query(url, "ALTER TABLE public.order_line DISABLE TRIGGER USER")
    told.append(project.refactor("-x", "schema=public", "checks", "--plan", "orders").out)
    met = assert_can_be_copied("\n".join(told), *ours)
    assert {"status", "plan", "abandon", "repair", "upgrade"} <= met, met
