"""The texts that are written into a project: the plan's module, its registration, docstrings."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from typing import Any

import pytest
from alembic.script import ScriptDirectory

from membership_refactor import Conflict, ParentColumn, TableSplit
from membership_refactor.inspect.lock_forecast import locks_of, locks_of_keys
from membership_refactor.plans.legacy_tables import legacy_tables
from membership_refactor.plans.programme_membership import SPLIT
from membership_refactor.project.plan_module import plan_module
from membership_refactor.project.registering import with_plan
from membership_refactor.project.step_texts import step_text
from membership_refactor.script.prediction import predicted
from membership_refactor.sql.names import Names
from membership_refactor.sql.quoting import qualified
from membership_refactor.steps import steps_of
from membership_refactor.steps.step import Direction, Step
from membership_refactor.steps.step_chain import Chain
from tests.chain.subjects import IN_PLACE, MEMBERSHIP, renamed
from tests.cli.processes import ROOT

PLANS = {
    "the one that ships": SPLIT,
    "in place": TableSplit(
        name="orders",
        source="order_line",
        parent="order_header",
        key=("order_no", "day"),
        keep=("order_no",),
        parent_columns=(ParentColumn(name="status", conflict=Conflict.FIRST),),
        child_columns=("article",),
        link="order_header_uuid",
        id="line_id",
        parent_id="parent_uuid",
        version="row_version",
    ),
    "rename": TableSplit(
        name="clients", source="customer", copy="client", child_columns=("name",), retired="old"
    ),
    "names that need care": TableSplit(
        name="odd",
        source='Grüße "an" \\alle',
        copy="select",
        parent="a\nb",
        key=("käse'",),
        child_columns=tuple(f"column_{n}" for n in range(120)),
        link="x\ty",
    ),
}


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_module_gives_the_plan_back(plan: TableSplit) -> None:
    text = plan_module(plan, "PLAN", remarks={"rotation": "A remark. " * 20})
    found: dict[str, Any] = {}
    exec(compile(text, "plan", "exec"), found)

    assert found["PLAN"] == plan
    assert found["PLAN"].fingerprint == plan.fingerprint
    assert all(len(line) <= 100 for line in text.splitlines()[2:])


INI = (
    "[alembic]\nscript_location = here\n# a remark\n",
    "[membership_refactor]\nplans = app.plans:ONE\n\n[alembic]\nx = 1\n",
    "[membership_refactor]\n# ours\nplans =\n    app.plans:ONE\n    app.plans:OTHER\n[alembic]\n",
    "[membership_refactor]\n\n[alembic]\nx = 1",
)


@pytest.mark.parametrize("text", INI)
@pytest.mark.parametrize("schema", ["public", "sales%"])
def test_registers_in_alembic_ini(text: str, schema: str) -> None:
    before = ConfigParser()
    before.read_string(text)
    known = before.get("membership_refactor", "plans", fallback="").split()

    made = with_plan(text, "app.new:PLAN", "new", schema, toml=False)

    after = ConfigParser()
    after.read_string(made)
    assert after.get("membership_refactor", "plans").split() == [*known, "app.new:PLAN"]
    schemas = after.get("membership_refactor:new", "schemas", fallback="public")
    assert schemas == schema
    assert dict(before["alembic"]) == dict(after["alembic"])
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line
        for line in made.splitlines()
        if line.startswith("#") and "Plans of membership_refactor" not in line
    ]


TOML = (
    '[project]\nname = "x"\n[tool.alembic]\nscript_location = "here"  # a remark\n',
    '[tool.membership_refactor]\nplans = ["app.plans:ONE"]\n\n[tool.alembic]\nx = 1\n',
    "[tool.membership_refactor]\nplans = [\n    'app.plans:ONE',\n    'app.plans:OTHER',\n]\n"
    '[tool.membership_refactor.ONE]\nschemas = ["a"]\n[tool.alembic]\nx = 1\n',
    '[tool.membership_refactor]\nplans = "app.plans:ONE"\n[tool.alembic]\n',
    # Comments between and behind the items, brackets in them and in items, and no last comma.
    '[tool.membership_refactor]\nplans = [  # [all] of ours\n  # the "first"\n'
    "  'app.plans:ONE',  # [one], a remark\n  # and then\n  'app.plans:OTHER'  # last ]\n"
    "  # no more\n]  # end\n[tool.alembic]\nx = 1\n",
    '[tool.membership_refactor]\nplans = ["app.plans:ONE",\n         "app.plans:OTHER"] # end\n'
    "[tool.alembic]\nx = 1\n",
    "[tool.membership_refactor]\nplans = []\n\n[tool.alembic]\nx = 1\n",
    '[tool.membership_refactor]\nplans = [ "app.plans:ONE", ]\n[tool.alembic]\nx = 1\n',
    "[tool.membership_refactor]\nplans = [\n]\n[tool.alembic]\nx = 1\n",
    "[tool.alembic]\nx = 1\n[tool.membership_refactor]",
)


@pytest.mark.parametrize("text", TOML)
@pytest.mark.parametrize("schema", ["public", 'sa"les'])
def test_registers_in_pyproject(text: str, schema: str) -> None:
    before = tomllib.loads(text)["tool"]
    known = before.get("membership_refactor", {}).get("plans", [])
    known = [known] if isinstance(known, str) else known

    made = with_plan(text, "app.new:PLAN", "new", schema, toml=True)

    after = tomllib.loads(made)["tool"]
    assert after["membership_refactor"]["plans"] == [*known, "app.new:PLAN"]
    assert after["membership_refactor"].get("new", {}) == (
        {} if schema == "public" else {"schemas": [schema]}
    )
    assert after["alembic"] == before["alembic"]
    # Every word that was there stays where it was.
    rest = made
    for word in re.findall(r"[^\s\[\],]+", text):
        assert word in rest, made
        rest = rest.partition(word)[2]


@pytest.mark.parametrize(("text", "toml"), [*((t, False) for t in INI), *((t, True) for t in TOML)])
@pytest.mark.parametrize("schema", ["public", "sales"])
def test_the_ends_of_lines_stay(text: str, toml: bool, schema: str) -> None:
    expected = with_plan(text, "app.new:PLAN", "new", schema, toml=toml)
    made = with_plan(text.replace("\n", "\r\n"), "app.new:PLAN", "new", schema, toml=toml)
    if "\n" in text:
        assert made == expected.replace("\n", "\r\n")


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_every_step_of_a_plan_has_a_text(plan: TableSplit) -> None:
    ids = {step: f"id_of_{step}" for step in plan.steps}
    for step in plan.steps:
        title, below = step_text(plan, step, ids)
        assert title and [line.split(":")[0] for line in below.splitlines() if line[0] != " "] == [
            "Deploy",
            "Locks",
            "Undo",
        ]
        assert "{" not in title + below


SHAPES = (SPLIT, IN_PLACE.plan, renamed(MEMBERSHIP).plan)
STEPS_OF_SHAPES = [(plan, step) for plan in SHAPES for step in steps_of(plan)]


@pytest.mark.parametrize(
    ("plan", "step"), STEPS_OF_SHAPES, ids=[f"{p.shape} {s.name}" for p, s in STEPS_OF_SHAPES]
)
def test_a_step_of_each_shape_says_every_mode_that_it_takes_and_no_other(
    plan: TableSplit, step: Step
) -> None:
    """Modes behind which writers queue are computed, on tables that applications use."""
    chain = predicted(Names(plan, "public"), Chain(steps_of(plan)), legacy_tables("public"))
    before, after = chain.before[step.name], chain.after[step.name]
    private = {qualified(t.schema, t.name) for t in after.tables if before.find(t.name) is None}
    if step.name == "rebuild_parent":
        private.add(chain.names.parent)
    actions = step.up(chain.situation(step.name, Direction.UP))
    used = (*locks_of(actions, private=private), *locks_of_keys(actions, before, after))
    taken = {u.mode for u in used if not u.table.startswith(f'"{chain.names.ledger}".')}
    _, below = step_text(plan, step.name, {name: name for name in plan.steps})
    (said,) = (part for part in _parts(below) if part.startswith("Locks: "))
    modes = ("SHARE ROW EXCLUSIVE", "ACCESS EXCLUSIVE")
    assert {mode for mode in modes if mode in said} == {mode for mode in modes if mode in taken}


def test_what_the_steps_say_is_what_the_chain_that_ships_says() -> None:
    """Locks and costs of undoing are told twice, there for memberships and here for any table."""

    script = ScriptDirectory(str(ROOT / "alembic"))
    chain = {r.revision: r.module.__doc__ or "" for r in script.walk_revisions()}
    ids = dict(zip(SPLIT.steps, sorted(chain)[2:11], strict=True))
    for step, revision in ids.items():
        _, below = step_text(SPLIT, step, ids)
        said, told = (
            {
                name: " ".join(text.split())
                for name, _, text in (part.partition(": ") for part in _parts(document))
                if name in ("Locks", "Undo")
            }
            for document in (below, chain[revision])
        )
        assert said == told, step


def _parts(document: str) -> list[str]:
    """The paragraphs, each of which begins at the left and goes on indented."""
    joined = document.replace("\n    ", " ")
    return [line for line in joined.splitlines() if line]
