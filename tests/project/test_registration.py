"""Plans are named in alembic.ini or pyproject.toml, and a mistake there is one line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.config import Config

from membership_refactor.errors import WrongUse
from membership_refactor.project.registration import Registered, registered_plans

PLANS = """
from membership_refactor import TableSplit
from membership_refactor.steps.step_chain import Chain


def plan(name):
    return TableSplit(
        name=name, source=name, copy=name + "_item", parent=name + "_parent", link="link",
        key=("customer",), parent_columns=(), child_columns=("sku",),
    )


ORDERS, CUSTOMERS, TWIN = plan("orders"), plan("customers"), plan("orders")
FIRST = Chain(())
OTHER = {"name": "orders"}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a module of plans; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    (tmp_path / "shop_plans.py").write_text(PLANS)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def ini(text: str) -> Config:
    Path("alembic.ini").write_text(
        f"[alembic]\nscript_location = %(here)s/alembic\nprepend_sys_path = .\n"
        f"path_separator = os\n\n{text}"
    )
    return Config("alembic.ini")


def toml(text: str) -> Config:
    Path("pyproject.toml").write_text(f'[tool.alembic]\nprepend_sys_path = ["."]\n\n{text}')
    return Config(toml_file="pyproject.toml")


def refused(config: Config) -> str:
    with pytest.raises(WrongUse) as raised:
        registered_plans(config)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize(
    "listed",
    [
        "plans = shop_plans:ORDERS, shop_plans:CUSTOMERS",
        "plans =\n    shop_plans:ORDERS\n    shop_plans:CUSTOMERS",
        "plans = shop_plans:ORDERS,\n    shop_plans:CUSTOMERS",
    ],
)
def test_plans_of_an_ini_file_keep_their_order(project: Path, listed: str) -> None:
    found = registered_plans(ini(f"[membership_refactor]\n{listed}\n"))
    assert [r.plan.name for r in found] == ["orders", "customers"]
    assert [r.schemas for r in found] == [(), ()]
    assert [dict(r.models) for r in found] == [{}, {}]


def expected_options(registered: Registered) -> None:
    assert registered.target == "shop_plans:ORDERS"
    assert registered.schemas == ("sales", "archive")
    assert registered.models == {"": ("m:Base", "n:Base"), "link_children": ("k:Base",)}


def test_the_options_of_a_plan_in_an_ini_file(project: Path) -> None:
    text = """
[membership_refactor]
plans = shop_plans:ORDERS

[membership_refactor:orders]
schemas = sales, archive
models = m:Base, n:Base
models.link_children = k:Base
baseline = shop_plans:FIRST
"""
    (registered,) = registered_plans(ini(text))
    expected_options(registered)


def test_the_options_of_a_plan_in_pyproject(project: Path) -> None:
    text = """
[tool.membership_refactor]
plans = ["shop_plans:ORDERS"]

[tool.membership_refactor.orders]
schemas = ["sales", "archive"]
models = {link_children = "k:Base", drop_deprecated_columns = ["m:Base", "n:Base"]}
"""
    (registered,) = registered_plans(toml(text))
    assert registered.models == {
        "link_children": ("k:Base",),
        "drop_deprecated_columns": ("m:Base", "n:Base"),
    }
    assert registered.schemas == ("sales", "archive")


def test_a_project_without_a_registration_registers_nothing(project: Path) -> None:
    assert registered_plans(ini("")) == ()
    assert registered_plans(toml("")) == ()
    assert registered_plans(Config()) == ()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("shop_plan:ORDERS", "cannot be imported: ModuleNotFoundError: No module named"),
        ("shop_plans:ORDRES", "cannot be imported: AttributeError"),
        ("shop_plans.ORDERS", "is not written as MODULE:NAME"),
        ("shop_plans:OTHER", "is not a plan: its type is dict"),
        ("broken:ORDERS", "cannot be imported: ZeroDivisionError: division by zero"),
        ("wrong:ORDERS", 'plan "orders": key is empty'),
    ],
)
def test_a_target_that_is_no_plan_is_named_with_its_place(
    project: Path, target: str, says: str
) -> None:
    (project / "broken.py").write_text("1 / 0\n")
    (project / "wrong.py").write_text(PLANS.replace('("customer",)', "()"))
    said = refused(ini(f"[membership_refactor]\nplans = {target}\n"))
    assert said.startswith(f'"{target}", [membership_refactor] of alembic.ini, ')
    assert says in said
    said = refused(toml(f'[tool.membership_refactor]\nplans = ["{target}"]\n'))
    assert said.startswith(f'"{target}", [tool.membership_refactor] of pyproject.toml, ')
    assert says in said


def test_a_plan_that_is_named_twice_is_refused(project: Path) -> None:
    twice = "[membership_refactor]\nplans = shop_plans:ORDERS, shop_plans:ORDERS\n"
    assert 'plan "shop_plans:ORDERS" is named twice' in refused(ini(twice))
    twin = "[membership_refactor]\nplans = shop_plans:ORDERS, shop_plans:TWIN\n"
    assert 'are both called "orders"' in refused(ini(twin))


def test_a_plan_in_both_files_is_refused(project: Path) -> None:
    ini("[membership_refactor]\nplans = shop_plans:ORDERS\n")
    toml('[tool.membership_refactor]\nplans = ["shop_plans:ORDERS"]\n')
    said = refused(Config("alembic.ini", toml_file="pyproject.toml"))
    assert "[membership_refactor] of alembic.ini" in said
    assert "[tool.membership_refactor] of pyproject.toml" in said


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("[membership_refactor:ordres]\nschemas = a\n", 'Did you mean "orders"?'),
        ("[membership_refactor:orders]\nschema = a\n", 'unknown option "schema"'),
        ("[membership_refactor:orders]\nschemas.x = a\n", 'unknown option "schemas.x"'),
        ("[membership_refactor:orders]\nbaseline = shop_plans:OTHER\n", "is not a Chain of steps"),
        ("[membership_refactor:orders]\nbaseline = nowhere:X\n", "cannot be imported"),
        ("schemas = a\n", 'unknown option "schemas"'),
    ],
)
def test_an_option_that_cannot_be_is_refused(project: Path, options: str, says: str) -> None:
    said = refused(ini(f"[membership_refactor]\nplans = shop_plans:ORDERS\n{options}"))
    assert says in said
